"""The decision: cases as data (`advice/<category>.yaml`), and what must hold for every brief."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from knowledge.advice import Part, advise
from knowledge.brief import ROLES, Brief, Role
from knowledge.load import shipped
from knowledge.shapes import Shape, Stage, Verdict
from tests.cases import load_cases


class Case(Shape):
    """One decision. `helpers` are main helpers, `reasons` rules of the lead; `stages` are subsets of the matrix."""

    name: str
    goal: str
    second: str | None = None
    category: str
    market: str
    on: date
    excluded: frozenset[Role]
    staff: bool | None = None
    wanted: Role | None = None
    lead: tuple[Role | None, ...]
    not_lead: tuple[Role, ...] = ()
    parts: dict[Role, Part] = Field(default={})
    helpers: tuple[Role, ...] = ()
    verdicts: dict[Role, Verdict] = Field(default={})
    cites: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    law: dict[Role, frozenset[str]] = Field(default={})
    stages: dict[Stage, frozenset[Role]] = Field(default={})
    emphasis: dict[Stage, int] = Field(default={})


def cases() -> Iterator[tuple[str, Case]]:
    """Every case of every file with its name; a list of markets stands for one case each."""
    for name, entry in load_cases("advice", frozenset(Case.model_fields)):
        assert name.startswith(f"advice/{entry['category']}-"), f"{name} is about {entry['category']}"
        for market in many(entry["market"]):
            own = {key: many(entry.get(key, [])) for key in ("lead", "not_lead")}
            yield f"{name}-{market}-{entry['name']}", Case.model_validate({**entry, **own, "market": market})


def many(value: Any) -> list[Any]:
    """A list as it is, a single value as a list of one."""
    return value if isinstance(value, list) else [value]


CASES = dict(cases())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: Case) -> None:
    assert case.market in shipped().markets
    said = Brief(goal=case.goal, category=case.category, market=case.market, second=case.second)
    advice = advise(said.having(excluded=case.excluded, staff=case.staff), shipped(), case.on)
    assert advice is not None
    assert advice.lead in case.lead
    assert advice.lead not in case.not_lead
    assert advice.wanted == (case.wanted or advice.wanted)
    assert {role: advice.role(role).part for role in case.parts} == case.parts
    assert {role: advice.role(role).verdict for role in case.verdicts} == case.verdicts
    assert set(case.helpers) <= {entry.role for entry in advice.having("support") if entry.weight == 2}
    reasons = advice.role(advice.lead).reasons if advice.lead else ()
    assert case.cites <= {source for reason in reasons for source in reason.sources}
    assert case.reasons <= {reason.rule for reason in reasons}
    for role, laws in case.law.items():
        assert laws <= {law.id for law in advice.role(role).law}
    matrix = {line.stage: line for line in advice.matrix}
    for stage, roles in case.stages.items():
        assert roles <= {role for role, _ in matrix[stage].roles}
    assert {stage: matrix[stage].weight for stage in case.emphasis} == case.emphasis


def one_of(table: str) -> st.SearchStrategy[str]:
    """An id of one of the tables of the knowledge, which loads only when a test runs."""
    return st.deferred(lambda: st.sampled_from(sorted(getattr(shipped(), table))))


BRIEFS = st.builds(
    Brief,
    goal=one_of("goals"),
    category=one_of("categories"),
    market=one_of("markets"),
    excluded=st.frozensets(st.sampled_from(ROLES)),
    staff=st.sampled_from((None, True, False)),
    second=st.none() | one_of("goals"),
)
DAYS = st.dates(date(2014, 1, 1), date(2030, 12, 31)) | st.just(date(2026, 11, 22))


@settings(max_examples=500)
@given(brief=BRIEFS, on=DAYS)
def test_whatever_the_brief(brief: Brief, on: date) -> None:
    advice = advise(brief, shipped(), on)
    assert advice is not None and advice == advise(brief, shipped(), on)
    assert sorted(entry.role for entry in advice.roles) == sorted(ROLES)
    for entry in advice.roles:
        assert (entry.verdict == "prohibited") == (entry.part == "blocked")
        assert entry.role not in brief.excluded or entry.part in ("blocked", "none")
        assert (entry.part == "lead") == (entry.role == advice.lead)
        assert (entry.weight > 0) == (entry.part in ("lead", "support"))
        assert all(reason.sources for reason in (*entry.reasons, *entry.against))
    closed = {entry.role for entry in advice.roles if entry.part == "blocked"} | brief.excluded
    assert (advice.lead is None) == (closed == set(ROLES))
    placed = {role for line in advice.matrix for role, _ in line.roles}
    assert placed == {entry.role for entry in advice.having("lead", "support")}
    assert [line.stage for line in advice.matrix] == ["awareness", "consideration", "decision", "loyalty"]
    assert all(line.roles for line in advice.matrix) == (advice.lead is not None)


@settings(max_examples=300)
@given(category=one_of("categories"), market=one_of("markets"), on=DAYS)
def test_the_category_names_who_sells_and_who_is_listened_to(category: str, market: str, on: date) -> None:
    file = shipped().categories[category]
    for goal, pick in (("conversion", file.kos), ("loyalty", file.listens_to)):
        advice = advise(Brief(goal=goal, category=category, market=market), shipped(), on)
        assert advice is not None and advice.wanted == pick.role
        assert advice.lead == pick.role or advice.role(pick.role).part == "blocked"
