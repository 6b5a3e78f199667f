"""Clauses: how far a "not" reaches, and which part of a message is a question."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from bot.fold import Folded
from bot.lexicon import Hit

_SENTENCE = re.compile(r"[!?。;\n…]|\.(?!\d)(?:\s|$)")
_CLAUSE = re.compile(r"[,、:()「」—]|\s[-–]\s|,")


class Clauses:
    """The borders of a message's sentences and clauses."""

    def __init__(self, folded: Folded, words: Sequence[Hit]) -> None:
        text = folded.text
        self._sentences = [0, *(match.end() for match in _SENTENCE.finditer(text))]
        cuts = {match.end() for match in _CLAUSE.finditer(text)} | {hit.start for hit in words}
        # A comma inside a number is no border.
        cuts = {cut for cut in cuts if not (0 < cut < len(text) and text[cut - 1] == "," and text[cut].isdigit())}
        self._clauses = sorted({*self._sentences, *cuts})

    def sentence(self, place: int) -> int:
        """The number of the sentence that holds a place."""
        return bisect_right(self._sentences, place)

    def clause(self, place: int) -> int:
        """The number of the clause that holds a place."""
        return bisect_right(self._clauses, place)


def negated(hit: Hit, before: Sequence[Hit], after: Sequence[Hit], clauses: Clauses, reach: int) -> bool:
    """Whether a word that negates stands close before or after the hit, in its clause.

    `reach` is in letters and counts from the hit's border to the negating word.
    """
    clause = clauses.clause(hit.start)
    for word in before:
        if word.end <= hit.start <= word.end + reach and clauses.clause(word.start) == clause:
            return True
    for word in after:
        if word.start >= hit.end and word.start - hit.end <= 3 and clauses.clause(word.start) == clause:
            return True
    return False
