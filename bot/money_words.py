"""Money words: what a word can mean for an amount of money, and the row of such words that a message becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from knowledge.brief import Period
from knowledge.numerals import MoneyWords


class Sense:
    """What a word can mean, as bits: one word often means several things ("多" is "more" and "odd").

    They are named after the fields of `MoneyWords`. Plain integers, for `enum.Flag` takes longer than all
    the rest.
    """

    (
        ENDING, ATTACHED, IMPLICIT, HALF, ONE, LINK, POINT, ODD, VAGUE,
        RANGE, BETWEEN, JOIN, EITHER, ABOUT, MOST_BEFORE, MOST_AFTER, LEAST_BEFORE, LEAST_AFTER, BUDGET,
        NOT_BEFORE, NOT_AFTER, NEGATIVE, ADD_BEFORE, ADD_AFTER, LESS_BEFORE, LESS_AFTER, BECOMES_BEFORE,
        BECOMES_AFTER, MOVES, APART, COUNTED, COUNTER, REACHED, AIM, WORTH, EACH, ORDINAL, PERCENT, TENTHS,
        TIMES_BEFORE, TIMES_AFTER, UNMARKED, MEASURE,
    ) = (1 << bit for bit in range(43))  # fmt: skip


@dataclass(slots=True, eq=False)
class Word:
    """Everything a word of one grammar can mean; `senses` are bits of `Sense`.

    `opens` and `closes`: it begins or ends with a letter that spaces set apart from other words.
    """

    text: str
    grammar: MoneyWords
    number: int | None = None
    scale: int | None = None
    currency: str | None = None
    implies: str | None = None
    period: Period | None = None
    unit: Period | None = None
    part: Decimal | None = None
    factor: Decimal | None = None
    senses: int = 0
    opens: bool = False
    closes: bool = False

    @property
    def means_nothing(self) -> bool:
        """Whether it only hides another word, as shields do."""
        values = (self.number, self.scale, self.currency, self.period, self.unit, self.part, self.factor)
        return not self.senses and all(value is None for value in values)

    @property
    def dense(self) -> bool:
        """Whether it is written without spaces around it, as Chinese and Japanese are."""
        return self.text[0] >= "\u2e80"


class Piece(NamedTuple):
    """A word or a run of figures at [start, end) of the text: one of `word` and `figure` is set.

    `figure` is the run as typed, "" where it is a date, a telephone number or part of an address.
    """

    start: int
    end: int
    word: Word | None
    figure: str | None

    @property
    def counts(self) -> bool:
        """Whether it is a number or a part of one."""
        return self.word is None or self.word.number is not None or self.word.scale is not None


class Row:
    """A prepared text and its pieces, and what stands next to what; places outside the row hold nothing."""

    __slots__ = ("pieces", "size", "text")

    def __init__(self, text: str, pieces: Sequence[Piece]) -> None:
        self.text = text
        self.pieces = pieces
        self.size = len(pieces)

    def word(self, at: int) -> Word | None:
        """The word at a place, `None` where figures or nothing stand."""
        return self.pieces[at].word if 0 <= at < self.size else None

    def touches(self, at: int) -> bool:
        """Whether nothing stands between piece `at` and the one before it."""
        return 0 < at < self.size and self.pieces[at - 1].end == self.pieces[at].start

    def follows(self, at: int) -> bool:
        """Whether at most one space stands between piece `at` and the one before it."""
        if not 0 < at < self.size:
            return False
        before, start = self.pieces[at - 1].end, self.pieces[at].start
        return before == start or (before + 1 == start and self.text[before] == " ")

    def counted(self, at: int, senses: int) -> bool:
        """Whether a noun with one of the senses, or a unit of time, follows at a place."""
        word = self.word(at)
        return word is not None and (bool(word.senses & senses) or word.unit is not None) and self.follows(at)


@lru_cache(maxsize=4096)
def is_letter(character: str) -> bool:
    """Whether a word of a script with spaces goes on through this character."""
    return character.isalpha() and (character < "\u0370" or "\u1e00" <= character <= "\u1eff")
