"""Wishes: which of the goals that a message names is wanted, and which is only told."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from bot.clauses import negated
from bot.lexicon import Hit
from bot.questions import Heard
from bot.symptoms import Found, symptoms

GOAL_REACH = 6
OTHERS_REACH = 24  # letters from "our competitor" to what it did
MOST_DOUBTFUL = 8  # of one message; so many tell nothing more
PAST_REACH = 60  # letters from "last year" to what happened then
_AND = re.compile(r"[\s、,/&+]*(?:和|跟|与|及|或|或是|还有|and|or|nor|va|hay|hoac|lan)[\s、,]*(?:the|any|cac)?\s*")


def wishes(heard: Heard) -> tuple[list[Hit], tuple[str, ...]]:
    """The goals that are wanted, the first one first; and those that are only hinted at.

    What is denied, what others have, what a product is for and what is over is no wish. A fact set against
    another ("many views but no orders") gives way to what stands behind the "but"; an occasion gives way to any
    other goal.
    """
    told = symptoms(heard)
    found = {one.hit: one for one in told}
    own = [hit for hit in (*_spoken(heard, told), *found) if not heard.in_question(hit)]
    own = _undenied(own, heard)
    words = _Words(heard)
    doubtful = [one.then for one in told if words.possible(one.hit, one)]
    sure: list[Hit] = []
    hinted: list[Hit] = []
    for hit in own:
        surely = not hit.term.weak and not words.others(hit) and not words.possible(hit, found.get(hit))
        surely = surely and not any(_inside(hit, then) for then in doubtful[:MOST_DOUBTFUL])
        (sure if surely and (hit in found or not words.over(hit)) else hinted).append(hit)
    hints = tuple(dict.fromkeys(hit.term.value for hit in hinted if hit.term.kind == "goal"))
    sure.sort(key=lambda hit: (_occasion(hit, heard), hit.term.kind == "goal_reading", hit.start))
    return words.contrasted(sure), hints


def _spoken(heard: Heard, told: Iterable[Found]) -> list[Hit]:
    """The goals in one word, but for those that are a part of a symptom: "orders" in "orders are down"."""
    parts = {
        place: part
        for one in told
        for part in (one.first._replace(term=one.then.term), one.then)
        for place in range(part.start, part.end)
    }
    return [
        hit
        for kind in ("goal", "goal_reading")
        for hit in heard.hits.get(kind, [])
        if not _inside(hit, parts.get(hit.start)) or parts[hit.start].term.value == hit.term.value
    ]


def _inside(hit: Hit, part: Hit | None) -> bool:
    return part is not None and part.start <= hit.start and hit.end <= part.end


def _undenied(hits: list[Hit], heard: Heard) -> list[Hit]:
    """The hits that no "not" stands at; of a list ("sales and retention are fine") it takes all."""
    hits = sorted(hits, key=lambda hit: hit.start)
    before, after = heard.hits.get("not_before", []), heard.hits.get("not_after", [])
    if not before and not after:
        return hits
    ends = [word.end for word in before]
    denied = [
        negated(hit, before[: bisect_right(ends, hit.start)][-3:], after, heard.clauses, GOAL_REACH) for hit in hits
    ]
    for places in (range(1, len(hits)), range(len(hits) - 2, -1, -1)):
        step = 1 if places.step < 0 else -1
        for at in places:
            one, two = sorted((hits[at], hits[at + step]), key=lambda hit: hit.start)
            if denied[at + step] and _AND.fullmatch(heard.folded.plain, one.end, max(one.end, two.start)):
                denied[at] = True
    return [hit for hit, no in zip(hits, denied, strict=True) if not no]


def _occasion(hit: Hit, heard: Heard) -> bool:
    return hit.term.kind == "goal" and heard.knowledge.goals[hit.term.value].occasion


class _Words:
    """The words by which a wish is told from a fact; each answer looks at the nearest ones only."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._places = {
            kind: [hit.start for hit in heard.hits.get(kind, [])]
            for kind in ("others", "past", "now", "contrast", "does", "can")
        }

    def _last(self, kind: str, before: int) -> Hit | None:
        """The nearest word of a kind that begins before a place."""
        at = bisect_left(self._places[kind], before) - 1
        return self._heard.hits[kind][at] if at >= 0 else None

    def _any(self, kind: str, start: int, end: int) -> bool:
        """Whether a word of a kind begins in [start, end)."""
        return bisect_left(self._places[kind], start) < bisect_left(self._places[kind], end)

    def others(self, hit: Hit) -> bool:
        """Whether others are right before, in the same clause: "our competitor sold out"."""
        word = self._last("others", hit.start)
        return word is not None and hit.start - word.end <= OTHERS_REACH and self._same_clause(word, hit)

    def possible(self, hit: Hit, symptom: Found | None) -> bool:
        """Whether a product is for it, or lets people do it: "an app where parents share photos"."""
        word = self._last("does", hit.start)
        if word is not None and self._same_clause(word, hit):
            return True
        return symptom is not None and self._any("can", symptom.first.end, symptom.then.start)

    def over(self, hit: Hit) -> bool:
        """Whether it is told as past: a word for the past before it in the sentence, and no wish between."""
        word = self._last("past", hit.start)
        if word is None or not 0 <= hit.start - word.end <= PAST_REACH:
            return False
        sentence = self._heard.clauses.sentence
        if sentence(word.start) != sentence(hit.start):
            return False
        return not any(self._any(kind, word.end, hit.end) for kind in ("now", "contrast"))

    def contrasted(self, sure: list[Hit]) -> list[Hit]:
        """With what stands behind a "but" first, where what stands before it is no wish."""
        if len(sure) < 2 or self._wanted(sure[0]):
            return sure
        first = sure[0]
        for later in sure[1:]:
            if later.term.value != first.term.value and self._any("contrast", first.end, later.start + 1):
                return [later, *(hit for hit in sure if hit is not later)]
        return sure

    def _wanted(self, hit: Hit) -> bool:
        """Whether the clause says, up to the goal's end, that it is wanted."""
        word = self._last("now", hit.end)
        return word is not None and self._same_clause(word, hit)

    def _same_clause(self, word: Hit, hit: Hit) -> bool:
        return self._heard.clauses.clause(word.start) == self._heard.clauses.clause(hit.start)
