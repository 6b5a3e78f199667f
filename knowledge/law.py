"""The law check: which law rules hold for a role, and the strictest verdict among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from knowledge.brief import Role
from knowledge.knowledge import OTHER_MARKET, STALE_DAYS, Knowledge
from knowledge.shapes import LawEntry, Persona, Verdict

STRICTNESS: tuple[Verdict, ...] = ("allowed", "restricted", "gated", "prohibited")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the law says of one role: the verdict and every rule behind it, strictest first."""

    verdict: Verdict
    persona: Persona | None
    rules: tuple[LawEntry, ...]


def in_force(law: LawEntry, on: date) -> bool:
    """Whether the rule holds on that day; a rule of unknown start has always held."""
    return (law.in_force is None or law.in_force <= on) and (law.until is None or on < law.until)


def stale(law: LawEntry, on: date) -> bool:
    """Whether the rule was last checked more than a year before `on`."""
    return (on - law.checked).days > STALE_DAYS


def rules_for(
    knowledge: Knowledge, market: str, category: str | None, on: date, role: Role | None = None
) -> tuple[LawEntry, ...]:
    """The rules of a market that touch a category, and a role where one is given."""
    file = knowledge.markets.get(market) or knowledge.markets[OTHER_MARKET]
    return tuple(
        law
        for law in file.law
        if in_force(law, on)
        and (not law.categories or category is None or category in law.categories)
        and (role is None or not law.roles or role in law.roles)
    )


def ruling(knowledge: Knowledge, role: Role, category: str, market: str, on: date) -> Ruling:
    """The verdict on `role`, in the persona that the category would naturally use.

    Rules add up; the strictest decides. No rule at all means `allowed`.
    """
    persona = knowledge.categories[category].personas.get(role)
    rules = strictest_first(
        law for law in rules_for(knowledge, market, category, on, role) if not law.personas or persona in law.personas
    )
    return Ruling(rules[0].verdict if rules else "allowed", persona, rules)


def strictest_first(rules: Iterable[LawEntry]) -> tuple[LawEntry, ...]:
    """Strictest verdict first, a role's own rule before one for all, else in the file's order."""
    return tuple(sorted(rules, key=lambda law: (-STRICTNESS.index(law.verdict), not law.roles)))
