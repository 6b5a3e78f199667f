"""Resembling: which categories a product that no list names is most like, by the parts it shares with known ones."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from bot.fold import Speller, fold, plain
from bot.lexicon import lexicon
from bot.understand import MOST_CHARACTERS
from bot.understood import Understood
from knowledge.knowledge import Knowledge

MOST_GUESSES = 3
_OTHER = "other"  # everything that is like nothing else, so nothing can be like it
_LEAST, _NEAR = 0.38, 0.25  # the least score of the best guess, and of the others as a part of it
_LEAST_ALONE = 0.15  # where the message is a name in a script without spaces and nothing else
# The more is left of a message, the less it is a product's name: what each letter adds to the least score.
_LEAST_A_SIGN, _LEAST_A_LETTER = 0.06, 0.022
_GRAM = 4
_MOST_OF_A_PART = 6  # categories kept of a part: further ones are too unlikely to be offered
_UNMARKED_PAIR = 6  # letters of two Vietnamese syllables without marks, below which they may be anything
_WIDE = re.compile(r"[\u2e80-\u9fff]+")  # not Thai: a letter of an alphabet is no part of a name
_WORDS = re.compile(r"[a-z0-9][a-z0-9'&-]*")
_STOP = re.compile(r"[\n,.;:!?()/、。，！？；：「」（）]|\d")


class Resembling:
    """The parts of all known product words, and which categories each part stands for.

    A part is a pair of signs or syllables, or the head of a name: its last sign or word ("…機", "… cream"), in
    Vietnamese the first ("máy …"). A Latin word nobody knows is compared by runs of four letters ("shampo").
    """

    def __init__(self, knowledge: Knowledge) -> None:
        speller = Speller(knowledge.simplified)
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for key, category in knowledge.categories.items():
            for language, words in category.words.items():
                if key != _OTHER:
                    for word in {speller.text(word) for word in words}:
                        for part in {part for part, _ in _parts(plain(word), language)}:
                            found[part][key] += 1
        # The one that is added makes a part seen once weigh less than one seen often.
        self._parts = {
            part: tuple((key, count / (counts.total() + 1)) for key, count in counts.most_common(_MOST_OF_A_PART))
            for part, counts in found.items()
        }
        aside: dict[bool, set[str]] = {True: set(), False: set()}
        for spoken in knowledge.languages.values():
            for word in (*spoken.common, *spoken.aside):
                folded = speller.text(word)
                aside[bool(_WIDE.match(folded))].add(folded)
        longest = sorted(aside[True], key=len, reverse=True)
        self._aside_wide = re.compile("|".join(map(re.escape, longest)) or r"(?!)")
        self._aside = frozenset(plain(word) for words in aside[False] for word in words.split())
        self._aside |= {plain(word) for word in aside[False]}

    def guesses(self, names: list[tuple[str, str]], *, alone: bool = False) -> tuple[str, ...]:
        """Up to three category ids for the (name, language) left in a message, the likeliest first; or none.

        `alone` says that the message is nothing but this name.
        """
        scores: dict[str, float] = defaultdict(float)
        for name, language in names:
            for part, weight in _parts(name, language):
                for key, share in self._parts.get(part, ()):
                    scores[key] += weight * share
        best = sorted(scores.items(), key=lambda one: -one[1])[:MOST_GUESSES]
        left = sum(len(name) * (_LEAST_A_SIGN if spoken == "wide" else _LEAST_A_LETTER) for name, spoken in names)
        least = _LEAST_ALONE if alone and names[0][1] == "wide" else max(_LEAST, left)
        return tuple(key for key, score in best if best[0][1] >= least and score >= best[0][1] * _NEAR)

    def names(self, text: str, language: str | None) -> list[tuple[str, str]]:
        """The (name, language) that a folded text holds once the words around a product are gone."""
        found = []
        for piece in _STOP.split(text):
            for run in _WIDE.findall(piece):
                found += [(name, "wide") for name in self._aside_wide.split(run)]
            bare = plain(piece)
            latin = "en" if language != "vi" else "vi" if bare != piece else "unmarked"
            words = ("\n" if word in self._aside else word for word in _WORDS.findall(bare))
            found += [(name.strip(), latin) for name in " ".join(words).split("\n")]
        return [(name, spoken) for name, spoken in found if name]


def with_guesses(heard: Understood, text: str, knowledge: Knowledge) -> Understood:
    """`heard` with the categories that its product, named by a word nobody listed, may be of.

    Only what is neither explained nor talk is looked at: a greeting or a question about a term names no product.
    Pure, and one look for each letter; nothing is filled in.
    """
    if heard.group or heard.asked or heard.edit_of or heard.intents - {"brief", "who"}:
        return heard
    if any(getattr(change, "field", None) == "category" for change in heard.changes):
        return heard
    text = text[:MOST_CHARACTERS]
    for words in heard.evidence.get("budget", ()):
        text = text.replace(words, "\n")
    folded = fold(text, knowledge.simplified)
    left = list(folded.text)
    for hits in lexicon(knowledge).hits(folded, heard.language).values():
        for hit in hits:
            if not hit.term.weak:
                left[hit.start : hit.end] = "\n" * hit.size
    like = resembling(knowledge)
    names = like.names("".join(left), heard.language)
    said = len(_STOP.sub("", folded.text).strip())
    found = like.guesses(names, alone=not heard.changes and len(names) == 1 and len(names[0][0]) >= said)
    return replace(heard, guesses=tuple(dict.fromkeys((*heard.guesses, *found)))[:MOST_GUESSES])


def _parts(name: str, language: str) -> Iterator[tuple[str, float]]:
    """The parts of a product's name, each with its weight."""
    if _WIDE.search(name):
        for first, second in pairwise(name):
            yield first + second, 1.0
        for sign in name:
            yield sign, 0.15
        if len(name) >= 2:
            yield f"{name[-2:]}$", 0.6
            yield f"{name[-1]}$", 0.6
        return
    words, shared = name.split(), "en" if language == "en" else "vi"
    for first, second in pairwise(words):
        if language != "unmarked" or len(first + second) >= _UNMARKED_PAIR:
            yield f"{shared}:{first} {second}", 1.5
    if language == "unmarked" or not words:
        return
    for word in words:
        yield f"{shared}:{_singular(word)}", 0.4 if language == "vi" else 0.8
    yield f"{shared}^{_singular(words[0] if language == 'vi' else words[-1])}", 0.6
    for word in words:
        if language == "en" and len(word) > _GRAM:
            grams = [word[at : at + _GRAM] for at in range(len(word) - _GRAM + 1)]
            for gram in grams:
                yield f"#{gram}", 1.2 / len(grams)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=4)
def resembling(knowledge: Knowledge) -> Resembling:
    """The parts of a knowledge's product words, gathered on first use."""
    return Resembling(knowledge)
