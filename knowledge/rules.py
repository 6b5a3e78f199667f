"""Rules: which of them hold for a brief on a day, and the points each gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from knowledge.brief import Brief, Role
from knowledge.shapes import Origin, RuleEntry, Wording


@dataclass(frozen=True, slots=True)
class Applied:
    """One rule that spoke for or against one role."""

    rule: str
    role: Role
    points: int
    because: Wording
    sources: tuple[str, ...]
    origin: Origin


def holds(rule: RuleEntry, brief: Brief, on: date) -> bool:
    """Whether every condition of the rule is met by the brief on that day."""
    when = rule.when
    return (
        (not when.goals or brief.goal in when.goals)
        and (not when.categories or brief.category in when.categories)
        and (when.staff is None or brief.staff is when.staff)
        and (rule.since is None or rule.since <= on)
        and (rule.until is None or on < rule.until)
    )


def applied(rules: tuple[RuleEntry, ...], brief: Brief, on: date) -> Iterator[Applied]:
    """What the rules say of each role, in the order in which they are written."""
    for rule in rules:
        if holds(rule, brief, on):
            for role, points in rule.points.items():
                yield Applied(rule.id, role, points, rule.because, rule.sources, rule.origin)
