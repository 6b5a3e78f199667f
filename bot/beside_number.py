"""Beside a number: what the pieces around a place in a row mean for a number that is being read there."""

from __future__ import annotations

import re

from bot.money_words import Row, Sense, Word, is_letter

COUNTS = Sense.COUNTED | Sense.COUNTER | Sense.REACHED
_POWER = re.compile(r"\*\*\d", re.ASCII)
_POWERED = re.compile(r"\d\*\*\d", re.ASCII)
_ENDS = ",;!?)\n\u3002\uff0c"


def digits_in_a_row(row: Row, first: int) -> int:
    """The place behind the digit words written without a gap from `first` on."""
    last = first
    while last < row.size and (last == first or row.touches(last)):
        word = row.pieces[last].word
        if word is None or word.number is None or word.number > 9:
            break
        last += 1
    return last


def before_scale(row: Row, at: int, *, ones: bool = False) -> bool:
    """Whether a scale follows at a place, after an article if `ones`."""
    word = row.word(at)
    if word is None or not row.follows(at):
        return False
    if word.scale is not None:
        return not word.senses & Sense.ATTACHED or row.touches(at)
    return ones and bool(word.senses & Sense.ONE) and before_scale(row, at + 1)


def before_number(row: Row, at: int) -> bool:
    """Whether a number word follows at a place."""
    word = row.word(at)
    return word is not None and row.follows(at) and (word.number is not None or word.scale == 10)


def goes_on(row: Row, at: int, scale: int) -> bool:
    """Whether behind the scale at a place, with no number before it, the number goes on."""
    word = row.word(at + 1)
    half = word is not None and bool(word.senses & Sense.HALF) and row.follows(at + 1)
    return half or before_scale(row, at + 1) or (scale == 10 and before_number(row, at + 1))


def joins_thousands(row: Row, at: int) -> bool:
    """Whether a comma stands inside a number in words: "one million, two hundred thousand"."""
    before, word = row.word(at - 1), row.word(at)
    if before is None or word is None or (before.scale or 0) < 1000 or word.number is None or not word.opens:
        return False
    if row.text[row.pieces[at - 1].end : row.pieces[at].start] != ", ":
        return False
    return any(near is not None and near.scale is not None for near in map(row.word, range(at + 1, at + 4)))


def is_hyphen(row: Row, at: int, word: Word | None) -> bool:
    """Whether the hyphen behind `word` joins words: "twenty-five", "fifty-thousand"; others are dashes."""
    behind = row.word(at + 1)
    if word is None or behind is None or not (behind.opens and row.touches(at) and row.touches(at + 1)):
        return False
    tens = (word.number or 0) >= 20 and behind.number is not None and behind.number < 10
    return tens or behind.scale is not None


def ends_clause(row: Row, at: int) -> bool:
    """Whether behind piece `at` comes the end of a clause, or a known word that counts nothing."""
    place = row.pieces[at].end
    rest = row.text[place : place + 2]
    if not rest or rest[0] in _ENDS or (rest[0] == "." and not rest[1:].isdigit()):
        return True
    word = row.word(at + 1)
    if word is not None and row.follows(at + 1):
        return word.number is None and word.scale is None and rest[0] == " "
    return not rest.strip()


def in_a_name(row: Row, at: int, *, inside: bool) -> bool:
    """Whether a letter or a power sign touches the figures at a place: "B2B", "5kg", "10^30".

    `inside`: they go on with a number, so that a scale before them is its own ("2tr5").
    """
    text = row.text
    start, end, _, _ = row.pieces[at]
    before, after = text[start - 1] if start else " ", text[end : end + 1] or " "
    if is_letter(before):
        word = row.word(at - 1) if row.touches(at) else None
        if word is None or word.senses & COUNTS or (word.scale is not None and not inside):
            return True
    elif before == "^" or (before == "_" and text[start - 2 : start - 1].isalnum()):
        return True
    if is_letter(after):
        return not row.touches(at + 1)
    return after == "^" or bool(_POWER.match(text, end) or _POWERED.match(text, max(0, start - 3)))
