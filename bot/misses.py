"""Misses: a message from which something was not understood, and the button tapped for it; never whose they were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.conversation import Conversation, Missed
from bot.message import Message
from bot.press import read_press

MOST_TEXT = 300  # letters of a message that are kept
LEAST_LEFT = 2  # letters that must be left beside what was understood, else there was nothing to miss
# Replies that put the open question to the person.
_ASKING = frozenset(
    {"ask_goal", "ask_category", "ask_group", "ask_guess", "ask_budget", "miss_choices", "miss_example", "miss_help"}
)
_OPEN = frozenset({"brief", "edit", "who"})

_ADDRESS = re.compile(r"(?<![\w.%+\-])[\w.%+\-]++[@＠][\w\-]++(?:[.．][\w\-]++)*+", re.ASCII)
_LINK = re.compile(r"(?:https?://|www\.)[^\s，。、]++|(?<![\w.\-])[\w\-]++(?:\.[\w\-]++)++/[^\s，。、]*+", re.ASCII)
_HANDLE = re.compile(r"[@＠][\w.\-]++", re.ASCII)
# A run of digits with what people set between those of a phone number; the comma of an amount is none of it.
_DIGITS = re.compile(r"\d(?:[ ().\-－‐–]{0,3}\d)*+")
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+")
LEAST_DIGITS = 8  # of what may be a phone number


@dataclass(frozen=True, slots=True)
class Miss:
    """The scrubbed `text` of a message, the `question` it left open, and the `value` that was tapped next."""

    question: str
    value: str
    language: str
    text: str


def missed(
    message: Message,
    conversation: Conversation,
    replies: frozenset[str],
    intents: frozenset[str],
    evidence: Mapping[str, tuple[str, ...]],
) -> Missed | None:
    """What to remember of a typed message until the next one: that it left a question open, if it said something.

    `conversation` is the one after its turn, `replies` the names of what was replied, `intents` and `evidence` what
    was understood. Greetings, questions and the like leave nothing open.
    """
    question = conversation.brief.next_question
    talk = intents - _OPEN - ({"question"} if "brief" in intents else frozenset())
    if question is None or talk or not replies & _ASKING or message.kind != "text":
        return None
    if sum(character.isalpha() for character in unread(message.text, evidence)) < LEAST_LEFT:
        return None
    return Missed(question, scrubbed(message.text), message.ref)


def unread(text: str, evidence: Mapping[str, tuple[str, ...]]) -> str:
    """A text without the words that were understood of it."""
    for quotes in evidence.values():
        for words in quotes:
            text = text.replace(words, " ", 1)
    return " ".join(text.split()).strip(" ,.;:!?，。、；：！？")


def learnt(before: Conversation, after: Conversation, payload: str, language: str) -> tuple[Miss | None, Missed | None]:
    """What a tap tells of the message right before it, and what is still to be remembered of that message.

    A tapped group of products asks further, so it leaves the message waiting for the product.
    """
    open_, press = before.missed, read_press(payload)
    if open_ is None or press is None or before.brief.next_question != open_.question:
        return None, None
    if press.verb == "group" and open_.question == "category":
        return None, open_
    if press.verb != open_.question or after.brief.next_question == open_.question:
        return None, None
    return Miss(open_.question, press.value, language, open_.text), None


def scrubbed(text: str) -> str:
    """A message's first letters in one line, without addresses, links, handles and the digits of phone numbers.

    Names stay: nothing here knows a person's name from a brand's.
    """
    plain = "".join(character if character.isprintable() else " " for character in text[:5_000])
    plain = _HANDLE.sub("@…", _LINK.sub("…", _ADDRESS.sub("…@…", plain)))
    line = " ".join(_DIGITS.sub(_hidden, plain).split())
    return line if len(line) <= MOST_TEXT else f"{line[: MOST_TEXT - 1]}…"


def _hidden(run: re.Match[str]) -> str:
    """Digits that may be a phone number as "#"; "30.000.000" is an amount."""
    if sum(character.isdigit() for character in run[0]) < LEAST_DIGITS or _GROUPED.fullmatch(run[0]):
        return run[0]
    return "".join("#" if character.isdigit() else character for character in run[0])
