"""Replies: every language says the same things, with labels that fit a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.choices import after_advice, for_question
from bot.conversation import Conversation
from bot.echo import echo_of
from bot.labels import label
from bot.press import VERBS, press, read_press
from bot.reply import REPLIES
from bot.voice import FOLDER, voice
from knowledge.advice import advise
from knowledge.brief import ROLES, Brief
from knowledge.load import shipped
from tests.cases import message

KNOWLEDGE = shipped()
LANGUAGES = sorted(path.stem for path in Path(FOLDER).glob("*.j2") if path.stem != "layout")


def _macros(language: str) -> dict[str, tuple[str, ...]]:
    phrases = voice(language, KNOWLEDGE).phrases
    return {name: macro.arguments for name, macro in vars(phrases).items() if hasattr(macro, "arguments")}


def test_every_finished_language_has_its_replies() -> None:
    assert set(KNOWLEDGE.finished) <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_macros_are_the_same_in_every_language(language: str) -> None:
    assert _macros(language) == _macros("en")


def test_every_reply_has_a_macro_with_its_arguments() -> None:
    layout = vars(voice("en", KNOWLEDGE).layout)
    phrases = _macros("en")
    for name, arguments in REPLIES.items():
        spoken = tuple(a for a in arguments if a != "echo")
        if name in layout:
            assert set(layout[name].arguments) - {"p"} == set(arguments), name
        else:
            assert set(phrases[name]) <= set(spoken), name


def _all_presses() -> list[str]:
    presses = [press(verb) for verb, argument in VERBS.items() if not argument]
    presses += [press(verb, role) for verb in ("why_not", "allow", "exclude", "topic") for role in ROLES]
    presses += [press("goal", key) for key in KNOWLEDGE.goals] + [
        press("category", key) for key in KNOWLEDGE.categories
    ]
    presses += [press("group", key) for key in KNOWLEDGE.groups] + [press("market", key) for key in KNOWLEDGE.markets]
    presses += [press("reading", key) for key in KNOWLEDGE.readings] + [
        press("language", key) for key in KNOWLEDGE.finished
    ]
    presses += [press("compare", key) for key in KNOWLEDGE.comparisons] + [press("step", str(n)) for n in range(1, 9)]
    presses += [press("ask", q) for q in ("goal", "category", "budget")] + [press("staff", a) for a in ("yes", "no")]
    presses += [press("topic", key) for key in KNOWLEDGE.topics] + [press("more", "kos"), press("budget", "decline")]
    presses += [p for market in KNOWLEDGE.markets for p in for_question("budget", market, KNOWLEDGE)]
    return presses


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_fit(language: str) -> None:
    speaking = voice(language, KNOWLEDGE)
    long = {
        p: label(p, speaking, KNOWLEDGE) for p in _all_presses() if not 0 < len(label(p, speaking, KNOWLEDGE)) <= 20
    }
    assert long == {}


def test_presses_are_read_back() -> None:
    for payload in _all_presses():
        assert read_press(payload) is not None, payload
        assert len(payload.encode("ascii")) <= 64


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_fits_every_platform(language: str) -> None:
    """Any goal, category and market: no bubble over Telegram's 4,096, no more than 13 choices, no gap in the text."""
    from bot.step import take
    from bot.turn import bubbles

    for market in KNOWLEDGE.markets:
        for category in KNOWLEDGE.categories:
            for goal in ("trust", "conversion"):
                brief = Brief(goal, category, None, market, declined=frozenset({"budget"}))
                conversation = Conversation(language=language, chosen=True, brief=brief)
                done = take(conversation, message(pressed=press("resume")), KNOWLEDGE)
                shown = bubbles(done, KNOWLEDGE)
                assert len(shown) <= 5
                for bubble in shown:
                    assert len(bubble.text) < 3_500, (market, category, goal)
                    assert len(bubble.buttons) <= 13
                    assert "None" not in bubble.text


def test_choices_after_an_answer_are_presses() -> None:
    brief = Brief("trust", "health_food", None, "VN", declined=frozenset({"budget"}))
    advice = advise(brief, KNOWLEDGE, message().sent_at.date())
    assert advice is not None
    for payload in after_advice(advice, echo_of(Conversation(brief=brief), KNOWLEDGE), KNOWLEDGE):
        assert read_press(payload) is not None
