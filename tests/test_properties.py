"""Properties: what holds for any text, any press, any conversation."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation import WITNESSED, Conversation
from bot.fold import Speller, fold, plain
from bot.message import Kind, Message
from bot.picked import picks
from bot.press import press, read_press
from bot.render import render
from bot.step import step, take
from bot.understand import understand
from bot.understood import MOST_LETTERS
from knowledge.brief import ROLES, Brief, Budget, Money
from knowledge.change import changed
from knowledge.load import shipped

KNOWLEDGE = shipped()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_WORDS = [
    term
    for language in KNOWLEDGE.languages.values()
    for words in (*language.acts.values(), language.not_before, language.exclude_before)
    for term in words
] + [
    term
    for shape in (*KNOWLEDGE.categories.values(), *KNOWLEDGE.goals.values(), *KNOWLEDGE.roles.values(),
                  *KNOWLEDGE.topics.values(), *KNOWLEDGE.markets.values())
    for terms in shape.words.values()
    for term in terms
]  # fmt: skip
_AMOUNTS = [
    "30萬",
    "15 củ",
    "$5,000",
    "1.2.3",
    "1e999",
    "-5萬",
    "0",
    "99999999999999999999",
    "20-30萬",
    "2tr5",
    "再加10萬",
]
_ODD = ["\u200b", "\u202e", "🎯", "é́́", "<b>", "{{7*7}}", "{% raw %}", "\x00", "\ud800", "%s", "\\", "’", "|", "v1|x"]
SPOKEN = st.lists(st.one_of(st.sampled_from(_WORDS), st.sampled_from(_AMOUNTS), st.sampled_from(_ODD)), max_size=8)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet=st.characters(codec=None, categories=None), max_size=60),
    SPOKEN.map(" ".join),
    SPOKEN.map("".join),
)
PRESSES = st.one_of(
    st.text(alphabet=string.printable, max_size=70),
    st.builds(
        press,
        st.sampled_from(["goal", "category", "budget", "why", "law", "step", "topic", "compare", "ask", "reading"]),
        st.sampled_from(["", *KNOWLEDGE.goals, *KNOWLEDGE.categories, *KNOWLEDGE.readings, "decline", "3", "NaN-TWD"]),
    ),
)
MONEY = st.builds(Money, st.decimals(1, 10**12, places=2), st.sampled_from([None, "TWD", "VND", "USD"]))


@st.composite
def briefs(draw: st.DrawFn) -> Brief:
    money = draw(st.one_of(st.none(), MONEY))
    return Brief(
        goal=draw(st.sampled_from([None, *KNOWLEDGE.goals])),
        category=draw(st.sampled_from([None, *KNOWLEDGE.categories])),
        budget=Budget(money, money) if money else None,
        market=draw(st.sampled_from([None, *KNOWLEDGE.markets])),
        excluded=draw(st.frozensets(st.sampled_from(ROLES))),
        declined=draw(st.sampled_from([frozenset(), frozenset({"budget"})])) if money is None else frozenset(),
        staff=draw(st.sampled_from([None, True, False])),
        second=draw(st.sampled_from([None, *KNOWLEDGE.goals])),
        unclear=draw(st.frozensets(st.sampled_from(sorted(KNOWLEDGE.readings)), max_size=2)),
    )


CONVERSATIONS = st.builds(
    Conversation,
    language=st.sampled_from([None, "zh-Hant", "vi", "en", "th", "ja"]),
    chosen=st.booleans(),
    home=st.sampled_from([None, "zh-Hant", "vi", "th", "ja"]),
    brief=briefs(),
    misses=st.integers(0, 5),
    offered=st.sampled_from([(), ("v1|goal|conversion", "v1|restart"), ("v1|ask|goal",)]),
)


def _message(text: str, pressed: str | None = None) -> Message:
    return Message("1", "test:1", text, NOON, pressed, None)


@settings(max_examples=400)
@given(CONVERSATIONS, TEXTS)
def test_step_answers_anything(conversation: Conversation, text: str) -> None:
    """Never raises, always says something, the same in gives the same out, and it can be written down."""
    after, replies = step(conversation, _message(text), KNOWLEDGE)
    assert (after, replies) == step(conversation, _message(text), KNOWLEDGE)
    assert replies
    assert Conversation.load(after.dump()) == after
    for reply in replies:
        for language in KNOWLEDGE.languages:
            bubble = render(reply, language, KNOWLEDGE)
            assert bubble.text
            assert len(bubble.text) <= 4_000
            assert len(bubble.buttons) <= 13


@settings(max_examples=300)
@given(CONVERSATIONS, PRESSES)
def test_step_answers_any_button(conversation: Conversation, pressed: str) -> None:
    after, replies = step(conversation, _message("", pressed), KNOWLEDGE)
    assert replies
    assert Conversation.load(after.dump()) == after
    assert all(render(reply, "zh-Hant", KNOWLEDGE).text for reply in replies)


@settings(max_examples=300)
@given(CONVERSATIONS, TEXTS)
def test_brief_changes_only_by_what_was_said(conversation: Conversation, text: str) -> None:
    """Whatever differs afterwards is what the understood changes make of the brief, or a new start."""
    turn = take(conversation, _message(text), KNOWLEDGE)
    if turn.intent in ("restart", "cancel"):
        assert turn.conversation.brief == Brief()
    elif [reply.name for reply in turn.replies] == ["forgotten"]:
        assert turn.conversation == Conversation()
    elif picks(text, KNOWLEDGE) is None:
        asks = conversation.brief.next_question
        heard = understand(text, KNOWLEDGE, language=conversation.language, asks=asks)
        expected = conversation.brief
        for change in heard.changes:
            expected = changed(expected, change)
        for field in ("goal", "category", "budget", "market", "excluded", "declined", "staff"):
            assert getattr(turn.conversation.brief, field) == getattr(expected, field), field


@settings(max_examples=300)
@given(
    TEXTS,
    st.sampled_from([None, "zh-Hant", "vi", "en", "th", "ja"]),
    st.sampled_from([None, "goal", "category", "budget"]),
)
def test_understand_is_total_and_steady(text: str, language: str | None, asks: str | None) -> None:
    heard = understand(text, KNOWLEDGE, language=language, asks=asks)  # type: ignore[arg-type]
    assert heard == understand(text, KNOWLEDGE, language=language, asks=asks)  # type: ignore[arg-type]
    for field, quotes in heard.evidence.items():
        assert field in WITNESSED
        assert all(0 < len(words) <= MOST_LETTERS for words in quotes)


@given(CONVERSATIONS)
def test_budget_stays_above_zero(conversation: Conversation) -> None:
    for text in ("少500萬", "減一半", "-5萬", "bớt 900 tỷ", "minus 5 million", "預算 -3 萬", "0元"):
        brief = take(conversation, _message(text), KNOWLEDGE).conversation.brief
        if brief.budget is not None:
            assert brief.budget.most.amount > Decimal(0)


_BAD = (
    "", " ", "\n", "🎯🎯🎯", "\x00\x01\x1b[31m", "\u200b\u200d\ufeff", "a" + "\u0301" * 500, "\u202eabc",
    "<script>alert(1)</script>", "{{7*7}}", "{% for x in y %}", "{{ config }}", "1.2.3", "1e999", "-500", "預算 -50萬",
    "budget 10^40", "x" * 100_000, "年" * 100_000, "năm " * 5_000, "1" * 100_000, "1," * 20_000, "💸" * 3_000,
    "\ud800\udfff",
)  # fmt: skip


@pytest.mark.parametrize("text", _BAD, ids=range(len(_BAD)))
def test_bad_input_gets_a_sensible_reply_and_changes_nothing(text: str) -> None:
    before = Conversation(
        language="en",
        brief=Brief("conversion", "skincare", Budget(Money(Decimal(5000), "USD"), Money(Decimal(5000), "USD"))),
    )
    after, replies = step(before, _message(text), KNOWLEDGE)
    assert replies
    assert after.brief == before.brief
    shown = "\n".join(render(reply, "en", KNOWLEDGE).text for reply in replies)
    assert "49" not in shown
    assert "<script" not in shown


@given(st.text(max_size=80))
def test_reading_a_press_never_raises(payload: str) -> None:
    found = read_press(payload)
    if found is not None:
        assert press(found.verb, found.value) == payload
        assert len(payload.encode()) <= 64


@settings(max_examples=100)
@given(CONVERSATIONS, st.sampled_from(["arrived", "sticker", "image", "audio", "video", "file", "location", "other"]))
def test_whatever_is_sent_gets_a_way_on(conversation: Conversation, kind: Kind) -> None:
    """A picture or a sticker changes nothing and is answered with something to tap."""
    sent = Message("1", "test:1", "", NOON, None, "vi", kind)
    after, replies = step(conversation, sent, KNOWLEDGE)
    assert after.brief == conversation.brief
    assert any(reply.choices for reply in replies)
    assert all(render(reply, "vi", KNOWLEDGE).text for reply in replies)


@settings(max_examples=400)
@given(TEXTS)
def test_words_are_folded_as_messages_are(text: str) -> None:
    """The quick way that builds the lexicon spells every word as the way that reads messages."""
    folded = fold(text, KNOWLEDGE.simplified)
    assert Speller(KNOWLEDGE.simplified).text(text) == folded.text
    assert plain(folded.text) == folded.plain


def test_every_word_we_know_is_folded_as_messages_are() -> None:
    speller = Speller(KNOWLEDGE.simplified)
    assert [word for word in _WORDS if speller.text(word) != fold(word, KNOWLEDGE.simplified).text] == []
