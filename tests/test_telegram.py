"""Telegram without a network: what is heard in updates, and what is shown for bubbles."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.bubble import Bubble, Button, Card, CardRow
from bot.conversation import Conversation
from bot.press import press
from bot.step import take
from bot.turn import bubbles
from handlers.telegram import MOST_TEXT, from_telegram, to_telegram, verify
from handlers.telegram_table import MOST_CELLS, table
from knowledge.brief import Brief
from knowledge.load import shipped
from tests.cases import load_cases, message
from tests.telegram_contract import PRESENT, telegram_errors

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CASES = [
    pytest.param(case, id=f"{name} {case['name']}")
    for name, case in load_cases("webhooks/telegram", frozenset({"name", "update", "heard"}))
]


def hear(update: object) -> Any:
    return from_telegram(update, "AdviserBot", 4242, NOW)


@pytest.mark.parametrize("case", CASES)
def test_updates_are_heard(case: dict[str, Any]) -> None:
    heard = hear(case["update"])
    wanted = case["heard"]
    if wanted is None:
        assert heard is None
        return
    assert heard is not None
    fields = dataclasses.asdict(heard)
    fields["sent_at"] = "now" if heard.sent_at == NOW else int(heard.sent_at.timestamp())
    assert {key: fields[key] for key in wanted} == wanted
    assert heard.sent_at.tzinfo is not None
    assert heard.message().person == heard.conversation == f"tg:{heard.chat_id}"
    assert heard.message().pressed == heard.press


def said(number: int, text: str, *, edited: bool = False, message_id: int = 7, chat: int = 55) -> dict[str, Any]:
    """An update: words in a private chat, new or edited."""
    at = int(NOW.timestamp()) - 60
    message = {"message_id": message_id, "date": at, "chat": {"id": chat, "type": "private"}, "text": text}
    return {"update_id": number, "edited_message" if edited else "message": message}


def test_an_edit_that_leaves_the_words_is_the_same_event() -> None:
    """Telegram tells of one when somebody reacts to a message; it must not be answered again."""
    first = hear(said(1, "再加10萬"))
    assert hear(said(2, "再加10萬", edited=True)).event_id == first.event_id
    assert hear(said(1, "再加10萬")) == first
    others = [hear(said(2, "再加20萬", edited=True)), hear(said(2, "再加10萬", message_id=8)),
              hear(said(2, "再加10萬", chat=56)), hear(said(3, "再加10萬 ", edited=True))]  # fmt: skip
    assert len({first.event_id, *(other.event_id for other in others)}) == 5
    # It names nobody, and nobody's words.
    assert re.fullmatch(r"tg:4242:[0-9a-f]{32}", first.event_id)


def test_the_pictures_of_an_album_are_one_event() -> None:
    def picture(number: int, **more: Any) -> Any:
        message = {"message_id": number, "date": 1, "chat": {"id": 55, "type": "private"}, "photo": [{"file_id": "x"}]}
        return hear({"update_id": number, "message": message | {"media_group_id": "1365"} | more})

    assert picture(1).event_id == picture(2).event_id
    assert (
        len({picture(1).event_id, picture(3, caption="serum").event_id, picture(4, media_group_id="2").event_id}) == 3
    )


def test_a_lone_surrogate_is_replaced() -> None:
    update = json.loads('{"update_id":1,"message":{"chat":{"id":5,"type":"private"},"text":"a \\ud83d b"}}')
    assert hear(update).text == "a \ufffd b"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ("message", "chat", "from", "id", "type", "text", "date", "entities", "update_id", "data", "offset", "length",
         "new_chat_member", "status", "reply_to_message", "caption", "photo", "migrate_to_chat_id")  # fmt: skip


@given(st.data())
def test_no_update_whatever_is_an_exception(data: st.DataObject) -> None:
    """Good updates with any part replaced by anything, known names in wrong places included."""
    good = data.draw(st.sampled_from([case.values[0]["update"] for case in CASES]))
    anything = _JSON | st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=3)

    def spoil(value: Any) -> Any:
        if data.draw(st.integers(0, 5)) == 0:
            return data.draw(anything)
        if isinstance(value, dict):
            return {key: spoil(inner) for key, inner in value.items()}
        return [spoil(inner) for inner in value] if isinstance(value, list) else value

    heard = hear(spoil(good))
    if heard is not None:
        json.dumps(dataclasses.asdict(heard), default=str).encode()
        heard.text.encode()


def test_the_secret_opens_and_nothing_else_does() -> None:
    assert verify("s3cret", "s3cret")
    for header in (None, "", "s3cre", "s3cret ", "S3CRET", "秘", "\udcff"):
        assert not verify(header, "s3cret")
    assert not verify("", "")


# ---- to


def plain(calls: list[dict[str, Any]]) -> str:
    return "\n".join(unescape(re.sub(r"</?(b|pre)>", "", call["params"]["text"])) for call in calls)


@pytest.mark.skipif(not PRESENT, reason="the published schemas are not beside this repository")
def test_every_answer_keeps_the_contract() -> None:
    knowledge = shipped()
    for language in sorted(knowledge.finished):
        for number, category in enumerate(knowledge.categories):
            market = list(knowledge.markets)[number % len(knowledge.markets)]
            brief = Brief("conversion", category, None, market, declined=frozenset({"budget"}))
            before = Conversation(language=language, chosen=True, brief=brief)
            shown = bubbles(take(before, message(pressed=press("resume")), knowledge), knowledge)
            calls = to_telegram(shown, 55)
            for call in calls:
                assert telegram_errors(call["method"], call["params"]) == []
                assert json.loads(json.dumps(call)) == call
            for bubble in shown:
                assert squeezed(bubble.text) in squeezed(plain(calls))


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_text_is_escaped_and_links_are_not_previewed() -> None:
    (call,) = to_telegram([Bubble("a <b> & https://x.test\n▶ Lead: R&D")], 55)
    assert call["method"] == "sendMessage"
    assert call["params"] == {
        "chat_id": 55, "text": "a &lt;b&gt; &amp; https://x.test\n<b>▶ Lead: R&amp;D</b>", "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }  # fmt: skip


def test_topic_and_answered_message_stand_where_they_belong() -> None:
    first, second = to_telegram([Bubble("a"), Bubble("b")], -100, thread_id=6, reply_to=7)
    assert first["params"]["message_thread_id"] == second["params"]["message_thread_id"] == 6
    assert first["params"]["reply_parameters"] == {"message_id": 7, "allow_sending_without_reply": True}
    assert "reply_parameters" not in second["params"]


@given(st.text(st.sampled_from("ab <&。，\n ก่é🍎👩\u200d\u0301"), min_size=1, max_size=300), st.integers(1, 60))
def test_a_long_text_is_divided_and_whole(text: str, times: int) -> None:
    whole = text * times
    calls = to_telegram([Bubble(whole, (Button("ok", "v1|why"),))], 55)
    for call in calls:
        assert 0 < len(call["params"]["text"].encode("utf-16-le")) // 2 <= MOST_TEXT
    assert ["reply_markup" in call["params"] for call in calls] == [False] * (len(calls) - 1) + [True]
    if whole.strip():
        assert squeezed(plain(calls)) == squeezed(whole)


def test_a_division_falls_between_paragraphs_then_sentences() -> None:
    paragraphs = "\n\n".join("word " * 150 for _ in range(8))
    assert all(call["params"]["text"].startswith("word") for call in to_telegram([Bubble(paragraphs)], 55))
    sentences = "這是一句話。" * 1_000
    assert all(call["params"]["text"].endswith("。") for call in to_telegram([Bubble(sentences)], 55))
    thai = "ก่" * 3_000
    assert all(call["params"]["text"].startswith("ก") for call in to_telegram([Bubble(thai)], 55))


def test_nothing_to_show_is_no_message_and_buttons_alone_have_one() -> None:
    assert to_telegram([Bubble(" \n")], 55) == []
    (call,) = to_telegram([Bubble("", (Button("Why?", "v1|why"),))], 55)
    assert call["params"]["text"].strip()


def test_buttons_share_a_row_by_the_width_of_their_labels() -> None:
    labels = ["Why?", "Law", "Sources", "Change goal", "Change product", "數字行銷服務商務合作"]
    labels += ["為什麼？", "看法規", "重新開始"]
    (call,) = to_telegram([Bubble("x", tuple(Button(label, "v1|why") for label in labels))], 55)
    rows = [[button["text"] for button in row] for row in call["params"]["reply_markup"]["inline_keyboard"]]
    assert rows == [labels[:3], labels[3:5], [labels[5]], labels[6:]]


@pytest.mark.parametrize("button", [Button("x", "v1|" + "ก" * 21), Button("x", ""), Button(" ", "v1|why")])
def test_a_button_that_does_not_fit_is_refused_not_cut(button: Button) -> None:
    with pytest.raises(ValueError, match="Telegram takes no button"):
        to_telegram([Bubble("x", (button,))], 55)


# ---- the table

WIDE = Card("t", ("", "階段", "角色", "KPI"), (
    CardRow(("●○○", "認知", "KOL 意見領袖", "曝光量、觸及率"), 1),
    CardRow(("●●●", "考慮", "KOP 專業人士（主力）、KOS 種子型", "信任度、專業形象"), 3),
), "n")  # fmt: skip
THAI = Card("t", ("ขั้น", "ใคร"), (CardRow(("รับรู้", "ผู้เชี่ยวชาญ"), 1), CardRow(("ซื้อ", "KOL"), 2)), "n")


def starts(line: str) -> list[int]:
    """The cells at which a line's columns begin."""
    return [cell_len(line[: found.start()]) for found in re.finditer(r"(?<!\S)\S", line)]


def test_columns_line_up_in_wide_scripts() -> None:
    card = Card("t", ("a", "b"), (CardRow(("認知", "x"), 1), CardRow(("ab", "y"), 1), CardRow(("é", "z"), 1)), "n")
    lines = table(card).splitlines()
    assert {starts(line)[1] for line in (lines[0], *lines[2:])} == {6}
    assert {starts(line)[1] for line in (table(THAI).splitlines()[0], *table(THAI).splitlines()[2:])} == {5}


@pytest.mark.parametrize("card", [WIDE, THAI])
def test_a_table_fits_a_phone_and_loses_nothing(card: Card) -> None:
    drawn = table(card)
    assert all(cell_len(line) <= MOST_CELLS for line in drawn.splitlines())
    letters = sorted(squeezed(drawn.replace("─", "")))
    assert letters == sorted(squeezed("".join([*card.heads, *("".join(row.cells) for row in card.rows)])))


@given(st.lists(st.lists(st.text(max_size=30), min_size=1, max_size=5), min_size=1, max_size=5))
def test_any_cells_make_a_table(rows: list[list[str]]) -> None:
    drawn = table(Card("t", tuple(rows[0]), tuple(CardRow(tuple(row), 1) for row in rows), "n"))
    assert all(cell_len(line) <= MOST_CELLS + 2 for line in drawn.splitlines())


def test_a_card_comes_with_its_words() -> None:
    (call,) = to_telegram([Bubble("認知：KOL\n考慮：KOP", card=WIDE)], 55)
    words, _, drawn = call["params"]["text"].partition("\n\n")
    assert words == "認知：KOL\n考慮：KOP"
    assert drawn.startswith("<pre>") and drawn.endswith("</pre>")
    (alone,) = to_telegram([Bubble("", card=WIDE)], 55)
    assert "<pre>" not in alone["params"]["text"] and "KOL 意見領袖" in alone["params"]["text"]


def test_words_and_a_table_that_do_not_fit_together_are_two_messages() -> None:
    first, second = to_telegram([Bubble("x" * 4_000, (Button("Why?", "v1|why"),), WIDE)], 55)
    assert "<pre>" not in first["params"]["text"] and "reply_markup" not in first["params"]
    assert second["params"]["text"].startswith("<pre>") and "reply_markup" in second["params"]
    huge = Card("t", ("a",), tuple(CardRow(("x" * 60,), 1) for _ in range(200)), "n")
    (only,) = to_telegram([Bubble("all of it in words", card=huge)], 55)
    assert only["params"]["text"] == "all of it in words"
