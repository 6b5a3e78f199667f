"""Spending: from the amounts in a message to what they do to the budget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.money import Found, find_amounts, find_factor
from bot.questions import Heard
from bot.understood import MOST_LETTERS
from knowledge.brief import Question
from knowledge.change import MOST_MONEY, Add, Change, Set, Times
from knowledge.knowledge import Knowledge
from knowledge.numerals import MoneyWords

LONGEST_CURRENCY = 24
# What stands between two commas or ends of a sentence; the comma in "10,000" is none.
_PART = re.compile(r"(?:[^,，、。.;；!！?？\n]|[,.](?=\d))+")
PROBE = "1000"  # a figure of no currency, to see whether the words behind it name one


@dataclass(frozen=True, slots=True)
class Spending:
    """Changes of the budget, where they were read, and why one was refused (`negative`, `absurd`)."""

    changes: tuple[Change, ...] = ()
    span: tuple[int, int] | None = None
    refused: str | None = None
    relative: bool = False


@lru_cache(maxsize=4)
def _grammars(knowledge: Knowledge) -> dict[str, MoneyWords]:
    return {code: language.money for code, language in knowledge.languages.items()}


def spending(text: str, language: str, knowledge: Knowledge, heard: Heard, asks: Question | None) -> Spending:
    """What the amounts of a message say of the budget.

    The last amount said outright counts (people correct themselves forwards); one with "add" or "less"
    changes the budget there is.
    """
    grammars = _grammars(knowledge)
    found = find_amounts(text, language, grammars, expected=asks == "budget")
    if not found:
        factor = find_factor(text, language, grammars)
        if factor is not None and factor > 0:
            told = (p.span() for p in _PART.finditer(text) if find_factor(p[0], language, grammars) == factor)
            return Spending((Times(factor),), next(told, None), relative=True)
        currency = _currency_alone(text, language, grammars)
        return Spending((Set("currency", currency),), (0, len(text))) if currency else Spending()
    amount = _chosen(found)
    span = (amount.start, amount.end)
    if amount.negative:
        return Spending(span=span, refused="negative")
    most = amount.budget.most
    if amount.absurd or most.amount >= MOST_MONEY:
        return Spending(span=span, refused="absurd")
    if most.amount <= 0:
        return Spending(span=span, refused="negative")
    if amount.change in ("add", "less"):
        span = next((p.span() for p in _PART.finditer(text) if p.start() <= span[0] and _fits(p, span[1])), span)
    if amount.change == "add":
        return Spending((Add(most),), span, relative=True)
    if amount.change == "less":
        return Spending((Add(type(most)(-most.amount, most.currency)),), span, relative=True)
    return Spending((Set("budget", amount.budget),), span)


def _fits(part: re.Match[str], end: int) -> bool:
    """Whether a part of the text reaches to `end` and is short enough to be quoted whole."""
    return end <= part.end() and part.end() - part.start() <= MOST_LETTERS


def _currency_alone(text: str, language: str, grammars: dict[str, MoneyWords]) -> str | None:
    """The currency, where the message is nothing but its name: "USD", "台幣"."""
    name = text.strip(" .!。")
    if not 0 < len(name) <= LONGEST_CURRENCY or any(character.isdigit() for character in name):
        return None
    probe = f"{PROBE} {name}"
    found = find_amounts(probe, language, grammars, expected=True)
    whole = len(found) == 1 and found[0].start == 0 and found[0].end == len(probe)
    return found[0].budget.currency if whole else None


def _chosen(found: tuple[Found, ...]) -> Found:
    """A relative amount where there is one, else the last that a budget word names, else the last that can be one."""
    relative = [amount for amount in found if amount.change in ("add", "less")]
    sound = [amount for amount in found if not amount.absurd and not amount.negative]
    named = [amount for amount in sound if amount.named]
    return (relative or named or sound or list(found))[-1]
