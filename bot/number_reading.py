"""Number reading: one attempt at a quantity, piece by piece, that gives back what it read too far."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from bot.beside_number import (
    COUNTS,
    before_number,
    before_scale,
    digits_in_a_row,
    ends_clause,
    goes_on,
    in_a_name,
    is_hyphen,
    joins_thousands,
)
from bot.figures import figure_value
from bot.money_words import Piece, Row, Sense, Word
from knowledge.numerals import MoneyWords

MOST_PIECES = 32  # of one quantity
MOST_DIGITS = 16  # digit words in a row, or behind a point
_NOTHING, _ONE = Decimal(0), Decimal(1)
_HALF = Decimal("0.5")
_THOUSANDS = (10**6, 10**9)


class Quantity(NamedTuple):
    """A number made of pieces [first, last); `low` and `high` differ for "兩三萬" (two or three).

    `scale` is its last scale word and `tail` the scales that multiply all that stands before them, in order.
    `size` is the largest scale used (1 without any). `alone`: a scale without a number (百萬). `figures`: it
    begins with figures. `implies` is the currency its scales imply.
    """

    first: int
    last: int
    low: Decimal
    high: Decimal
    scale: Word | None
    tail: tuple[int, ...]
    size: int
    alone: bool
    figures: bool
    implies: str | None


def _place(number: int) -> int:
    """The smallest unit that a number word fills: "twenty" leaves room for a digit."""
    return 10 if number >= 20 and number % 10 == 0 else 1


class Reading:
    """One attempt at a quantity: parts that still wait for a scale, largest first, each with its place value.

    After `run`, `end` is the piece behind it (its first if it is none), and `pair` the second of two digits
    that make a range (兩三萬), where it stopped.
    """

    __slots__ = (
        "_at", "_exact", "_figure", "_first", "_grammar", "_implied", "_number", "_parts", "_row", "_safe", "_said",
        "_scales", "_tail", "_without", "_zero", "end", "pair",
    )  # fmt: skip

    def __init__(self, row: Row, first: int, grammar: MoneyWords, without: int = -1) -> None:
        self._row = row
        self._first = self._at = first
        self._grammar = grammar
        self._without = without  # a piece to leave out
        self._parts: list[tuple[Decimal, int]] = []
        self._scales: list[Word] = []
        self._tail: list[int] = []
        self._number: Word | None = None  # the number word just read
        self._figure = False  # figures were just read
        self._implied = 0  # the scale that stood at the beginning without a number
        self._said = False  # there was a number beside scales
        self._zero = False  # a zero or a link says that the next digit is a plain one
        self._exact = False  # there was one anywhere
        self._safe: tuple[int, list[tuple[Decimal, int]], int, list[int]] | None = None
        self.end = first
        self.pair = 0

    @property
    def value(self) -> Decimal:
        """What has been read so far."""
        total = _NOTHING
        for value, _ in self._parts:
            total += value
        return total

    def quantity(self, high: Decimal) -> Quantity:
        """What has been read, with another high end."""
        last: Word | None = None
        size, implies = 1, None
        for last in self._scales:
            size = max(size, last.scale or 1)
            implies = last.implies or implies
        alone = self._implied > 10 and not self._said
        figures = self._row.pieces[self._first].word is None
        return Quantity(self._first, self.end, self.value, high, last, tuple(self._tail), size, alone, figures, implies)

    def run(self) -> None:
        """Read on until a piece does not fit; what was read too far is given back."""
        row = self._row
        limit = min(row.size, self._first + MOST_PIECES)
        while self._at < limit:
            if self._at == self._without:
                self._at += 1
                continue
            if self._at > self._first and not row.follows(self._at) and not self._behind_comma():
                break
            if not self._take(row.pieces[self._at]):
                break
        self._finish()

    def _behind_comma(self) -> bool:
        return self._number is None and not self._figure and joins_thousands(self._row, self._at)

    # -- one piece ---------------------------------------------------------------------------------------------

    def _take(self, piece: Piece) -> bool:
        word = piece.word
        if word is None:
            return self._take_figure(piece)
        if word.number is not None and self._take_number(word, word.number):
            return True
        if word.scale is not None:
            return self._take_scale(word, word.scale)
        if not self._parts:
            if word.part is not None and before_scale(self._row, self._at + 1, ones=True):
                return self._keep(word.part, 1, word)
            return bool(word.senses & Sense.ONE) and before_scale(self._row, self._at + 1) and self._keep(_ONE, 1, word)
        return self._take_small_word(word)

    def _take_small_word(self, word: Word) -> bool:
        """A word that only counts inside a number; a skipped one must have something behind it."""
        senses = word.senses
        after_scale = self._number is None and not self._figure
        if senses & Sense.HALF:
            return self._take_half(word, after_scale)
        if senses & Sense.POINT and not after_scale:
            return self._take_fraction()
        if senses & Sense.LINK and after_scale and before_number(self._row, self._at + 1):
            self._save()
            self._zero = self._exact = True
        elif word.text == "-":
            if not is_hyphen(self._row, self._at, self._number):
                return False
        elif senses & Sense.ONE:
            if self._number is None or self._number.part is None:  # half a million
                return False
        elif not (senses & Sense.ODD and before_scale(self._row, self._at + 1)) and not self._is_counter(word):
            return False
        self._at += 1
        return True

    def _is_counter(self, word: Word) -> bool:
        """Whether a counter stands between figures and a scale that ends there: 3個w, but not 3個k歌麥克風."""
        row, at = self._row, self._at + 1
        if not (word.senses & Sense.COUNTER and word.dense and self._figure and before_scale(row, at)):
            return False
        scale, behind = row.word(at), row.pieces[at].end
        attached = scale is not None and bool(scale.senses & Sense.ATTACHED)
        return attached and (row.touches(at + 1) or not row.text[behind : behind + 1].isalnum())

    def _take_number(self, word: Word, number: int) -> bool:
        if not self._parts:
            return self._take_first_number(word, number)
        if self._figure:
            return False
        previous = self._number
        if previous is None:  # behind a scale
            if number == 0:
                self._zero = self._exact = True
                self._at += 1
                return before_number(self._row, self._at) or self._back()
            self._save()
        elif self._is_pair(previous, word):
            self.pair = self.pair or self._at
            return False
        value, place = self._parts[-1]
        if number == 0 or number >= place:
            return False
        self._tail = []
        if previous is not None:  # twenty-five
            self._parts.pop()
            return self._keep(value + number, 1, word)
        return self._keep(Decimal(number), _place(number), word)

    def _take_first_number(self, word: Word, number: int) -> bool:
        if word.senses & Sense.ENDING or (number == 0 and not word.grammar.positional):
            return False
        row = self._row
        behind = digits_in_a_row(row, self._at) if word.grammar.positional else self._at + 1
        digits = [piece.word.number for piece in row.pieces[self._at : behind] if piece.word]
        if len(digits) > 2 or (len(digits) == 2 and digits[1] == 0):  # 二〇二五, 五〇
            self._at = behind - 1
            return self._keep(Decimal("".join(map(str, digits))), 1, word)
        return self._keep(Decimal(number), _place(number), word)

    def _is_pair(self, previous: Word, word: Word) -> bool:
        one, two = previous.number or 0, word.number or 0
        if not 0 < one < two < 10 or self._parts[-1][1] != 1 or previous.senses & Sense.ENDING:
            return False
        return (two == one + 1 or (one, two) in word.grammar.pairs) and before_scale(self._row, self._at + 1)

    def _take_scale(self, word: Word, scale: int) -> bool:
        if not self._parts:
            if not word.senses & Sense.IMPLICIT or (
                word.senses & Sense.UNMARKED and not goes_on(self._row, self._at, scale)
            ):
                return False
            self._implied = scale
            return self._multiplied(Decimal(scale), scale, word)
        if word.senses & Sense.ATTACHED and not (self._figure and self._row.touches(self._at)):
            return False
        if word.senses & Sense.UNMARKED and not word.senses & Sense.IMPLICIT and not self._figure:
            return False
        if self._number is not None:
            self._expand(self._number, scale)
        taken = _NOTHING
        while self._parts:
            value, _ = self._parts[-1]
            whole = not taken and (self._figure or (self._number is None and value == scale))
            if not whole and value >= scale:
                break
            taken += self._parts.pop()[0]
        if not taken:  # 一百十五, sáu trăm mười
            implicit = scale == 10 or (word.senses & Sense.IMPLICIT and word.grammar.positional)
            if not implicit or self._number is not None:
                return False
            taken = _ONE
            self._tail = []
        if self._parts and taken * scale >= self._parts[-1][1]:
            return self._back()
        return self._multiplied(taken * scale, scale, word)

    def _expand(self, word: Word, scale: int) -> None:
        """Before a larger scale: "trăm hai triệu" is 120 million where one says lẻ for 102."""
        if word.number is None or word.senses & (Sense.ENDING | Sense.UNMARKED) or self._zero:
            return
        if len(self._parts) < 2 or self._parts[-1][0] > 9 or word.grammar.shorthand != "within":
            return
        place = self._parts[-2][1]
        if 100 <= place < scale and self._scales[-1].scale == place:
            self._parts[-1] = (Decimal(word.number) * place / 10, 1)

    def _multiplied(self, value: Decimal, scale: int, word: Word) -> bool:
        self._parts.append((value, scale))
        self._scales.append(word)
        self._tail = [*self._tail, scale] if len(self._parts) == 1 else []
        self._number = None
        self._figure = self._zero = False
        self._at += 1
        self.end = self._at
        return True

    def _take_half(self, word: Word, after_scale: bool) -> bool:
        value, place = self._parts[-1]
        if after_scale:
            self._save()
            self._tail = []
            return self._keep(Decimal(place) / 2, 1, word)
        self._parts.pop()
        return self._keep(value + _HALF, 1, self._number)

    def _take_fraction(self) -> bool:
        """The digits behind "point"; without a scale behind them it was no point."""
        row, digits, at = self._row, "", self._at + 1
        while row.follows(at) and len(digits) < MOST_DIGITS:
            piece = row.pieces[at]
            if piece.word is None:
                if not digits and piece.figure and piece.figure.isdigit():
                    digits, at = piece.figure[:MOST_DIGITS], at + 1
                break
            if piece.word.number is None or piece.word.number > 9:
                break
            digits += str(piece.word.number)
            at += 1
        if not digits or not before_scale(self._row, at):
            return False
        self._parts[-1] = (self._parts[-1][0] + Decimal(f"0.{digits}"), 1)
        self._at = self.end = at
        return True

    # -- figures -----------------------------------------------------------------------------------------------

    def _take_figure(self, piece: Piece) -> bool:
        if not piece.figure or in_a_name(self._row, self._at, inside=bool(self._parts)):
            return False
        scale = self._row.word(self._at + 1) if before_scale(self._row, self._at + 1) else None
        if not self._parts:
            figure = piece.figure
            if scale and " " in figure:
                figure = figure.rpartition(" ")[2]  # "11 300k": two numbers
            mark = (scale.grammar if scale else self._grammar).decimal
            number = figure_value(figure, mark, scaled=scale is not None)
            self._figure = number is not None
            return number is not None and self._keep(number, 1, None)
        if self._number is not None or self._figure or not piece.figure.isdigit():
            return False
        self._save()
        self._tail = []
        value, place = Decimal(piece.figure), self._parts[-1][1]
        if scale is not None:  # 1萬2千
            self._figure = True
            return self._keep(value, 1, None)
        if self._is_fraction(piece, place):  # 2tr5, 1 tỷ 2
            value = value * place / 10 ** len(piece.figure)
        elif not self._row.touches(self._at) or value >= place or self._row.counted(self._at + 1, COUNTS):
            return self._back()
        self._keep(value, 1, None)
        return False  # nothing goes on from here

    def _is_fraction(self, piece: Piece, place: int) -> bool:
        """Whether figures behind a scale count its tenths: "2tr5" is 2.5 million, "3萬5000" is not 3.5000."""
        last, size = self._scales[-1], len(piece.figure or "")
        if last.grammar.shorthand == "never" or place < 100 or not (size == 1 or (size <= 3 and place >= 10**6)):
            return False
        if self._row.touches(self._at):
            return not (last.dense and self._row.counted(self._at + 1, COUNTS & ~Sense.REACHED))  # 30萬5位
        counted = self._row.counted(self._at + 1, COUNTS)
        return not counted and size != 2 and not last.dense and ends_clause(self._row, self._at)

    # -- keeping and going back --------------------------------------------------------------------------------

    def _keep(self, value: Decimal, place: int, word: Word | None) -> bool:
        self._parts.append((value, place))
        self._number = word
        self._said = True
        self._at += 1
        self.end = self._at
        return True

    def _save(self) -> None:
        if self._safe is None or self._safe[0] != self.end:
            self._safe = (self.end, list(self._parts), len(self._scales), list(self._tail))

    def _back(self) -> bool:
        """Return to the last place where the quantity was whole."""
        if self._safe:
            self.end, parts, scales, tail = self._safe
            self._parts, self._tail = list(parts), list(tail)
            del self._scales[scales:]
            self._number = None
            self._figure = False
        return False

    def _finish(self) -> None:
        """Settle a last lone digit: tenths of the scale before it, or a number of something else."""
        word, parts = self._number, self._parts
        if self._safe and self.end > self._safe[0] and self._row.counted(self.end, COUNTS):
            attached = len(self._scales) > 1 and self._scales[-1].senses & Sense.ATTACHED
            if attached or word is not None:  # "5 triệu 10k view", "30萬5位"
                self._back()
                return
        if len(parts) < 2 or self._zero:
            return
        place = parts[-2][1]
        if word is None and place in _THOUSANDS and parts[-1][1] == 100 and not self._exact:
            if self._scales[-1].grammar.shorthand == "within":  # "ba triệu hai trăm" is 3.2 million
                parts[-1] = (parts[-1][0] * place / 1000, 1)
            return
        if word is None or not word.number:
            return
        shorthand = self._scales[-1].grammar.shorthand
        if place < 100 or parts[-1][0] > 9 or shorthand == "never":
            return
        if shorthand == "last" and (place < 1000 or len(parts) > 2):  # ร้อยห้า is 105, แสนห้า 150,000
            return
        spaced_figures = self._row.pieces[self._first].word is None and word.opens
        if word.senses & Sense.UNMARKED or (spaced_figures and not ends_clause(self._row, self.end - 1)):
            self._back()
        elif self._implied and len(parts) == 2 and word.number == 1 and not word.senses & Sense.ENDING:
            parts.pop()  # แสนนึง
        else:
            parts[-1] = (Decimal(word.number) * place / 10, 1)
