"""Amounts: quantities with the currency written on them, and the two ends of a range as one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.money_words import Row, Sense, Word
from bot.number_reading import Quantity
from bot.numbers import read_number, starts_number
from knowledge.numerals import MoneyWords

SCALED = 1000  # the smallest scale that makes a number an amount by itself: "50k", but not "5 hundred"
MOST_AMOUNTS = 400  # of one text; what comes behind them is not read
FEW = 100  # below it "2、3" is a range
_WIDE = 12  # characters that may stand between the ends of a range
_LED = 3  # characters between a currency and the figures behind it
_MARKS = 3  # currency words on one amount: 元台幣


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity, or a range of them, with its currency: pieces [first, last), characters [start, end).

    `explicit`: the currency is written, if perhaps behind `end`, and not implied by a scale. `joint`: it is a
    range of two quantities, of which `quantity` is the second.
    """

    quantity: Quantity
    low: Decimal
    high: Decimal
    currency: str | None
    first: int
    last: int
    start: int
    end: int
    explicit: bool
    joint: bool = False

    @property
    def bare(self) -> bool:
        """Whether nothing in it says that it is money."""
        return not self.explicit and self.quantity.size < SCALED


def read_amounts(row: Row, grammar: MoneyWords) -> list[Amount]:
    """The quantities that might be money, in order, ranges as one; at most `MOST_AMOUNTS`."""
    amounts: list[Amount] = []
    at = taken = 0
    while at < row.size and len(amounts) < MOST_AMOUNTS:
        if not starts_number(row.pieces[at]):
            at += 1
            continue
        quantity, at = read_number(row, at, grammar)
        if quantity is None:
            continue
        amount = _with_currency(row, quantity, taken)
        taken = at = amount.last
        joint = _joined(row, amounts[-1], amount) if amounts else None
        if joint:
            amounts[-1] = joint
        else:
            amounts.append(amount)
    return amounts


def _with_currency(row: Row, quantity: Quantity, taken: int) -> Amount:
    """The quantity with the marks before it, from piece `taken` on, and behind it; the longest mark counts."""
    pieces = row.pieces
    first, last = quantity.first, quantity.last
    marks = [quantity.scale] if quantity.scale is not None and quantity.scale.currency else []
    if first - 1 > taken and row.text[pieces[first].start - 1] == "-" and row.touches(first):
        mark = row.word(first - 2)
        if mark is not None and mark.currency and row.touches(first - 1):
            first -= 1  # $-500
    before = row.word(first - 1)
    letter = before is not None and before.opens and len(before.text) == 1  # đ stands behind the figures
    if first > taken and before is not None and before.currency and not letter and _leads(row, first):
        first -= 1
        marks.append(before)
    while len(marks) < _MARKS and row.follows(last):
        after = row.word(last)
        if after is None or not after.currency:
            break
        initial = after.senses & Sense.UNMARKED and len(after.text) == 1
        leads = row.touches(last + 1) and row.word(last + 1) is None  # 5k $10k
        if not row.touches(last) and (initial or leads):
            break
        marks.append(after)
        last += 1
    mark = max(marks, key=_length, default=None) or _later(row, last)
    currency = mark.currency if mark else quantity.implies
    start, end = pieces[first].start, pieces[last - 1].end
    return Amount(quantity, quantity.low, quantity.high, currency, first, last, start, end, mark is not None)


def _later(row: Row, last: int) -> Word | None:
    """A currency said as an afterthought: "10 grand, in pounds", "20k (USD)"."""
    for at in range(last, min(last + 2, row.size)):
        word, before = row.word(at), row.pieces[at - 1].end
        start = row.pieces[at].start
        if word is None or start - before > _LED or row.text[before:start].strip(" ,(\uff0c\uff08"):
            return None
        if word.currency:
            behind = row.pieces[at + 1] if at + 1 < row.size else None
            led = behind is not None and behind.counts and behind.start - row.pieces[at].end <= _LED
            return None if led else word
        if not word.senses & (Sense.ABOUT | Sense.APART):
            return None
    return None


def _leads(row: Row, first: int) -> bool:
    """Whether the word before piece `first` is written as its mark: "US$ 5", "(USD): 5"."""
    end, start = row.pieces[first - 1].end, row.pieces[first].start
    return start - end <= _LED and not row.text[end:start].strip(" ):")


def _length(word: Word) -> int:
    return len(word.text)


def _joined(row: Row, one: Amount, two: Amount) -> Amount | None:
    """Both as one range, if what stands between them says so."""
    if one.joint or not _is_range(row, one, two):
        return None
    if two.bare and row.counted(two.last, Sense.COUNTED | Sense.COUNTER):
        return None  # "20k to 5 KOLs"
    if one.explicit and two.explicit and one.currency != two.currency:
        return None
    low, high = one.low, two.high
    if two.quantity.scale is not None:
        share = _shared(one, two)
        low *= share
        if share == 1 and one.bare and one.quantity.figures and low < SCALED <= high:
            return None  # "800-1 tỷ": nobody knows
    elif one.quantity.size >= SCALED and high < SCALED:  # "20萬-30"
        for scale in one.quantity.tail:
            high *= scale
        if high <= low or not two.quantity.figures:
            return None
    if low > high:
        low, high = high, low
    currency = one.currency if one.explicit else two.currency if two.explicit else two.currency or one.currency
    size = max(one.quantity.size, two.quantity.size)
    quantity = two.quantity._replace(size=size, figures=one.quantity.figures, alone=False)
    explicit = one.explicit or two.explicit
    return Amount(quantity, low, high, currency, one.first, two.last, one.start, two.end, explicit, joint=True)


def _is_range(row: Row, one: Amount, two: Amount) -> bool:
    if two.first - one.last > 1 or two.start - one.end > _WIDE:
        return False
    if two.first == one.last:
        few = one.bare and one.high < FEW and one.high < two.high
        return few and row.text[one.end : two.start] == "\u3001"  # 2、3萬
    piece = row.pieces[one.last]
    if piece.word is None or (row.text[one.end : piece.start] + row.text[piece.end : two.start]).strip():
        return False
    senses = piece.word.senses
    if senses & Sense.RANGE:
        return True
    if senses & Sense.EITHER:
        return one.bare and one.quantity.size == 1 and two.quantity.size >= SCALED
    before = row.word(one.first - 1)
    return bool(senses & Sense.JOIN and before is not None and before.senses & Sense.BETWEEN)


def _shared(one: Amount, two: Amount) -> int:
    """What the unit of a range's second end makes of its first: 20 to 300 thousand, 5 to 10 万.

    The largest share of the second end's scales that keeps the first below it.
    """
    quantity = two.quantity
    if quantity.scale is None or one.quantity.size >= quantity.size:
        return 1
    scales = quantity.tail or (quantity.scale.scale or 1,)
    for at in range(len(scales)):
        share = 1
        for scale in scales[at:]:
            share *= scale
        if one.low * share < two.high:
            return share
    return 1
