"""Around an amount: what the words before and after it say about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.money_words import Row, Sense
from knowledge.brief import Period

STEPS = 8  # words looked at on either side
GAP = 6  # characters between them
NEAR = 20  # characters before a bare figure in which a budget word still counts

_COUNTS = Sense.COUNTED | Sense.COUNTER | Sense.REACHED | Sense.WORTH
_ONE_OF = Sense.COUNTED | Sense.COUNTER
_CHANGES = Sense.ADD_BEFORE | Sense.LESS_BEFORE | Sense.BECOMES_BEFORE
_BEFORE = (
    Sense.MOST_BEFORE | Sense.LEAST_BEFORE | Sense.BUDGET | Sense.NOT_BEFORE | Sense.NEGATIVE | Sense.BECOMES_BEFORE
    | Sense.MOVES | Sense.REACHED | Sense.AIM | Sense.WORTH | Sense.EACH | Sense.TIMES_BEFORE
)  # fmt: skip
_AFTER = (
    Sense.MOST_AFTER | Sense.LEAST_AFTER | Sense.BUDGET | Sense.NOT_AFTER | Sense.ADD_AFTER | Sense.LESS_AFTER
    | Sense.BECOMES_AFTER | Sense.EACH | Sense.PERCENT | Sense.TENTHS | Sense.TIMES_AFTER | _COUNTS
)  # fmt: skip
_NEXT_TO = Sense.VAGUE | Sense.ORDINAL  # only directly before the amount
_PASSED = Sense.ABOUT | Sense.RANGE | Sense.BETWEEN | Sense.COUNTED | Sense.MOVES
_OF_THE_NEXT = Sense.BUDGET | Sense.MOST_BEFORE | Sense.LEAST_BEFORE | _CHANGES
_LOOSE = " \t\n:=|(\uff08[「『\"'“*_•·>"
_HEADING = re.compile(r"[^\s/:]{1,10}+ ?:")  # "予算:800万 / NG:医師"
_ADJECTIVES = re.compile(r"(?: [a-z][a-z'\-]{0,14}+){1,3} ")


class Around(NamedTuple):
    """What one side says: bits of `Sense`, the period, and whether a noun it counts is written without spaces."""

    senses: int = 0
    period: Period | None = None
    dense: bool = False


def around_before(row: Row, first: int) -> Around:
    """What stands before piece `first`, nearest first, up to the first word that says nothing."""
    senses = 0
    period: Period | None = None
    right = row.pieces[first].start
    for at in range(first - 1, max(-1, first - 1 - STEPS), -1):
        start, end, word, _ = row.pieces[at]
        if word is None or right - end > GAP:
            break
        gap = row.text[end:right]
        own = word.senses
        if gap.strip(_LOOSE) or own & Sense.APART:
            break
        if own & _CHANGES and senses & Sense.BUDGET and gap and not (word.opens or word.dense):
            break  # a pause in Thai: "อยากได้ออเดอร์เพิ่ม งบ 3 หมื่น"
        right = start
        if at == first - 1:
            senses |= own & _NEXT_TO if len(gap) < 2 else 0
            if word.unit and not gap and word.dense and not _after_number(row, at):
                period = word.unit  # 月30万円
                continue
            if word.unit and word.text != "月" and row.follows(at) and row.pieces[at - 1].figure == "1":
                period = word.unit  # 1 tháng 50tr; 1月 is January
                break
        if own & (_COUNTS | Sense.AIM) and senses & Sense.BUDGET:
            break
        if own & Sense.EACH and senses & Sense.BUDGET and at and row.follows(at) and row.pieces[at - 1].counts:
            break  # 賣1990一件 廣告費5萬
        if own & Sense.BUDGET and word.dense and _after_number(row, at):
            break  # 20萬預算 30萬粉絲
        if own & _ONE_OF and word.dense and word.unit is None and at and row.pieces[at - 1].figure == "1":
            senses |= Sense.EACH  # 1本5000円
        senses |= _change(own, senses)
        said = own & (_BEFORE & ~Sense.BECOMES_BEFORE)
        if own & Sense.RANGE and word.text[0].isalpha():
            said |= Sense.RANGE
        if own & Sense.PERCENT and word.dense:
            said |= Sense.PERCENT  # 百分之二十
        senses |= said
        if word.period:
            if not (word.dense and _after_number(row, at)):  # "2025年預算" is no yearly budget
                period = period or word.period
        elif said & Sense.NOT_BEFORE or not (said or own & (_PASSED | _CHANGES)):
            break
    return Around(senses, period)


def _change(own: int, senses: int) -> int:
    """What a word adds to the change said so far; nearer words go first, and "to" turns "raise" into "becomes"."""
    if senses & _CHANGES & ~Sense.BECOMES_BEFORE:
        return 0
    if own & Sense.BECOMES_BEFORE:
        return Sense.BECOMES_BEFORE
    if own & _CHANGES and senses & (Sense.BECOMES_BEFORE | Sense.RANGE):
        return Sense.BECOMES_BEFORE
    return own & _CHANGES


def _after_number(row: Row, at: int) -> bool:
    return row.touches(at) and row.pieces[at - 1].counts


def around_after(row: Row, last: int, adjectives: int = 0) -> Around:
    """What stands behind piece `last - 1`, up to the first word that says nothing.

    `adjectives` is how many unknown words may stand before a noun that the amount counts.
    """
    senses = 0
    period: Period | None = None
    end = row.pieces[last - 1].end
    for _ in range(STEPS):
        slash = row.text.find("/", end, end + 2)
        if slash >= 0 and not row.text[end:slash].strip():
            unit, last, each = _after_slash(row, last, slash + 1)
            if unit is None:
                return Around(senses | (Sense.EACH if each else 0), period)
            period = period or unit
            end = row.pieces[last - 1].end
            continue
        if last >= row.size:
            return Around(senses, period)
        start, stop, word, figure = row.pieces[last]
        if word is None:
            unit_word = row.word(last + 1) if figure == "1" and row.follows(last) and row.follows(last + 1) else None
            if unit_word is None or not unit_word.unit:
                return Around(senses, period)
            period = period or unit_word.unit  # 50tr 1 tháng
            last, end = last + 2, row.pieces[last + 1].end
            continue
        gap = row.text[end : min(start, end + GAP)]
        if gap.strip(" (\uff08"):
            break
        own = word.senses
        if own & Sense.APART or (gap and word.dense and own & _COUNTS):
            return Around(senses, period)
        ours = own & Sense.BUDGET and word.dense and not gap
        if not ours and (own & _OF_THE_NEXT or (word.period and word.dense)) and _number_follows(row, last):
            return Around(senses, period)
        senses |= own & _AFTER
        if word.factor is not None:
            senses |= Sense.TIMES_AFTER
        if own & _COUNTS:
            return Around(senses, period, word.dense)
        if word.period:
            period = period or word.period
        elif not own & (_AFTER | Sense.ABOUT):
            return Around(senses, period)
        last, end = last + 1, stop
    return Around(senses | _counted_later(row, last, end, adjectives), period)


def _counted_later(row: Row, last: int, end: int, adjectives: int) -> int:
    """The sense of a noun that follows after a few unknown words: "50k organic views"."""
    word = row.word(last)
    if not adjectives or word is None or not word.opens:
        return 0
    between = row.text[end : min(row.pieces[last].start, end + 16 * adjectives)]
    if len(between.split()) > adjectives or not _ADJECTIVES.fullmatch(between):
        return 0
    return word.senses & (Sense.REACHED | Sense.COUNTER)


def _after_slash(row: Row, last: int, place: int) -> tuple[Period | None, int, bool]:
    """The unit of time behind "/" with the piece behind it, or `None` and whether a noun stands there."""
    text, pieces = row.text, row.pieces
    place += text.startswith(" ", place)
    while last < row.size and pieces[last].start < place:
        last += 1
    if last < row.size and pieces[last].start == place and pieces[last].figure == "1":
        place = pieces[last].end
        place += text.startswith(" ", place)
        last += 1
    word = row.word(last)
    if word is not None and pieces[last].start == place and (word.unit or word.period):
        return word.unit or word.period, last + 1, False
    if text[place : place + 1] >= "\u2e80":  # in Chinese and Japanese a slash also lists: 予算2億円／医師はNG
        return None, last, word is not None and pieces[last].start == place and bool(word.senses & _ONE_OF)
    return None, last, text[place : place + 1].isalpha() and not _HEADING.match(text, place)


def _number_follows(row: Row, at: int) -> bool:
    """Whether a number stands right behind piece `at`, so that the word speaks of that one."""
    for near in range(at + 1, min(at + 4, row.size)):
        before, piece = row.pieces[near - 1], row.pieces[near]
        if piece.start - before.end > GAP or row.text[before.end : piece.start].strip(_LOOSE):
            return False
        if piece.counts:
            return True
        if piece.word is None or not (piece.word.currency or piece.word.senses & Sense.ABOUT):
            return False
    return False


def named_nearby(row: Row, first: int) -> bool:
    """Whether a budget word stands a little before piece `first`, with no figure and no counted noun between."""
    left = row.pieces[first].start - NEAR
    for at in range(first - 1, -1, -1):
        piece = row.pieces[at]
        if piece.end < left or piece.word is None or piece.word.senses & _COUNTS:
            return False
        if piece.word.senses & Sense.BUDGET:
            return True
    return False
