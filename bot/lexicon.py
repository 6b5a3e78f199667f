"""The lexicon: every word of the knowledge in one pass over a message."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, islice, product
from math import prod
from typing import NamedTuple

import ahocorasick

from bot.fold import Folded, Speller, plain
from knowledge.knowledge import Knowledge

# Vietnamese letters that an unmarked word must have before it may stand for a marked one: "cho" is "for" far
# more often than "chó" (dog). In a text with marks the writer marks them, so only long phrases may lack them.
PLAIN_WORD = 5
PLAIN_PHRASE = 4
PLAIN_IN_MARKED = 7
MOST_SPELLINGS = 32

# Thai has no spaces between words, but no word begins with a vowel that stands behind, above or below its letter,
# nor ends in one that stands before it: "เซล" is no word in "เซลล์", nor "กี่" in "เกี่ยว".
_THAI_TAILS = frozenset(map(chr, (*range(0x0E30, 0x0E3B), 0x0E45, *range(0x0E47, 0x0E4F))))
_THAI_HEADS = frozenset(map(chr, range(0x0E40, 0x0E45)))

# Names of things are typed out: "khach hang ko" holds no "hàng không" (airline).
NAMED = ("category", "category_reading", "group", "market", "role", "language")


class Term(NamedTuple):
    """A word and what it stands for: `kind` (goal, category, role, act ...), `value`, and how surely."""

    kind: str
    value: str
    language: str
    weak: bool = False
    word: str = ""


class Hit(NamedTuple):
    """A term found in a folded text at [start, end)."""

    term: Term
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


# Ways of speaking: lists of words in languages/<code>.yaml.
SPOKEN = (
    "not_before", "not_after", "exclude_before", "exclude_after", "exclude_later", "theme", "clause", "harmless",
    "people", "others", "past", "now", "contrast", "does", "can",
)  # fmt: skip

# Kinds that compete for the same letters: the longest wins. "pet insurance" is insurance and no pet.
_FAMILY = {"category": "product", "category_reading": "product", "group": "product", "goal_reading": "goal"}


class Lexicon:
    """All words of one knowledge, compiled; built once, then only read."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._marked: dict[str, list[Term]] = defaultdict(list)
        self._plain: dict[str, list[Term]] = defaultdict(list)
        unfolded = {word.casefold() for language in knowledge.languages.values() for word in language.unfolded}
        speller = Speller(knowledge.simplified)
        for term in terms(knowledge):
            word = speller.text(term.word)
            if not word:
                continue
            self._marked[word].append(term)
            if term.kind not in NAMED:
                for short in _shortened(word, knowledge.languages[term.language].slang):
                    self._marked[short].append(term)
            bare = unmarked(word) if term.language == "vi" and term.word.casefold() not in unfolded else None
            if bare:
                self._plain[bare].append(term)
        self._mates: dict[str, str] = {}
        for key, symptom in knowledge.symptoms.items():
            first = "people" if symptom.people else f"first:{key}"
            self._mates |= {f"first:{key}": f"then:{key}", f"then:{key}": first}
        self._find_marked = _automaton(self._marked)
        self._find_plain = _automaton(self._plain)

    def hits(self, folded: Folded, spoken: str | None = None) -> dict[str, list[Hit]]:
        """What was found, by kind, in the order of the text; within competing kinds the longest only.

        In Vietnamese the acts of English are not heard, nor the other way round: "vs" compares in one and is
        "with" in the other. Thai takes its foreign words from English.
        So it is with Japanese and Chinese, and in Japanese no Chinese word at all means anything but a language: the
        same characters often name another thing.
        """
        found = self.found(folded, spoken)
        kinds = {hit.term.kind for hit in found}
        # Half a symptom says nothing.
        return _covered(_longest([hit for hit in found if self._mates.get(hit.term.kind, hit.term.kind) in kinds]))

    def found(self, folded: Folded, spoken: str | None = None) -> list[Hit]:
        """Every term that stands in a text, also those that a longer one takes the place of."""
        found = list(_spoken(self._find_marked, folded.text))
        for hit in _spoken(self._find_plain, folded.plain):
            word = folded.text[hit.start : hit.end]
            if word != folded.plain[hit.start : hit.end]:
                continue  # typed with other marks than the term's: another word
            if not folded.marked or len(word.replace(" ", "")) >= PLAIN_IN_MARKED:
                found.append(hit)
        deaf = {"vi": "en", "en": "vi", "th": "vi", "ja": "zh-Hant", "zh-Hant": "ja"}.get(spoken or "")
        if deaf:
            named = spoken != "ja"
            found = [
                hit
                for hit in found
                if hit.term.language != deaf or hit.term.kind == "language" or (named and not _is_speech(hit.term.kind))
            ]
        return found


def unmarked(word: str) -> str | None:
    """A folded Vietnamese word without its marks, where it is long enough to be heard so."""
    bare = plain(word)
    enough = PLAIN_PHRASE if " " in bare else PLAIN_WORD
    return bare if bare != word and len(bare.replace(" ", "")) >= enough else None


def terms(knowledge: Knowledge) -> Iterator[Term]:
    """Every word of the knowledge with what it stands for, unfolded."""
    for kind, table in (
        ("goal", knowledge.goals),
        ("category", knowledge.categories),
        ("role", knowledge.roles),
        ("topic", knowledge.topics),
        ("topic", knowledge.trends),
        ("group", knowledge.groups),
        ("market", knowledge.markets),
    ):
        for key, shape in table.items():
            yield from _each(kind, key, shape.words, shape.names if kind != "topic" else {})
            yield from _each(kind, key, getattr(shape, "hints", {}), {}, weak=True)
    for key, reading in knowledge.readings.items():
        yield from _each(f"{reading.question}_reading", key, reading.words, {})
    for key, symptom in knowledge.symptoms.items():
        yield from _each(f"first:{key}", key, symptom.first, {})
        yield from _each(f"then:{key}", symptom.goal, symptom.then, {})
        yield from _each(f"then:{key}", symptom.goal, symptom.hints, {}, weak=True)
        yield from _each(f"then:{key}", "", symptom.but, {})
    for key, stage in knowledge.journey.items():
        yield from _each("stage", key, stage.words, {})
    for code, language in knowledge.languages.items():
        yield from (Term("language", code, code, word=word) for word in (*language.words, language.native))
        for act, words in language.acts.items():
            yield from (Term(f"act:{act}", act, code, word=word) for word in words)
        for kind in SPOKEN:
            yield from (Term(kind, kind, code, word=word) for word in getattr(language, kind))


def _shortened(word: str, slang: Mapping[str, str]) -> Iterator[str]:
    """The word as typed in haste, some or all of its parts short, with and without marks: "nhiu người", "nhieu ng".

    A part is short for itself only with its marks: "vòi" without them is no "với".
    """
    parts = word.split(" ")
    ways = [(part, *slang[part].split("/")) if part in slang else (part,) for part in parts]
    if prod(map(len, ways)) > MOST_SPELLINGS:
        ways = [way[:2] for way in ways]
    for chosen in islice(product(*ways), 1, MOST_SPELLINGS):
        short = " ".join(chosen)
        yield short
        bare = plain(short)
        if bare != short:
            yield bare


def _each(
    kind: str, key: str, words: dict[str, tuple[str, ...]], names: dict[str, str], *, weak: bool = False
) -> Iterator[Term]:
    for language, terms in words.items():
        yield from (Term(kind, key, language, weak, word) for word in terms)
    for language, name in names.items():
        yield Term(kind, key, language, weak, name)


def _automaton(words: dict[str, list[Term]]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for word, terms in words.items():
        automaton.add_word(word, (len(word), tuple(terms)))
    automaton.make_automaton()
    return automaton


def _spoken(automaton: ahocorasick.Automaton, text: str) -> Iterator[Hit]:
    """Hits that stand at word borders, for the scripts that have them."""
    if not len(automaton):
        return
    for last, (length, terms) in automaton.iter(text):
        start, end = last - length + 1, last + 1
        if text[end : end + 1] in _THAI_TAILS or (start and text[start - 1] in _THAI_HEADS):
            continue
        if _letter(text[start]) and start > 0 and _letter(text[start - 1]):
            continue
        if _letter(text[end - 1]) and end < len(text) and _letter(text[end]):
            tail = text[end : end + 2]
            plural = tail[:1] == "s" and (len(tail) == 1 or not _letter(tail[1]))
            terms = tuple(term for term in terms if term.language == "en") if plural else ()
        for term in terms:
            yield Hit(term, start, end)


@lru_cache(maxsize=4096)
def _letter(character: str) -> bool:
    """Whether words of this script are set apart by spaces."""
    if character <= "\x7f":
        return character.isalnum()
    return (
        unicodedata.category(character)[0] in "LN" and ord(character) < 0x2E80 and not "\u0e00" <= character <= "\u0e7f"
    )


def _longest(found: Iterable[Hit]) -> dict[str, list[Hit]]:
    """By kind: the longest hits of each family, and of equals those that mean several values of one kind at once.

    Of a family's equals only hints may be several: a word that suggests two products offers both.
    """
    taken: dict[str, _Taken] = defaultdict(_Taken)
    kinds: dict[str, list[Hit]] = defaultdict(list)
    hinted: set[tuple[str, int, int]] = set()
    for hit in sorted(found, key=lambda hit: (-hit.size, hit.term.weak, hit.start)):
        family = _FAMILY.get(hit.term.kind)
        place = (family or hit.term.kind, hit.start, hit.end)
        if taken[place[0]].takes(hit, several=family is None or place in hinted):
            if hit.term.weak:
                hinted.add(place)
            kinds[hit.term.kind].append(hit)
    for hits in kinds.values():
        hits.sort(key=lambda hit: hit.start)
    return kinds


class _Taken:
    """The letters that hits of one family have; hits must come with the longest first."""

    def __init__(self) -> None:
        self._letters: set[int] = set()
        self._values: dict[tuple[int, int], set[str]] = {}

    def takes(self, hit: Hit, *, several: bool) -> bool:
        """Take a hit if its letters are free, or, with `several`, if it says another value at the very same place."""
        place = (hit.start, hit.end)
        # One that is as long or longer and overlaps has the first letter or the last one.
        if hit.start in self._letters or hit.end - 1 in self._letters:
            values = self._values.get(place)
            if not several or values is None or hit.term.value in values:
                return False
            values.add(hit.term.value)
            return True
        self._letters.update(range(hit.start, hit.end))
        self._values[place] = {hit.term.value}
        return True


def _is_speech(kind: str) -> bool:
    """Whether a kind is a way of speaking, which belongs to one language, and no name of a thing."""
    return ":" in kind or kind in SPOKEN


# A word inside a longer word of these kinds is a part of it and shows nothing: "law" in "law firm".
_COVERS = {
    "act": ("category", "category_reading", "group", "goal", "goal_reading", "role", "harmless"),
    "act:endorse": ("category", "role", "harmless"),  # "醫生推薦" is a wish, "醫生推薦可以嗎" a question of law
    "goal": ("harmless",),
    "goal_reading": ("harmless",),
    "clause": (
        "exclude_before",
        "exclude_after",
        "not_before",
        "not_after",
        "act:switch",
        "goal",
        "category",
        "harmless",
    ),
    "market": ("category", "category_reading", "group", "language"),
    "role": ("category", "topic", "harmless"),
    "then": ("goal", "goal_reading"),
    "category": (
        "market",
        "role",
        "goal",
        "act:staff_yes",
        "act:staff_no",
        "act:budget",
        "act:change_category",
        "act:else",
        "act:bot",
        "act:human",
        "act:privacy",
        "act:small_talk",
        "act:thanks",
        "harmless",
    ),
    "not_before": ("harmless",),
    "not_after": ("harmless",),
    "exclude_before": ("harmless",),
    "exclude_after": ("harmless",),
    "exclude_later": ("harmless",),
}


def _covered(kinds: dict[str, list[Hit]]) -> dict[str, list[Hit]]:
    """Without the hits that are only a part of a longer one of another kind."""
    kept = {}
    covers: dict[tuple[str, ...], _Spans] = {}
    for kind, hits in kinds.items():
        names = _COVERS.get(kind) or _COVERS.get(kind.partition(":")[0], ())
        if names not in covers:
            covers[names] = _Spans(other for name in names for other in kinds.get(name, ()))
        over = covers[names]
        # A place's name may also run into a longer product's ("mỹ" in "mỹ phẩm").
        sound = [hit for hit in hits if not over.holds(hit) and not (kind == "market" and over.reaches_past(hit))]
        if sound:
            kept[kind] = sound
    return kept


class _Spans:
    """Hits as spans of text, asked for what holds another; each answer takes one look, however many they are."""

    def __init__(self, hits: Iterable[Hit]) -> None:
        spans = sorted((hit.start, hit.end) for hit in hits)
        self._starts = [start for start, _ in spans]
        # How far any of the first n reaches.
        self._reach = [0, *accumulate((end for _, end in spans), max)]

    def holds(self, hit: Hit) -> bool:
        """Whether `hit` is a part of one of them, and not the whole."""
        before, until = bisect_left(self._starts, hit.start), bisect_right(self._starts, hit.start)
        return self._reach[until] > hit.end or self._reach[before] >= hit.end

    def reaches_past(self, hit: Hit) -> bool:
        """Whether one of them begins before the end of `hit` and ends after it."""
        return self._reach[bisect_left(self._starts, hit.end)] > hit.end


@lru_cache(maxsize=4)
def lexicon(knowledge: Knowledge) -> Lexicon:
    """The lexicon of a knowledge, compiled on first use."""
    return Lexicon(knowledge)
