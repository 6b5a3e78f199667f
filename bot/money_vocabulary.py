"""Money vocabulary: the grammars of all languages compiled to cut a message of one of them into pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import ahocorasick

from bot.figures import runs
from bot.money_text import prepare, without_marks
from bot.money_words import Piece, Row, Sense, Word, is_letter
from knowledge.numerals import MoneyWords

_TERMS = {
    "implicit": Sense.IMPLICIT, "halves": Sense.HALF, "ones": Sense.ONE, "links": Sense.LINK,
    "points": Sense.POINT, "odd": Sense.ODD, "vague": Sense.VAGUE, "ranges": Sense.RANGE,
    "between": Sense.BETWEEN, "joins": Sense.JOIN, "either": Sense.EITHER, "about": Sense.ABOUT,
    "budget": Sense.BUDGET, "negatives": Sense.NEGATIVE, "moves": Sense.MOVES, "apart": Sense.APART,
    "counted": Sense.COUNTED, "counters": Sense.COUNTER, "reached": Sense.REACHED, "aims": Sense.AIM,
    "worth": Sense.WORTH, "each": Sense.EACH, "ordinals": Sense.ORDINAL, "percent": Sense.PERCENT,
    "tenths": Sense.TENTHS, "measures": Sense.MEASURE, "shields": 0,
}  # fmt: skip
_SIDES = {
    "at_most": (Sense.MOST_BEFORE, Sense.MOST_AFTER),
    "at_least": (Sense.LEAST_BEFORE, Sense.LEAST_AFTER),
    "negations": (Sense.NOT_BEFORE, Sense.NOT_AFTER),
    "add": (Sense.ADD_BEFORE, Sense.ADD_AFTER),
    "less": (Sense.LESS_BEFORE, Sense.LESS_AFTER),
    "becomes": (Sense.BECOMES_BEFORE, Sense.BECOMES_AFTER),
    "times": (Sense.TIMES_BEFORE, Sense.TIMES_AFTER),
}
_VALUES = (
    ("number", "numbers", 0), ("number", "endings", Sense.ENDING), ("scale", "scales", 0),
    ("scale", "attached", Sense.ATTACHED), ("currency", "currencies", 0), ("implies", "implies", 0),
    ("period", "periods", 0), ("unit", "units", 0), ("part", "parts", 0), ("factor", "factors", 0),
)  # fmt: skip

_LATIN, _CHINESE, _OTHER = range(3)
# What another language's words still mean where both share a script: "ten" is Vietnamese for a name, and Chinese
# characters often mean another thing in Japanese.
_ABROAD = {
    _LATIN: (
        Sense.ATTACHED | Sense.MOST_BEFORE | Sense.MOST_AFTER | Sense.LEAST_BEFORE | Sense.LEAST_AFTER | Sense.BUDGET
        | Sense.COUNTED | Sense.COUNTER | Sense.REACHED | Sense.AIM | Sense.WORTH | Sense.EACH | Sense.PERCENT
        | Sense.TIMES_AFTER
    ),
    _CHINESE: Sense.ATTACHED,
}  # fmt: skip

_MULTIPLIES = Sense.PERCENT | Sense.TENTHS | Sense.TIMES_BEFORE | Sense.TIMES_AFTER

_MARKED = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_THAI_MARKS = frozenset(map(chr, (*range(0x0E30, 0x0E3B), 0x0E45, *range(0x0E47, 0x0E4F))))
_THAI_HEADS = frozenset(map(chr, range(0x0E40, 0x0E45)))  # vowels before their letter


class Vocabulary:
    """The words of one language, with what may be understood of the others; compiled once, then only read."""

    __slots__ = ("_counts", "_multiplies", "_words", "grammar")

    def __init__(self, words: Iterable[Word], grammar: MoneyWords) -> None:
        self.grammar = grammar
        self._words = ahocorasick.Automaton()
        self._counts = ahocorasick.Automaton()
        self._multiplies = ahocorasick.Automaton()
        for digit in "0123456789":
            self._counts.add_word(digit, True)
        for word in words:
            self._words.add_word(word.text, (len(word.text), word))
            short = len(word.text) <= 2 and word.text.isascii()  # "k", "tr": only behind figures
            if word.scale is not None and (word.senses & Sense.UNMARKED or not short):
                self._counts.add_word(word.text, True)
            if word.factor is not None or word.senses & _MULTIPLIES:
                self._multiplies.add_word(word.text, True)
        for automaton in (self._words, self._counts, self._multiplies):
            automaton.make_automaton()

    def counts(self, text: str) -> bool:
        """Whether a prepared text can hold an amount at all: it has a digit, or a scale that needs none."""
        return next(self._counts.iter(text), None) is not None

    def multiplies(self, text: str) -> bool:
        """Whether a prepared text can hold a factor at all."""
        return bool(len(self._multiplies)) and next(self._multiplies.iter(text), None) is not None

    def row(self, text: str) -> Row:
        """The pieces of a prepared text in order; where they overlap, the first, then the longest."""
        found: dict[int, Piece] = {}
        hidden: dict[int, Piece] = {}  # scales in shields: "萬一" is "if", but "30萬一個月" is money
        size = len(text)
        for last, (length, word) in self._words.iter(text):
            start, end = last + 1 - length, last + 1
            if start and ((word.opens and is_letter(text[start - 1])) or text[start - 1] in _THAI_HEADS):
                continue
            if end < size and ((word.closes and is_letter(text[end])) or text[end] in _THAI_MARKS):
                continue
            known = found.get(start)  # the automaton reports a longer word later
            if known and known.word and known.word.scale is not None and word.means_nothing:
                hidden[start] = known
            found[start] = Piece(start, end, word, None)
        for start, end, figure in runs(text):
            if _is_shielded(found, start, end):
                continue  # 555 is said "hahaha" in Thai
            found[start] = Piece(start, end, None, figure)
        pieces: list[Piece] = []
        reached = 0
        for start in sorted(found):
            if start >= reached:
                piece = found[start]
                if start in hidden and pieces and start - reached < 2 and pieces[-1].counts:
                    piece = hidden[start]
                pieces.append(piece)
                reached = piece.end
        return Row(text, pieces)


def _is_shielded(found: Mapping[int, Piece], start: int, end: int) -> bool:
    """Whether a shield covers the figures at [start, end), and no currency follows them."""
    shield, after = found.get(start), found.get(end) or found.get(end + 1)
    if shield is None or shield.word is None or shield.end != end or not shield.word.means_nothing:
        return False
    return after is None or after.word is None or after.word.currency is None


def vocabulary(text: str, language: str, grammars: Mapping[str, MoneyWords]) -> Vocabulary | None:
    """The vocabulary for a prepared text in `language`, compiled on first use; `None` without any grammar.

    A text without a single mark is read with the words of its language that lost theirs.
    """
    if not grammars:
        return None
    marked = not text.isascii() and _MARKED.search(text) is not None
    return _compiled(language, marked, tuple(grammars.items()))


@lru_cache(maxsize=64)
def _compiled(language: str, marked: bool, grammars: tuple[tuple[str, MoneyWords], ...]) -> Vocabulary:
    own = dict(grammars).get(language)
    words = _own_words(own, marked) if own else {}
    script = _script(own) if own else _OTHER
    abroad: dict[str, Word] = {}
    for code, grammar in grammars:
        shared = script if script == _script(grammar) else _OTHER
        for word in _words_of(grammar).values() if code != language else ():
            if word.text in words or not _means_abroad(word, shared):
                continue
            known = abroad.setdefault(word.text, word)
            if known is not word:
                implies = known.implies if known.implies == word.implies else None
                _merge(known, word)
                known.implies = implies
    return Vocabulary((words | abroad).values(), own or grammars[0][1])


def _script(grammar: MoneyWords) -> int:
    first = next(iter(grammar.numbers.values()))[0][0]
    return _LATIN if is_letter(first) else _CHINESE if first >= "\u2e80" else _OTHER


def _means_abroad(word: Word, shared: int) -> bool:
    """Take from a foreign word what it may only mean at home; returns whether anything is left.

    `shared` is the script that both languages are written in.
    """
    if len(word.text) == 1 and word.opens:
        word.implies = None
    if shared == _OTHER:
        return True
    word.number = word.part = None
    word.senses &= _ABROAD[shared]
    if shared == _CHINESE:
        word.period = word.unit = word.factor = None
    return not word.means_nothing


def _own_words(grammar: MoneyWords, marked: bool) -> dict[str, Word]:
    words = _words_of(grammar)
    if marked or _script(grammar) != _LATIN:
        return words
    unfolded = {prepare(term)[0] for term in grammar.unfolded}
    for word in list(words.values()):
        plain = without_marks(word.text)
        if plain == word.text or word.text in unfolded:
            continue
        folded = Word(plain, grammar, opens=word.opens, closes=word.closes)
        _merge(folded, word)
        folded.senses |= Sense.UNMARKED
        known = words.setdefault(plain, folded)
        if known is not folded:
            _merge(known, folded)
    return words


def _merge(word: Word, other: Word) -> None:
    for field in ("number", "scale", "currency", "implies", "period", "unit", "part", "factor"):
        if getattr(word, field) is None:
            setattr(word, field, getattr(other, field))
    word.senses |= other.senses & ~Sense.UNMARKED


def _words_of(grammar: MoneyWords) -> dict[str, Word]:
    """All words of a grammar, each with all it means; made anew, for the caller may change them."""
    words: dict[str, Word] = {}

    def word(term: str) -> Word:
        text = prepare(term)[0]
        if text not in words:
            words[text] = Word(text, grammar, opens=is_letter(text[0]), closes=is_letter(text[-1]))
        return words[text]

    for field, sense in _TERMS.items():
        for term in getattr(grammar, field):
            word(term).senses |= sense
    for field, senses in _SIDES.items():
        sides = getattr(grammar, field)
        for terms, sense in zip((sides.before, sides.after), senses, strict=True):
            for term in terms:
                word(term).senses |= sense
    for attribute, field, sense in _VALUES:
        for value, terms in getattr(grammar, field).items():
            for term in terms:
                setattr(word(term), attribute, value)
                word(term).senses |= sense
    for compound in list(_compounds(words.values(), grammar)):
        words.setdefault(compound.text, compound)
    return words


def _compounds(words: Iterable[Word], grammar: MoneyWords) -> Iterator[Word]:
    """Short scales written together with a currency: "50kusd", "500trđ"."""
    words = list(words)
    codes = [word for word in words if word.currency and word.opens and word.closes and len(word.text) <= 3]
    for scale in words:
        if scale.scale is not None and scale.opens and len(scale.text) <= 2:
            for code in codes:
                compound = Word(scale.text + code.text, grammar, opens=True, closes=True)
                compound.scale, compound.currency, compound.senses = scale.scale, code.currency, Sense.ATTACHED
                yield compound
