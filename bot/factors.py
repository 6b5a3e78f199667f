"""Factors: "double it", "砍半", "+20%" as what to multiply the budget by."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bot.amounts import MOST_AMOUNTS
from bot.money_around import around_after, around_before
from bot.money_text import prepare
from bot.money_vocabulary import vocabulary
from bot.money_words import Row, Sense
from bot.number_reading import Quantity
from bot.numbers import read_number, starts_number
from knowledge.numerals import MoneyWords

MOST = 20  # times; a larger factor is a mistake
CLAUSE = 60  # characters looked at on either side
_NEAR = 16  # words among them
_ENDS = ",.;!?\n\u3002\uff0c\uff1b\uff01\uff1f"
_TIMES = Sense.TIMES_BEFORE | Sense.TIMES_AFTER


def find_factor(text: str, language: str, grammars: Mapping[str, MoneyWords]) -> Decimal | None:
    """What the text multiplies the budget by, above 0 and at most `MOST`, or `None`; never raises.

    A clause that speaks of sales, followers or the like, and not of the budget, multiplies those. A percentage
    that is neither added nor taken away is no factor.
    """
    small, _ = prepare(text)
    words = vocabulary(small, language, grammars)
    if words is None or not words.multiplies(small):
        return None
    row = words.row(small)
    at = tries = 0
    while at < row.size and tries < MOST_AMOUNTS:
        word = row.pieces[at].word
        if word is not None and word.factor is not None:
            if _is_of_budget(row, at):
                return word.factor
            at += 1
        elif starts_number(row.pieces[at]):
            tries += 1
            quantity, behind = read_number(row, at, words.grammar)
            factor = _multiplied(row, quantity) if quantity else None
            if factor is not None and 0 < factor <= MOST and _is_of_budget(row, at):
                return factor
            at = behind
        else:
            at += 1
    return None


def _multiplied(row: Row, quantity: Quantity) -> Decimal | None:
    """The factor that a number makes with what stands around it."""
    number = quantity.low
    if quantity.size > 100 or number > 100 * MOST or number != quantity.high:
        return None
    senses = around_before(row, quantity.first).senses | around_after(row, quantity.last).senses
    part = 100 if senses & Sense.PERCENT else 10 if senses & Sense.TENTHS else None
    if part is None:
        return number if senses & _TIMES and number != 1 else None
    start = row.pieces[quantity.first].start
    sign = row.text[start - 1] if start else ""
    if senses & (Sense.BECOMES_BEFORE | Sense.BECOMES_AFTER):
        return number / part
    if senses & (Sense.LESS_BEFORE | Sense.LESS_AFTER) or sign == "-":
        return 1 - number / part
    if senses & (Sense.ADD_BEFORE | Sense.ADD_AFTER) or sign == "+":
        return 1 + number / part
    return None


def _is_of_budget(row: Row, at: int) -> bool:
    """Whether the clause around piece `at` can mean the budget; one word ("double", "x2") needs it named."""
    start, end, word, _ = row.pieces[at]
    left = max(row.text.rfind(mark, max(0, start - CLAUSE), start) for mark in _ENDS)
    right = min(
        (place for mark in _ENDS if (place := row.text.find(mark, end, end + CLAUSE)) >= 0), default=end + CLAUSE
    )
    senses = 0
    for piece in row.pieces[max(0, at - _NEAR) : at + _NEAR]:
        if piece.word is not None and piece.start > left and piece.end <= right:
            senses |= piece.word.senses
    if senses & Sense.BUDGET:
        return True
    if senses & (Sense.REACHED | Sense.AIM | Sense.WORTH):
        return False
    lone = word is not None and word.factor is not None and word.opens and " " not in word.text
    crossed = word is None and bool({row.text[start - 1 : start], row.text[end : end + 1]} & set("x×"))
    return not (lone or crossed) or len(row.text.strip(f" {_ENDS}")) == end - start + crossed
