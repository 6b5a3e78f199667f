"""Evidence: the words behind each field are kept with it, taken back with it, and no longer than they must be."""

from __future__ import annotations

import json

import pytest

from bot.choices import MOST_CHOICES, beside_echo, for_question
from bot.conversation import Conversation
from bot.echo import echo_of
from bot.evidence import accounts
from bot.press import press
from bot.step import take
from bot.turn import bubbles
from bot.understand import understand
from bot.understood import MOST_LETTERS, MOST_QUOTES
from knowledge.brief import Brief, Question
from knowledge.load import shipped
from tests.cases import message
from tests.test_undo import Talk

KNOWLEDGE = shipped()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("面膜,30萬,衝業績和建立信任", {"goal": ("衝業績", "建立信任"), "category": ("面膜",), "budget": ("30萬",)}),
        ("ＳＫＩＮＣＡＲＥ for Taiwan", {"category": ("ＳＫＩＮＣＡＲＥ",), "market": ("Taiwan",)}),
        ("kem chống nắng, không dùng KOL", {"category": ("kem chống nắng",), "excluded": ("không dùng KOL",)}),
        ("我們有自己的櫃姐，預算還沒定", {"staff": ("自己的櫃姐",), "budget": ("還沒定",)}),
        ("不要網紅跟醫生", {"excluded": ("不要網紅", "醫生")}),
        ("hello", {}),
    ],
)  # fmt: skip
def test_the_words_are_the_persons(text: str, words: dict[str, tuple[str, ...]]) -> None:
    found = understand(text, KNOWLEDGE).evidence
    assert found.keys() == words.keys()
    for field, said in words.items():
        assert found[field] == said, field


ALL: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("why did you think that?", ALL), ("What makes you think so", ALL), ("how did you know my goal?", ALL),
        ("why skincare?", ("category",)), ("why is it Vietnam", ("market",)), ("why the US market?", ("market",)),
        ("why awareness?", ("goal",)), ("where did i say that we have our own stores?", ("staff",)),
        ("why is the budget 300k TWD?", ("budget",)), ("i never said skincare", ("category",)),
        ("你為什麼覺得是保養品?", ("category",)), ("為什麼市場是台灣?", ("market",)), ("你怎麼看出來的", ALL),
        ("為什麼是30萬呢?", ("budget",)), ("我什麼時候說要衝業績", ("goal",)),
        ("憑什麼說是保健食品和台灣", ("category", "market")),
        ("sao bạn nghĩ là mỹ phẩm?", ("category",)), ("sao ban nghi vay", ALL), ("tại sao là Việt Nam?", ("market",)),
        ("mình có nói đâu", ALL),
    ],
)  # fmt: skip
def test_a_why_about_what_was_understood(text: str, about: tuple[str, ...]) -> None:
    heard = understand(text, KNOWLEDGE)
    assert [(one.kind, one.about) for one in heard.asked] == [("understood", about)]
    assert heard.changes == ()
    assert heard.intent == "question"


@pytest.mark.parametrize(
    "text",
    [
        "why?", "why KOS?", "why do you think a KOL is better for skincare?", "why should I hire anyone for skincare?",
        "why not KOP?", "why do you need my budget?", "they ask why our serum costs $50, budget 5k USD, more sales",
        "I never said skincare, it is makeup", "how do you know it works?", "how do you know?",
        "為什麼?", "為什麼是KOS?", "為什麼保養品要找他們", "教育店家為什麼要數位化", "你怎麼知道", "為什麼不找醫生",
        "我沒有說面膜,是口紅", "tại sao?", "sao lại chọn KOS", "sao không dùng KOP", "vì sao mỹ phẩm cần review kỹ",
    ],
)  # fmt: skip
def test_another_why_is_another_question(text: str) -> None:
    assert "understood" not in {one.kind for one in understand(text, KNOWLEDGE).asked}


def test_words_are_kept_short() -> None:
    heard = understand("skin" + " " * 300 + "care, budget " + "0" * 300 + "5000 USD", KNOWLEDGE)
    assert all(len(said) <= MOST_LETTERS for quotes in heard.evidence.values() for said in quotes)
    talk = Talk()
    talk.say("skincare, 1000 USD", "0")
    for number in range(9):
        talk.say(f"add {number + 1}000 USD", str(number + 1))
    assert len(talk.kept.words["budget"]) == MOST_QUOTES
    assert talk.kept.words["budget"][-1] == "add 9000 USD"


def test_an_edit_takes_the_words_back() -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬", "1")
    talk.say("再加10萬", "2")
    assert talk.kept.words == {"category": ("面膜",), "budget": ("30萬", "再加10萬")}
    talk.say("再加20萬", "2")
    assert talk.kept.words["budget"] == ("30萬", "再加20萬")
    talk.say("口紅,預算30萬", "1")
    assert talk.kept.words["category"] == ("口紅",)
    assert "面膜" not in talk.kept.dump()


def test_what_was_unsent_leaves_no_words() -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬,想衝業績", "1")
    talk.say("預算改成50萬", "2")
    talk.say("", "1", "unsent")
    assert talk.kept.words == {"budget": ("50萬",)}
    assert all(words not in talk.kept.dump() for words in ("面膜", "30萬", "衝業績"))
    talk.say("", "2", "unsent")
    assert talk.kept.words == {}
    assert "50萬" not in talk.kept.dump()


def test_a_tap_takes_the_place_of_the_words() -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬", "1")
    talk.say("", None, pressed=press("category", "makeup"))
    assert talk.kept.words == {"category": (), "budget": ("30萬",)}
    assert "面膜" not in talk.kept.dump(), "not to be taken back to either"
    talk.say("", None, pressed=press("budget", "decline"))
    talk.say("", None, pressed=press("category", "makeup"))
    assert [one.origin for one in accounts(talk.kept, KNOWLEDGE, ("category", "budget"))] == ["tapped", "tapped"]


def test_what_changes_nothing_is_no_evidence() -> None:
    talk = Talk()
    talk.say("面膜", "1")
    talk.say("再加10萬", "2")
    assert "budget" not in talk.kept.words
    talk.say("預算30萬", "3")
    talk.say("少500萬", "4")
    assert talk.kept.words["budget"] == ("30萬",)


@pytest.mark.parametrize("word", ["重新開始", "取消", "/forget"])
def test_nothing_is_left_of_a_brief_that_is_thrown_away(word: str) -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬,想衝業績,不要醫生", "1")
    talk.say(word, "2")
    assert talk.kept.words == {}
    assert all(words not in talk.kept.dump() for words in ("面膜", "30萬", "衝業績", "醫生"))


def test_an_export_shows_the_words() -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬", "1")
    shown = "".join(bubble.text for bubble in bubbles(talk.say("/export", "2"), KNOWLEDGE))
    assert '"words": {"category": ["面膜"], "budget": ["30萬"]}' in shown


def test_what_an_older_program_kept_has_no_words() -> None:
    talk = Talk()
    talk.say("面膜新品,預算30萬", "1")
    older = json.loads(talk.kept.dump())
    del older["words"]
    older["said"] = [
        [ref, at, {k: v for k, v in before.items() if "words" not in k}] for ref, at, before in older["said"]
    ]
    talk.kept = Conversation.load(json.dumps(older))
    assert talk.kept.brief.category == "skincare"
    done = talk.say("你為什麼覺得是保養品?", "2")
    assert "原話沒有留存" in bubbles(done, KNOWLEDGE)[0].text
    talk.say("", "1", "unsent")
    assert talk.kept.brief == Brief()
    assert talk.kept.words == {}


@pytest.mark.parametrize("kept", ['{"words": 5}', '{"words": {"goal": 5}}', '{"words": {"goal": null}}'])
def test_words_that_cannot_be_read_start_anew(kept: str) -> None:
    sound = json.loads(Conversation(language="en").dump())
    assert Conversation.load(json.dumps(sound | json.loads(kept))) == Conversation()


@pytest.mark.parametrize("question", ["goal", "category", "budget"])
def test_a_question_comes_with_its_echos_fixes(question: Question) -> None:
    """The other readings first, the answers, then one fix for each thing understood; never more than fit."""
    unclear = frozenset({"promotion", "gadget_everyday"})
    brief = Brief("conversion", "electronics", None, None, declined=frozenset({"budget"}), unclear=unclear)
    echo = echo_of(Conversation(brief=brief), KNOWLEDGE)
    answers = for_question(question, "TW", KNOWLEDGE)
    offered = beside_echo(answers, echo)
    assert offered[:2] == (press("reading", "promotion"), press("reading", "gadget_everyday"))
    assert offered[2 : 2 + len(answers)] == answers
    assert len(offered) <= MOST_CHOICES
    fixes = offered[2 + len(answers) :]
    each = tuple(press("ask", field) for field in ("goal", "category", "budget"))
    assert fixes == (press("edit"),) or fixes[:4] == (press("markets"), *each)
    assert beside_echo(answers, echo_of(Conversation(), KNOWLEDGE)) == answers


def test_an_unclear_word_gives_way_to_the_next() -> None:
    conversation = Conversation()
    for text in ("a tech gadget", "no, an AI device"):
        conversation = take(conversation, message(text), KNOWLEDGE).conversation
    assert conversation.brief.unclear == {"gadget_high"}
