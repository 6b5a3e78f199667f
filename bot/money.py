"""Money: the budgets that a message names, and what it does to the one that is known.

`bot.money_vocabulary` cuts the message into words, `bot.amounts` reads quantities and currencies from them; here
their surroundings decide which are budgets. A missing budget costs the person one tap, a wrong one their trust:
in doubt, none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from bot.amounts import FEW, SCALED, Amount, read_amounts
from bot.factors import find_factor
from bot.money_around import Around, around_after, around_before, named_nearby
from bot.money_text import prepare
from bot.money_vocabulary import vocabulary
from bot.money_words import Row, Sense, is_letter
from knowledge.brief import Budget, Money
from knowledge.change import MOST_MONEY
from knowledge.numerals import MoneyWords

__all__ = ["Found", "find_amounts", "find_factor"]

APART = 16  # characters between the ends of a range said in two sentences
SMALL = FEW  # below it a bare or unnamed figure is rather a count or a price
SHORT = 12  # words in an answer that holds nothing but an amount
_SILENT = " .,:;!?~()\n\u3002\uff0c\uff01\uff1f\uff1a"
_LITTLE = Sense.ABOUT | Sense.BUDGET | Sense.RANGE | Sense.MOST_BEFORE | Sense.LEAST_BEFORE | Sense.MOST_AFTER
_YEARS = frozenset(range(1990, 2040)) - {2000}  # bare figures that are rather a year
_BOUNDS_MOST = Sense.MOST_BEFORE | Sense.MOST_AFTER
_BOUNDS_LEAST = Sense.LEAST_BEFORE | Sense.LEAST_AFTER
_RELATIVE = Sense.ADD_BEFORE | Sense.ADD_AFTER | Sense.LESS_BEFORE | Sense.LESS_AFTER
_BECOMES = Sense.BECOMES_BEFORE | Sense.BECOMES_AFTER
_SHARES = Sense.PERCENT | Sense.TENTHS | Sense.TIMES_AFTER | Sense.TIMES_BEFORE


@dataclass(frozen=True, slots=True)
class Found:
    """A budget found at [start, end) of the text: the figures with their currency.

    `kind`: an "amount" has a scale or a currency; a "bare" figure counts only because a budget word stands
    near or the budget had been asked for. `change`: whether it is the budget ("set"), more of it or less of
    it. `named`: a budget word stands right by it. `negative`: it was written below zero; the budget holds it
    without the sign. `absurd`: it is not below `MOST_MONEY`, and the budget holds `MOST_MONEY`. Zero is found
    like any other amount.
    """

    budget: Budget
    start: int
    end: int
    kind: Literal["amount", "bare"] = "amount"
    change: Literal["set", "add", "less"] = "set"
    named: bool = False
    negative: bool = False
    absurd: bool = False


def find_amounts(
    text: str, language: str, grammars: Mapping[str, MoneyWords], *, expected: bool = False
) -> tuple[Found, ...]:
    """The budgets in a text, in order; never raises, and takes time in proportion to the text.

    `language` is the one the text is taken to be in, perhaps none of `grammars`; the words of the others are
    understood where they do not clash with it. `expected`: the budget has just been asked for, so a bare
    figure is one. Amounts that are denied, prices, counts and rates per day or piece are left out; so is the
    old one of two where the text changes one into the other.
    """
    small, places = prepare(text)
    words = vocabulary(small, language, grammars)
    if words is None or not words.counts(small):
        return ()
    row = words.row(small)
    judge = _Judge(row, words.grammar, expected)
    found: list[Found] = []
    for amount in read_amounts(row, words.grammar):
        seen = judge.judge(amount)
        if seen is None:
            continue
        one, renewed = seen
        if renewed:
            found = [other for other in found if other.change != "set"]
        found.append(one)
    found = _merged(found)
    if any(one.kind == "amount" for one in found):
        found = [one for one in found if one.kind == "amount" or one.named]
    if places is None:
        return tuple(found)
    return tuple(_moved(one, places) for one in found)


def _merged(found: Sequence[Found]) -> list[Found]:
    """ "At least 5k, at most 10k" as one range."""
    merged: list[Found] = []
    for one in found:
        joint = _joint(merged[-1], one) if merged else None
        if joint:
            merged[-1] = joint
        else:
            merged.append(one)
    return merged


def _joint(one: Found, two: Found) -> Found | None:
    low, high = one.budget.low, two.budget.high
    if low is None or high is None or one.budget.high or two.budget.low or two.start - one.end > APART:
        return None
    currency = high.currency or low.currency
    plain = all(end.change == "set" and not end.negative and not end.absurd for end in (one, two))
    if not plain or low.amount >= high.amount or low.currency not in (None, currency):
        return None
    period = two.budget.period if one.budget.period == "once" else one.budget.period
    budget = Budget(Money(low.amount, currency), Money(high.amount, currency), period)
    return replace(one, budget=budget, end=two.end, kind=two.kind, named=one.named or two.named)


def _moved(one: Found, places: Sequence[int]) -> Found:
    return replace(one, start=places[one.start], end=places[one.end])


class _Judge:
    """Decides which amounts of one text are budgets."""

    def __init__(self, row: Row, grammar: MoneyWords, expected: bool) -> None:
        self._row = row
        self._grammar = grammar
        self._expected = expected

    def judge(self, amount: Amount) -> tuple[Found, bool] | None:
        """The amount as a budget, and whether it takes the place of those before it; `None` if it is none."""
        if amount.bare and not amount.quantity.figures:
            return None
        before = around_before(self._row, amount.first)
        after = around_after(self._row, amount.last, 0 if amount.explicit else self._grammar.adjectives)
        if not self._is_money(amount, before, after):
            return None
        senses = before.senses | after.senses
        named = bool(senses & Sense.BUDGET)
        renewed = bool(senses & _BECOMES)
        low, high = amount.low, amount.high
        if amount.joint and before.senses & (Sense.MOVES | Sense.RANGE) == Sense.MOVES and self._words_between(amount):
            low, renewed = high, True  # "raise it from 5k to 8k"
        if amount.joint and after.senses & Sense.BECOMES_AFTER and self._words_between(amount, any_script=True):
            low = high  # 50万から80万に変更
        absurd = high >= MOST_MONEY
        budget = _budget(min(low, MOST_MONEY), min(high, MOST_MONEY), amount, senses, before.period or after.period)
        kind: Literal["amount", "bare"] = "bare" if amount.bare else "amount"
        change = "set" if renewed else self._change(amount, senses)
        negative = self._negative(amount) or bool(before.senses & Sense.NEGATIVE)
        found = Found(budget, amount.start, amount.end, kind, change, named, negative, absurd)
        return found, renewed

    def _is_money(self, amount: Amount, before: Around, after: Around) -> bool:
        senses = before.senses | after.senses
        if senses & (_SHARES | Sense.VAGUE | Sense.EACH | Sense.NOT_BEFORE | Sense.NOT_AFTER):
            return False
        named = bool(senses & Sense.BUDGET)
        if self._measures(amount) and not (named or self._expected):
            return False
        if before.senses & (Sense.WORTH | Sense.AIM | (0 if amount.explicit else Sense.REACHED)) and not named:
            return False
        led = bool(before.senses & Sense.BUDGET)
        if after.senses & Sense.WORTH and not led:
            return False
        if (
            not amount.explicit
            and after.senses & (Sense.REACHED | Sense.COUNTER)
            and not (led and after.dense and not after.senses & Sense.COUNTER)
        ):
            return False
        if amount.bare:
            return self._is_bare_budget(amount, before, after)
        if amount.quantity.alone:
            return amount.explicit or named
        return amount.quantity.size >= SCALED or amount.high >= SMALL or named or self._expected or amount.high == 0

    def _measures(self, amount: Amount) -> bool:
        """Whether it may as well be litres: "nồi 5 lít" is, "có 5 lít" is not."""
        scale = amount.quantity.scale
        if scale is None or not scale.senses & Sense.MEASURE:
            return False
        word = self._row.word(amount.first - 1) if self._row.follows(amount.first) else None
        return word is None or not word.senses & Sense.ABOUT

    def _is_bare_budget(self, amount: Amount, before: Around, after: Around) -> bool:
        if (
            before.senses & Sense.ORDINAL
            or after.senses & Sense.COUNTED
            or self._row.counted(amount.last, Sense.COUNTED | Sense.COUNTER)
        ):
            return False
        if 0 < amount.high < self._grammar.bare_from:
            return False
        if self._expected and self._only(amount):
            return True
        senses = before.senses | after.senses
        if amount.high in _YEARS and amount.low == amount.high and not senses & _RELATIVE:
            return False
        if senses & Sense.BUDGET:
            return True
        if amount.high < SMALL:
            return False
        return self._expected or bool(senses & (_RELATIVE | _BECOMES)) or named_nearby(self._row, amount.first)

    def _only(self, amount: Amount) -> bool:
        """Whether the text says nothing but this amount, "about" and the like aside."""
        pieces, text = self._row.pieces, self._row.text
        if len(pieces) > SHORT or len(text) > SHORT * 4:
            return False
        place = 0
        for at, piece in enumerate((*pieces[: amount.first], *pieces[amount.last :], None)):
            if at == amount.first:
                if text[place : amount.start].strip(_SILENT):
                    return False
                place = amount.end
            if piece is None:
                return not text[place:].strip(_SILENT)
            if text[place : piece.start].strip(_SILENT) or not piece.word or not piece.word.senses & _LITTLE:
                return False
            place = piece.end
        return False

    def _change(self, amount: Amount, senses: int) -> Literal["set", "add", "less"]:
        if senses & (Sense.LESS_BEFORE | Sense.LESS_AFTER):
            return "less"
        if senses & (Sense.ADD_BEFORE | Sense.ADD_AFTER) or self._signed(amount, "+"):
            return "add"
        return "set"

    def _negative(self, amount: Amount) -> bool:
        return self._signed(amount, "-")

    def _signed(self, amount: Amount, sign: str) -> bool:
        """Whether a sign is written onto the amount, before its currency or behind it."""
        text = self._row.text
        for place in (amount.start, self._row.pieces[amount.first if amount.joint else amount.quantity.first].start):
            if place and text[place - 1] == sign:
                before = text[place - 2 : place - 1] if place > 1 else ""
                if place == amount.start:
                    return not before or not (before.isdigit() or is_letter(before) or before == sign)
                return True
        return False

    def _words_between(self, amount: Amount, *, any_script: bool = False) -> bool:
        """Whether a word, not a dash, joins the ends of a range; one of a script with spaces, unless `any_script`."""
        words = [piece.word for piece in self._row.pieces[amount.first : amount.last] if piece.word]
        ranges = [word for word in words if word.senses & Sense.RANGE]
        return any(word.text[0].isalpha() if any_script else word.opens for word in ranges)


def _budget(
    low: Decimal, high: Decimal, amount: Amount, senses: int, period: Literal["once", "month", "year"] | None
) -> Budget:
    least, most = Money(_plain(low), amount.currency), Money(_plain(high), amount.currency)
    if low == high:
        if senses & _BOUNDS_MOST:
            return Budget(None, most, period or "once")
        if senses & _BOUNDS_LEAST:
            return Budget(least, None, period or "once")
    return Budget(least, most, period or "once")


def _plain(amount: Decimal) -> Decimal:
    """The same amount with no more digits than it needs, never in powers of ten."""
    whole = amount.to_integral_value()
    return Decimal(int(whole)) if whole == amount else amount.normalize()
