"""LINE, heard and shown: signatures, events as data, and messages that LINE's own schema takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bubble import Bubble, Button, Card, CardRow
from bot.conversation import Conversation
from bot.step import take
from bot.turn import bubbles
from handlers.line import DoesNotFit, Heard, LineFault, from_line, read_post, to_line, verify
from handlers.line_flex import MOST_BUBBLE_BYTES, MOST_CAROUSEL_BYTES, alt_text, size, text_messages
from handlers.line_text import graphemes, parts, units
from knowledge.load import shipped
from tests.cases import DAY, load_cases, message
from tests.line_double import CONTRACT
from tests.line_posts import BOT, SECRET, again, body, event, person, sign

NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
EVENTS = list(load_cases("webhooks/line", frozenset({"name", "post", "heard", "ours", "valid"})))
TALKS = list(load_cases("transcripts", frozenset({"name", "on", "hint", "turns"})))
needs_contract = pytest.mark.skipif(CONTRACT is None, reason="the platforms' schemas are not on this machine")
ODD = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(["👩‍👩‍👧‍👦", "ก็ำ", "é", "⛔ x\n\n▶ y"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=8,
)


def _faults(messages: list[dict[str, Any]]) -> list[str]:
    """What LINE's schema says against a reply and a push of these messages."""
    if CONTRACT is None or not messages:
        return []
    reply = CONTRACT.line_errors("ReplyMessageRequest", {"replyToken": "t", "messages": messages})
    return [*reply, *CONTRACT.line_errors("PushMessageRequest", {"to": person(1), "messages": messages})]


def _seen(value: Any) -> str:
    """Every text that a person can read in a message."""
    if isinstance(value, dict):
        return "\n".join(_seen(inner) for key, inner in value.items() if key in ("text", "contents", "body"))
    return "\n".join(map(_seen, value)) if isinstance(value, list) else value if isinstance(value, str) else ""


# ---- verify


def test_signature() -> None:
    raw = body(event("follow", {"type": "user", "userId": person(1)}, NOON))
    good = sign(raw)
    assert verify(raw, good, SECRET)
    assert not verify(raw + b" ", good, SECRET)
    assert not verify(raw, good, SECRET + "x")
    for forged in (None, "", good[:-2], good + "=", good.lower(), "é" * 44, "\udc80", sign(raw, "")):
        assert not verify(raw, forged, SECRET)
    assert not verify(raw, sign(raw, ""), ""), "without a secret nothing is let in"


@given(st.binary(max_size=200), st.text(st.characters(codec=None)))
def test_signature_never_raises(raw: bytes, signature: str) -> None:
    assert verify(raw, sign(raw), SECRET)
    assert not verify(raw, signature, SECRET)


# ---- from_line


@pytest.mark.parametrize("case", [case for _, case in EVENTS], ids=[name for name, _ in EVENTS])
def test_event(case: dict[str, Any]) -> None:
    post = read_post(json.dumps(case["post"]).encode())
    ours = frozenset(case.get("ours", ())).__contains__
    heard = [from_line(one, received_at=NOON, destination=post.destination, ours=ours) for one in post.events]
    assert len(heard) == len(case["heard"])
    for number, (got, expected) in enumerate(zip(heard, case["heard"], strict=True), 1):
        if expected is None:
            assert got is None, f"event {number}"
            continue
        assert got is not None, f"event {number}"
        for key, value in expected.items():
            is_value = getattr(got, key)
            is_value = is_value.isoformat() if isinstance(is_value, datetime) else is_value
            assert is_value == value, f"event {number}: {key} is {is_value!r}"
    if CONTRACT is not None:
        assert bool(CONTRACT.line_event_errors(case["post"])) is not case.get("valid", True)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[]", b"7", b"{}", b'{"events": {}}', b"[" * 99_999,
                                 b'{"events": [' + b'{"a":' * 99_999])  # fmt: skip
def test_no_webhook_is_a_fault(raw: bytes) -> None:
    with pytest.raises(LineFault):
        read_post(raw)


def test_what_is_no_event_is_left_out() -> None:
    good = event("follow", {"type": "user", "userId": person(1)}, NOON)
    post = read_post(json.dumps({"events": [1, None, good, [], "x"]}).encode())
    assert post.events == (good,)
    assert post.destination == ""


def test_an_event_delivered_again_is_the_same_event() -> None:
    said = {"type": "text", "id": "1", "text": "hi"}
    first = event("message", {"type": "user", "userId": person(1)}, NOON, "token", message=said)
    nameless = {key: value for key, value in first.items() if key != "webhookEventId"}
    for one in (first, nameless):
        heard, repeated = _heard(one), _heard(again(one))
        assert heard.id == repeated.id
        assert repeated.redelivered
    assert _heard(nameless).id != _heard(nameless | {"timestamp": 1}).id


def test_message_to_answer() -> None:
    source = {"type": "user", "userId": person(1)}
    said = _heard(event("message", source, NOON, message={"type": "text", "text": "hi"})).message()
    assert said is not None
    assert (said.text, said.person, said.sent_at, said.pressed) == ("hi", f"line:{person(1)}", NOON, None)
    tapped = _heard(event("postback", source, NOON, postback={"data": "v1|why"})).message()
    assert tapped is not None
    assert tapped.pressed == "v1|why"
    assert _heard(event("follow", source, NOON)).message() is None


def _heard(one: dict[str, Any]) -> Heard:
    heard = from_line(one, received_at=NOON, destination=BOT)
    assert heard is not None
    return heard


@given(JSON, JSON, JSON, st.sampled_from(["message", "postback", "unsend", "messageEdited", "follow"]))
def test_nothing_in_an_event_raises(one: Any, two: Any, three: Any, kind: str) -> None:
    source = {"type": "user", "userId": person(1)}
    mention = {"mentionees": [{"isSelf": True, "index": two, "length": three}, one]}
    for odd in (
        {"type": kind, "source": one, "message": two, "timestamp": three},
        {"type": kind, "source": source, "message": one, "postback": one, "unsend": one, "follow": one, "mode": two},
        {"type": "message", "source": source, "timestamp": one, "message": {"type": one, "text": two, "id": three}},
        {"type": "message", "source": source, "message": {"type": "text", "text": one, "mention": mention}},
    ):
        heard = from_line(odd, received_at=NOON, destination=BOT)
        if heard is not None:
            heard.id.encode()
            (heard.text + (heard.press or "")).encode()
            assert "\0" not in heard.text


# ---- to_line


@pytest.mark.parametrize("case", [case for _, case in TALKS], ids=[name for name, _ in TALKS])
def test_every_transcript_fits(case: dict[str, Any]) -> None:
    knowledge, conversation = shipped(), Conversation()
    for turn in case["turns"]:
        said = message(turn.get("say") or "", pressed=turn.get("press"), on=case.get("on", DAY), hint=case.get("hint"))
        done = take(conversation, said, knowledge)
        conversation = done.conversation
        shown = bubbles(done, knowledge)
        messages = to_line(shown)
        assert 1 <= len(messages) <= 5
        assert not _faults(messages)
        text = _seen(messages)
        for bubble in shown:
            told = [cell for row in bubble.card.rows for cell in row.cells] if bubble.card else bubble.text.splitlines()
            assert all(line.strip() in text for line in told)
        data = [item["action"]["data"] for item in messages[-1].get("quickReply", {"items": []})["items"]]
        if any(bubble.buttons for bubble in shown):
            assert data[: len(conversation.offered)] == list(conversation.offered)
            assert f"{len(conversation.offered)}. " in text


def _buttons(many: int, start: int = 0) -> tuple[Button, ...]:
    return tuple(Button(f"choice {number}", f"v1|topic|{number}") for number in range(start, start + many))


def test_choices_ride_on_the_last_message_and_are_numbered() -> None:
    card = Card("Title", ("", "Stage", "Roles"), (CardRow(("●", "Awareness", "KOL"), 3), CardRow(("", "", ""), 0)), "")
    messages = to_line((Bubble("hello", _buttons(2)), Bubble("matrix in words", (), card)), quote_token="q")  # noqa: S106
    assert [one["type"] for one in messages] == ["text", "flex", "text"]
    assert messages[0]["quoteToken"] == "q"
    assert messages[2]["text"] == "1. choice 0\n2. choice 1"
    action = messages[2]["quickReply"]["items"][1]["action"]
    assert action == {"type": "postback", "label": "choice 1", "data": "v1|topic|1", "displayText": "choice 1"}
    assert not any("quickReply" in one for one in messages[:2])
    assert not _faults(messages)


def test_choices_of_two_bubbles_are_all_there_and_only_the_last_are_counted() -> None:
    first, second = to_line((Bubble("first\n\n▶ line", _buttons(9)), Bubble("second", _buttons(13))))
    assert first["altText"] == "first\n\n▶ line"
    assert _seen(first) == "first\n▶ line" + "\n" * 9
    inside = [one["action"]["data"] for one in first["contents"]["body"]["contents"] if one["type"] == "button"]
    assert inside == [f"v1|topic|{number}" for number in range(9)]
    assert second["text"].startswith("second\n\n1. choice 0\n2. choice 1")
    assert len(second["quickReply"]["items"]) == 13
    assert not _faults([first, second])
    long = to_line((Bubble("字" * 9_000, _buttons(3)), Bubble("second", _buttons(1))))
    assert len(long) == 3
    assert not _faults(long)
    odd = to_line((Bubble("first", (Button("x" * 30, "v1|why"),)), Bubble("second", _buttons(1))), strict=False)
    assert odd[0]["text"] == "first\n\n• " + "x" * 30


@pytest.mark.parametrize(
    "buttons",
    [
        _buttons(14),
        (Button("x" * 21, "v1|why"),),
        (Button(" ", "v1|why"),),
        (Button("x", ""),),
        (Button("x", "x" * 301),),
    ],
)
def test_what_does_not_fit_fails_and_is_never_cut(buttons: tuple[Button, ...]) -> None:
    with pytest.raises(DoesNotFit):
        to_line((Bubble("which?", buttons),))
    messages = to_line((Bubble("which?", buttons),), strict=False)
    assert all(button.label.strip() in messages[-1]["text"] for button in buttons)
    assert not _faults(messages)


def test_labels_are_counted_as_readers_see_them() -> None:
    for label in ("ที่" * 20, "e\u0301" * 20, "影響力矩陣影響力矩陣影響力矩陣影響力矩陣"):
        assert graphemes(label) <= 20
        assert not _faults(to_line((Bubble("?", (Button("ok", "v1|why"),)),)))
        assert (
            to_line((Bubble("?", (Button(label, "v1|why"),)),))[0]["quickReply"]["items"][0]["action"]["label"] == label
        )


def test_nothing_to_show_is_no_message() -> None:
    assert to_line(()) == []
    assert to_line((Bubble(" \n"),)) == []


@pytest.mark.parametrize("many", [4_999, 5_000, 5_001, 12_000, 16_000])
@pytest.mark.parametrize("letter", ["a", "字", "🍎", "ก็"])
def test_long_answers_keep_every_word(letter: str, many: int) -> None:
    words = [letter * (1 + number % 30) for number in range(many // 10)]
    text = "\n".join(" ".join(words[at : at + 20]) for at in range(0, len(words), 20))
    messages = to_line((Bubble(text[: len(text) // 2]), Bubble(text[len(text) // 2 :], _buttons(13))))
    assert len(messages) <= 5
    assert not _faults(messages)
    assert all(units(one["text"]) <= 5_000 for one in messages if one["type"] == "text")
    kept = "".join(_seen(messages).split())
    assert kept.startswith("".join(text.split()))
    assert kept.endswith("13.choice12")


def test_what_no_five_messages_hold_is_a_fault() -> None:
    with pytest.raises(DoesNotFit):
        to_line((Bubble("字 " * 200_000),), strict=False)


def test_many_bubbles_become_five() -> None:
    messages = to_line([Bubble(f"bubble {number}") for number in range(30)])
    assert len(messages) == 1
    assert all(f"bubble {number}" in messages[0]["text"] for number in range(30))


def test_an_enormous_card_becomes_pages_and_an_impossible_one_a_fault() -> None:
    rows = tuple(CardRow(("●", f"stage {number}", "角色" * 400), number % 4) for number in range(60))
    messages = to_line((Bubble("words " * 900, (), Card("T", ("", "Stage", "Roles"), rows, "note")),))
    assert not _faults(messages)
    assert all(f"stage {number}" in _seen(messages) for number in range(60))
    for one in messages:
        assert size(one["contents"]) <= MOST_CAROUSEL_BYTES
        assert units(one["altText"]) <= 1_500
        assert all(size(page) <= MOST_BUBBLE_BYTES for page in one["contents"].get("contents", [one["contents"]]))
    with pytest.raises(DoesNotFit):
        to_line((Bubble("", (), Card("T", ("a",), (CardRow(("字" * 11_000,), 1),), "")),))


@given(st.text(max_size=400), st.integers(32, 90))
def test_parts_lose_nothing(text: str, most: int) -> None:
    found = parts(text, most)
    assert all(0 < units(part) <= most for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(st.text(max_size=200))
def test_pages_lose_nothing(text: str) -> None:
    kept = "".join(_seen(text_messages(text)).split())
    assert kept == "".join(text.split())
    assert 0 < units(alt_text(text * 40)) <= 1_500


@needs_contract
def test_the_contract_sees_faults() -> None:
    assert _faults([{"type": "text", "text": "x" * 5_001}])
