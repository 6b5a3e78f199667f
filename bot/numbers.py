"""Numbers: quantities read from figures and number words, in any mixture the grammars allow."""

from __future__ import annotations

from bot.beside_number import digits_in_a_row
from bot.money_words import Piece, Row, Sense
from bot.number_reading import MOST_DIGITS, Quantity, Reading
from knowledge.numerals import MoneyWords


def starts_number(piece: Piece) -> bool:
    """Whether a quantity can begin with this piece."""
    word = piece.word
    return word is None or piece.counts or word.part is not None or bool(word.senses & Sense.ONE)


def read_number(row: Row, first: int, grammar: MoneyWords) -> tuple[Quantity | None, int]:
    """The longest quantity that begins with piece `first`, and the piece to go on from.

    `grammar` is the language's, for figures that no scale of another language follows.
    """
    word = row.pieces[first].word
    if word is not None and word.number is not None and word.grammar.positional:
        behind = digits_in_a_row(row, first)
        if behind - first > MOST_DIGITS:
            return None, behind
    reading = Reading(row, first, grammar)
    reading.run()
    if reading.pair:
        # "兩三萬": read once as 兩萬 and once as 三萬.
        low = Reading(row, first, grammar, without=reading.pair)
        high = Reading(row, first, grammar, without=reading.pair - 1)
        low.run()
        high.run()
        if low.end == high.end and low.value < high.value:
            return low.quantity(high.value), low.end
    if reading.end == first:
        return None, first + 1
    return reading.quantity(reading.value), reading.end
