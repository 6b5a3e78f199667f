"""Undo: an edited message counts as it reads now, an unsent one as never said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation import Conversation
from bot.message import Kind, Message
from bot.step import Turn, take
from bot.turn import bubbles
from bot.undo import MOST_GONE, MOST_SAID
from knowledge.brief import Brief
from knowledge.load import shipped

KNOWLEDGE = shipped()
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
TEXTS = (
    "保養品新品,預算30萬,想衝業績,該找誰?", "再加10萬", "預算減半", "改成越南市場,想建立信任", "我們有自己的櫃姐",
    "不要KOL", "預算還沒定", "we sell cat food now", "make it awareness instead", "double the budget", "why?", "hello",
)  # fmt: skip


class Talk:
    """One conversation, kept between messages as the store keeps it."""

    def __init__(self) -> None:
        self.kept = Conversation()
        self.number = 0

    def say(
        self, text: str, ref: str | None, kind: Kind = "text", *, at: datetime | None = None, pressed: str | None = None
    ) -> Turn:
        self.number += 1
        sent_at = at or NOON + timedelta(seconds=self.number)
        done = take(self.kept, Message(f"e{self.number}", "line:a", text, sent_at, pressed, None, kind, ref), KNOWLEDGE)
        self.kept = Conversation.load(done.conversation.dump())
        assert self.kept == done.conversation
        return done

    @property
    def budget(self) -> int | None:
        budget = self.kept.brief.budget
        return int(budget.most.amount) if budget else None


def test_an_edit_takes_the_place_of_what_it_was() -> None:
    talk = Talk()
    talk.say("保養品新品,預算30萬,想衝業績,該找誰?", "1")
    talk.say("再加10萬", "2")
    assert talk.budget == 400_000
    done = talk.say("再加20萬", "2")
    assert talk.budget == 500_000, "not 400,000 and 200,000 more"
    assert done.intent == "edit"
    shown = "".join(bubble.text for bubble in bubbles(done, KNOWLEDGE))
    assert "NT$400,000 → NT$500,000" in shown, "the change is told from what the person last saw"
    talk.say("保養品新品,預算80萬,想衝業績,該找誰?", "1")
    assert talk.budget == 800_000


def test_an_answer_is_edited_in_the_place_of_its_question() -> None:
    talk = Talk()
    talk.say("skincare, more sales", "1")
    talk.say("30000 USD", "2")
    assert talk.budget == 30_000
    talk.say("50000", "2")
    assert talk.budget == 50_000


def test_an_older_wording_that_comes_later_is_not_heard() -> None:
    talk = Talk()
    talk.say("保養品,預算30萬,想衝業績", "1", at=NOON)
    talk.say("保養品,預算50萬,想衝業績", "1", at=NOON + timedelta(minutes=2))
    kept = talk.kept
    for at in (NOON, NOON + timedelta(minutes=1)):
        assert talk.say("保養品,預算40萬,想衝業績", "1", at=at).replies == ()
    assert talk.kept == kept


def test_an_edit_that_changes_nothing_still_outdates_the_first() -> None:
    talk = Talk()
    talk.say("保養品,預算30萬,想衝業績", "1", at=NOON)
    talk.say("hello", "1", at=NOON + timedelta(minutes=2))
    assert talk.budget is None
    talk.say("保養品,預算30萬,想衝業績", "2", at=NOON + timedelta(minutes=3))
    talk.say("預算30萬", "2", at=NOON + timedelta(minutes=5))
    assert talk.say("預算40萬", "2", at=NOON + timedelta(minutes=4)).replies == ()
    assert talk.budget == 300_000


def test_what_was_unsent_was_never_said() -> None:
    talk = Talk()
    talk.say("保養品新品,預算30萬,想衝業績,該找誰?", "1")
    talk.say("再加10萬", "2")
    talk.say("改成越南市場,想建立信任", "3")
    assert talk.say("", "1", "unsent").replies == ()
    assert (talk.kept.brief.category, talk.kept.brief.goal, talk.budget) == (None, "trust", 400_000)
    assert "300000" not in talk.kept.dump(), "not as what a later message began from either"
    assert "conversion" not in json.dumps(json.loads(talk.kept.dump())["said"])
    talk.say("", "2", "unsent")
    talk.say("", "3", "unsent")
    assert talk.kept.brief == Brief()
    assert talk.kept.said == ()
    assert talk.say("再加10萬", "2").replies == (), "delivered again after it was unsent"


def test_a_press_is_never_taken_back_with_a_text() -> None:
    talk = Talk()
    talk.say("保養品,預算30萬", "1")
    talk.say("", None, pressed="v1|goal|trust")
    talk.say("想衝業績", "2")
    talk.say("", "2", "unsent")
    assert talk.kept.brief.goal == "trust"
    talk.say("", None, pressed="v1|category|makeup")
    talk.say("", "1", "unsent")
    assert (talk.kept.brief.goal, talk.kept.brief.category, talk.budget) == ("trust", "makeup", None)


@pytest.mark.parametrize("word", ["重新開始", "取消"])
def test_a_brief_that_is_thrown_away_is_kept_nowhere(word: str) -> None:
    talk = Talk()
    talk.say("保養品新品,預算30萬,想衝業績,該找誰?", "1")
    talk.say(word, "2")
    assert "300000" not in talk.kept.dump()
    talk.say("", "2", "unsent")
    assert talk.kept.brief == Brief()


def test_who_is_unknown_stays_unknown() -> None:
    talk = Talk()
    talk.say("", "9", "unsent")
    assert talk.kept == Conversation()
    talk.say("保養品", "1")
    talk.say("/forget", "2")
    assert talk.kept == Conversation()


def test_being_removed_forgets_the_group() -> None:
    talk = Talk()
    talk.say("保養品新品,預算30萬", "1")
    assert talk.say("", None, "removed").replies == ()
    assert talk.kept == Conversation()


def test_what_an_older_program_kept_is_read() -> None:
    talk = Talk()
    talk.say("保養品新品,預算30萬", "1")
    old = {key: value for key, value in json.loads(talk.kept.dump()).items() if key not in ("said", "gone")}
    assert Conversation.load(json.dumps(old)) == talk.kept.having(said=(), gone=())


@settings(max_examples=150)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), st.data())
def test_the_last_message_unsent_leaves_the_brief_before_it(texts: list[str], data: st.DataObject) -> None:
    talk = Talk()
    for number, text in enumerate(texts[:-1]):
        talk.say(text, f"m{number}")
    before = talk.kept.brief, talk.kept.words
    talk.say(texts[-1], "last")
    if data.draw(st.booleans()):
        talk.say(data.draw(st.sampled_from(TEXTS)), "last")
    talk.say("", "last", "unsent")
    assert (talk.kept.brief, talk.kept.words) == before


@settings(max_examples=150)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=MOST_SAID), st.randoms(use_true_random=False))
def test_everything_unsent_in_any_order_leaves_nothing(texts: list[str], random: object) -> None:
    talk = Talk()
    for number, text in enumerate(texts):
        talk.say(text, f"m{number}")
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for number in order:
        talk.say("", f"m{number}", "unsent")
    assert talk.kept.brief == Brief()
    assert talk.kept.words == {}
    assert talk.kept.said == ()


def test_what_is_kept_stays_small() -> None:
    talk = Talk()
    for number in range(60):
        talk.say(f"保養品,預算{number + 1}萬,想衝業績", f"m{number}")
        talk.say("", f"x{number}", "unsent")
    assert len(talk.kept.said) == MOST_SAID
    assert len(talk.kept.gone) == MOST_GONE
    assert len(talk.kept.dump()) < 4_000
