"""Spending: from the amounts in a message to what they do to the budget."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bot.money import Found, find_amounts, find_factor
from bot.questions import Heard
from knowledge.brief import Question
from knowledge.change import MOST_MONEY, Add, Change, Set, Times
from knowledge.knowledge import Knowledge
from knowledge.numerals import MoneyWords


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
        # "add 2000": the bare figure is an amount because something is added.
        bare = find_amounts(text, language, grammars, expected=True)
        found = tuple(amount for amount in bare if amount.change in ("add", "less"))
    if not found:
        factor = find_factor(text, language, grammars)
        if factor is not None and factor > 0:
            return Spending((Times(factor),), relative=True)
        return Spending()
    amount = _chosen(found)
    span = (amount.start, amount.end)
    if amount.negative:
        return Spending(span=span, refused="negative")
    most = amount.budget.most
    if amount.absurd or most.amount >= MOST_MONEY:
        return Spending(span=span, refused="absurd")
    if most.amount <= 0:
        return Spending(span=span, refused="negative")
    if amount.change == "add":
        return Spending((Add(most),), span, relative=True)
    if amount.change == "less":
        return Spending((Add(type(most)(-most.amount, most.currency)),), span, relative=True)
    return Spending((Set("budget", amount.budget),), span)


def _chosen(found: tuple[Found, ...]) -> Found:
    """A relative amount where there is one, else the last that can be a budget."""
    relative = [amount for amount in found if amount.change in ("add", "less")]
    sound = [amount for amount in found if not amount.absurd and not amount.negative]
    return (relative or sound or list(found))[-1]
