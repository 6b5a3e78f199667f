"""Symptoms: goals told in two parts, someone and what they do ("patients ... think twice")."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from bot.lexicon import Hit
from bot.questions import Heard
from knowledge.shapes import Symptom


@dataclass(frozen=True, slots=True)
class Found:
    """A goal that a symptom shows: `hit` spans both parts, `first` and `then`."""

    hit: Hit
    first: Hit
    then: Hit


def symptoms(heard: Heard) -> tuple[Found, ...]:
    """The goals told in two parts, in the order of the text; takes time in proportion to the hits."""
    found = []
    for kind, thens in heard.hits.items():
        name, _, key = kind.partition(":")
        if name != "then":
            continue
        symptom = heard.knowledge.symptoms[key]
        firsts = heard.hits.get("people" if symptom.people else f"first:{key}", [])
        starts, ends = [hit.start for hit in firsts], [hit.end for hit in firsts]
        for then in thens:
            first = _beside(then, firsts, starts, ends, symptom, heard) if then.term.value else None
            if first is not None:
                start, end = min(first.start, then.start), max(first.end, then.end)
                found.append(Found(Hit(then.term._replace(kind="goal"), start, end), first, then))
    return tuple(sorted(found, key=lambda one: one.hit.start))


def _beside(
    then: Hit, firsts: Sequence[Hit], starts: Sequence[int], ends: Sequence[int], symptom: Symptom, heard: Heard
) -> Hit | None:
    """The nearest first part before `then`, or behind it where the order is free."""
    at = bisect_right(ends, then.start) - 1
    if at >= 0 and then.start - ends[at] <= symptom.reach and _together(firsts[at], then, heard):
        return firsts[at]
    at = bisect_left(starts, then.end)
    if symptom.either and at < len(firsts) and starts[at] - then.end <= symptom.reach:
        return firsts[at] if _together(firsts[at], then, heard) else None
    return None


def _together(one: Hit, two: Hit, heard: Heard) -> bool:
    return heard.clauses.part(one.start) == heard.clauses.part(two.start)
