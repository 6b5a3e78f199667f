"""The decision: from a complete brief and a day to lead, support, matrix and the trace behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from knowledge.brief import ROLES, Brief, Role
from knowledge.knowledge import Knowledge
from knowledge.law import Ruling, rules_for, ruling
from knowledge.rules import Applied, applied
from knowledge.shapes import LawEntry, Persona, Stage, Verdict

Part = Literal["lead", "support", "blocked", "none"]
PARTS: tuple[Part, ...] = ("lead", "support", "blocked", "none")

LEAD_WEIGHT, HELPER_WEIGHT, LIGHT_WEIGHT = 3, 2, 1
HELPER_POINTS = 20  # what a category file gives to whoever closes the sale: the least of the real helpers
# Who wins a tie: the more broadly useful role first. A house rule; ties are rare because goals weigh 100.
TIE_ORDER: tuple[Role, ...] = ("kos_seed", "kol", "kos_sales", "kos_spreader", "kop")


@dataclass(frozen=True, slots=True)
class RoleAdvice:
    """What is said of one role: its part, its verdict, and all that speaks for and against it.

    `weight` is 3 for the lead, 2 for a main helper, 1 for a light touch, 0 where the role has no part.
    """

    role: Role
    part: Part
    verdict: Verdict
    persona: Persona | None
    points: int
    weight: int
    reasons: tuple[Applied, ...]
    against: tuple[Applied, ...]
    law: tuple[LawEntry, ...]
    excluded: bool


@dataclass(frozen=True, slots=True)
class StageAdvice:
    """One line of the matrix. `stands_in` says that no role of this stage is left and another fills it."""

    stage: Stage
    weight: int
    roles: tuple[tuple[Role, Part], ...]
    kpis: tuple[str, ...]
    stands_in: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer to one brief on one day.

    `wanted` is the role that would lead if neither the law nor the person forbade it. `warnings` are the
    law rules that bind the whole campaign.
    """

    on: date
    market: str
    goal: str
    category: str
    lead: Role | None
    wanted: Role
    roles: tuple[RoleAdvice, ...]
    matrix: tuple[StageAdvice, ...]
    warnings: tuple[LawEntry, ...]

    def __hash__(self) -> int:
        return hash((self.on, self.market, self.goal, self.category, self.lead, self.wanted))

    def role(self, role: Role) -> RoleAdvice:
        """What is said of one of the five roles."""
        return next(entry for entry in self.roles if entry.role == role)

    def having(self, *parts: Part) -> tuple[RoleAdvice, ...]:
        """The roles that play one of these parts, most points first."""
        return tuple(entry for entry in self.roles if entry.part in parts)


@lru_cache(maxsize=4096)
def advise(brief: Brief, knowledge: Knowledge, on: date) -> Advice | None:
    """Decide for a brief on a day; `None` while goal or category is missing.

    Pure: the same brief, knowledge and day give the same advice. Points order the roles (rules, with their
    ids, stay in the trace); then the law and the person's exclusions take roles out; where the law takes the
    one that would lead, its rule names the substitute.
    """
    goal, category = brief.goal, brief.category
    if goal is None or category is None or goal not in knowledge.goals or category not in knowledge.categories:
        return None
    market = knowledge.market_of(brief)
    rulings = {role: ruling(knowledge, role, category, market, on) for role in ROLES}
    trace = list(applied(knowledge.rules, brief, on))
    wanted = _best(ROLES, _points(trace))
    trace += _substitute(knowledge, wanted, rulings[wanted])
    points = _points(trace)
    open_to = [role for role in ROLES if rulings[role].verdict != "prohibited" and role not in brief.excluded]
    lead = _best(open_to, points) if open_to else None
    roles = [_role(role, lead, brief, rulings[role], points[role], trace) for role in ROLES]
    roles.sort(key=lambda entry: (PARTS.index(entry.part), -entry.points, TIE_ORDER.index(entry.role)))
    warnings = tuple(law for law in rules_for(knowledge, market, category, on) if not law.roles)
    return Advice(
        on, market, goal, category, lead, wanted, tuple(roles),
        _matrix(knowledge, brief, tuple(roles), lead), tuple(law for law in warnings if not law.personas),
    )  # fmt: skip


def _points(trace: list[Applied]) -> Mapping[Role, int]:
    total = dict.fromkeys(ROLES, 0)
    for entry in trace:
        total[entry.role] += entry.points
    return total


def _best(roles: tuple[Role, ...] | list[Role], points: Mapping[Role, int]) -> Role:
    return max(roles, key=lambda role: (points[role], -TIE_ORDER.index(role)))


def _substitute(knowledge: Knowledge, wanted: Role, ruled: Ruling) -> list[Applied]:
    """Points for the role that the law rule itself names in place of the forbidden one."""
    if ruled.verdict != "prohibited":
        return []
    law = ruled.rules[0]
    if law.substitute is None or law.substitute.role in (None, wanted):
        return []
    return [
        Applied(law.id, law.substitute.role, knowledge.weights.substitute, law.substitute.text, law.sources, "house")
    ]


def _role(role: Role, lead: Role | None, brief: Brief, ruled: Ruling, points: int, trace: list[Applied]) -> RoleAdvice:
    part: Part
    if ruled.verdict == "prohibited":
        part, weight = "blocked", 0
    elif role == lead:
        part, weight = "lead", LEAD_WEIGHT
    elif role in brief.excluded or points <= 0:
        part, weight = "none", 0
    else:
        part, weight = "support", HELPER_WEIGHT if points >= HELPER_POINTS else LIGHT_WEIGHT
    mine = [entry for entry in trace if entry.role == role]
    return RoleAdvice(
        role=role,
        part=part,
        verdict=ruled.verdict,
        persona=ruled.persona,
        points=points,
        weight=weight,
        reasons=tuple(sorted((e for e in mine if e.points > 0), key=lambda e: -e.points)),
        against=tuple(e for e in mine if e.points < 0),
        law=ruled.rules,
        excluded=role in brief.excluded,
    )


def _matrix(
    knowledge: Knowledge, brief: Brief, roles: tuple[RoleAdvice, ...], lead: Role | None
) -> tuple[StageAdvice, ...]:
    chosen = {entry.role: entry.part for entry in roles if entry.part in ("lead", "support")}
    lines = []
    for stage in knowledge.journey.values():
        here = [role for role in chosen if role in stage.roles]
        stands_in = not here and lead is not None
        if stands_in and lead is not None:
            here = [lead]
        kpis = [kpi for role in here for kpi in stage.kpis.get(role) or knowledge.roles[role].kpis]
        goals = [knowledge.goals[goal] for goal in (brief.goal, brief.second) if goal]
        weight = max(goal.emphasis[stage.id] for goal in goals)
        line = tuple((role, chosen[role]) for role in here)
        lines.append(StageAdvice(stage.id, weight, line, tuple(dict.fromkeys(kpis)), stands_in))
    return tuple(lines)
