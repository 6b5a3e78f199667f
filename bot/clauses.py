"""Clauses: how far a "not" reaches, and which part of a message is a question."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from bot.fold import Folded
from bot.lexicon import Hit

_SENTENCE = re.compile(r"[!?。;\n…]|\.(?!\d)(?:\s|$)")
_CLAUSE = re.compile(r"[,、:()「」—]|\s[-–]\s|,")
# Thai puts a space only where a phrase or sentence ends.
_THAI_PAUSE = re.compile("(?<=[\u0e01-\u0e4e]) (?=[\u0e01-\u0e4e])")

AFTER_REACH = 3
LONGEST_WORD = 60  # no word that negates is longer


class Clauses:
    """The borders of a message's sentences and clauses.

    `words` begin a clause; `before` and `after` bind what follows or goes before them, even over a pause.
    """

    def __init__(
        self, folded: Folded, words: Sequence[Hit], before: Sequence[Hit] = (), after: Sequence[Hit] = ()
    ) -> None:
        text = folded.text
        self._sentences = [0, *(match.end() for match in _SENTENCE.finditer(text))]
        cuts = {match.end() for match in _CLAUSE.finditer(text)}
        bound = {hit.end for hit in before} | {hit.start - 1 for hit in after}
        cuts |= {match.end() for match in _THAI_PAUSE.finditer(text) if match.start() not in bound}
        # A comma inside a number is no border.
        cuts = {cut for cut in cuts if not (0 < cut < len(text) and text[cut - 1] == "," and text[cut].isdigit())}
        self._parts = sorted({*self._sentences, *cuts})
        self._clauses = sorted({*self._parts, *(hit.start for hit in words)})

    def sentence(self, place: int) -> int:
        """The number of the sentence that holds a place."""
        return bisect_right(self._sentences, place)

    def part(self, place: int) -> int:
        """The number of the stretch between two marks (a comma, a full stop) that holds a place."""
        return bisect_right(self._parts, place)

    def clause(self, place: int) -> int:
        """The number of the clause that holds a place."""
        return bisect_right(self._clauses, place)


def negated(hit: Hit, before: Sequence[Hit], after: Sequence[Hit], clauses: Clauses, reach: int) -> bool:
    """Whether a word that negates stands close before or after the hit, in its clause.

    `reach` is in letters and counts from the hit's border to the negating word. Words are in the order of the text.
    """
    clause = clauses.clause(hit.start)
    for place in range(bisect_right(before, hit.start, key=_start) - 1, -1, -1):
        word = before[place]
        if word.start + LONGEST_WORD + reach < hit.start:
            break
        # A heading's colon ends its clause: "NG:医師".
        border = word.end if word.term.word.endswith(":") else word.start
        if word.end <= hit.start <= word.end + reach and clauses.clause(border) == clause:
            return True
    for place in range(bisect_left(after, hit.end, key=_start), len(after)):
        word = after[place]
        if word.start - hit.end > AFTER_REACH:
            break
        if clauses.clause(word.start) == clause:
            return True
    return False


def _start(hit: Hit) -> int:
    return hit.start
