"""The law check: cases as data (`law/<market>.yaml`), and what must hold for every law rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from pydantic import Field

from knowledge.brief import ROLES, Role
from knowledge.knowledge import STALE_DAYS, Knowledge
from knowledge.law import STRICTNESS, ruling, stale
from knowledge.load import shipped
from knowledge.shapes import LawEntry, Persona, Shape, Verdict
from tests.cases import load_cases

DAY = timedelta(days=1)


class Case(Shape):
    """One ruling: `rules` must be among its rules, `not_rules` must not; `persona` replaces the category's own."""

    name: str
    market: str
    role: Role
    category: str
    on: date
    persona: Persona | None = None
    verdict: tuple[Verdict, ...]
    rules: tuple[str, ...]
    not_rules: tuple[str, ...] = ()
    substitutes: dict[str, Role] = Field(default={})


def cases() -> Iterator[tuple[str, Case]]:
    """Every case of every file with its name; a list of roles or categories stands for one case each."""
    for name, entry in load_cases("law", frozenset(Case.model_fields)):
        assert name.startswith(f"law/{entry['market']}-"), f"{name} is about {entry['market']}"
        for role, category in product(many(entry["role"]), many(entry["category"])):
            own = {"role": role, "category": category, "verdict": many(entry["verdict"])}
            yield f"{name}-{role}-{category}-{entry['name']}", Case.model_validate({**entry, **own})


def many(value: Any) -> list[Any]:
    """A list as it is, a single value as a list of one."""
    return value if isinstance(value, list) else [value]


CASES = dict(cases())


def laws() -> dict[str, LawEntry]:
    """Every law rule of every market by its id."""
    return {law.id: law for market in shipped().markets.values() for law in market.law}


def seen_as(knowledge: Knowledge, case: Case) -> Knowledge:
    """The knowledge in which the case's category would take the case's persona."""
    if case.persona is None:
        return knowledge
    category = knowledge.categories[case.category]
    changed = category.model_copy(update={"personas": {**category.personas, case.role: case.persona}})
    return replace(knowledge, categories={**knowledge.categories, case.category: changed})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: Case) -> None:
    assert {*case.rules, *case.not_rules} <= set(laws()), "a case names a law rule that does not exist"
    ruled = ruling(seen_as(shipped(), case), case.role, case.category, case.market, case.on)
    found = {law.id: law.substitute for law in ruled.rules}
    assert ruled.verdict in case.verdict
    assert set(case.rules) <= set(found)
    assert not set(case.not_rules) & set(found)
    assert {law: found[law].role for law in case.substitutes} == case.substitutes  # type: ignore[union-attr]


def test_every_law_rule_is_hit_by_a_case() -> None:
    assert set(laws()) - {rule for case in CASES.values() for rule in case.rules} == set()


def test_both_sides_of_every_date_are_hit_by_a_case() -> None:
    holds = {(rule, case.on) for case in CASES.values() for rule in case.rules}
    holds_not = {(rule, case.on) for case in CASES.values() for rule in case.not_rules}
    starts = {(law.id, law.in_force) for law in laws().values() if law.in_force}
    ends = {(law.id, law.until) for law in laws().values() if law.until}
    assert (starts | {(law, day - DAY) for law, day in ends}) - holds == set()
    assert ({(law, day - DAY) for law, day in starts} | ends) - holds_not == set()


def test_a_rule_goes_stale_a_year_after_it_was_checked() -> None:
    for law in laws().values():
        year = law.checked + STALE_DAYS * DAY
        assert (stale(law, year), stale(law, year + DAY)) == (False, True), law.id


def test_an_unsourced_rule_asks_to_check_and_never_forbids() -> None:
    for law in laws().values():
        if law.confidence == "unsourced" or set(law.sources) <= {"house"}:
            assert law.verdict in ("allowed", "restricted"), law.id


def test_a_ban_names_a_lawful_substitute_and_a_gate_says_what_opens_it() -> None:
    for market in shipped().markets.values():
        for law in market.law:
            assert law.verdict != "gated" or law.gate is not None, law.id
            if law.verdict == "prohibited":
                assert law.substitute is not None and law.substitute.role is not None, law.id
                for category in law.categories or shipped().categories:
                    ruled = ruling(shipped(), law.substitute.role, category, market.id, law.checked)
                    assert ruled.verdict != "prohibited", (law.id, category)


def test_the_strictest_rule_decides_and_comes_first() -> None:
    for market, category, role in product(shipped().markets, shipped().categories, ROLES):
        ruled = ruling(shipped(), role, category, market, date(2026, 11, 22))
        strictness = [STRICTNESS.index(law.verdict) for law in ruled.rules]
        assert strictness == sorted(strictness, reverse=True)
        assert ruled.verdict == (ruled.rules[0].verdict if ruled.rules else "allowed")
