"""The brief: what a person has said about their campaign so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

Question = Literal["goal", "category", "budget"]
QUESTIONS: tuple[Question, ...] = get_args(Question)
Role = Literal["kol", "kos_sales", "kos_seed", "kos_spreader", "kop"]
ROLES: tuple[Role, ...] = get_args(Role)
Period = Literal["once", "month", "year"]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole units of `currency` (ISO 4217), or of no known currency (`None`)."""

    amount: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A range of money for a period; `low` is `None` for "at most", `high` is `None` for "at least"."""

    low: Money | None
    high: Money | None
    period: Period = "once"

    @property
    def most(self) -> Money:
        """The figure that stands for the budget: the high end, or the only end there is."""
        end = self.high or self.low
        if end is None:
            raise ValueError("a budget has at least one end")
        return end

    @property
    def currency(self) -> str | None:
        """The currency that both ends share."""
        return self.most.currency


@dataclass(frozen=True, slots=True)
class Brief:
    """Goal, category and budget, with what else was said; every field may be missing.

    `market` is only what the person said outright: `knowledge.advice.market_of` falls back on the
    currency. `unclear` holds the ids of readings (`readings.yaml`) under which a word was taken.
    `second` is a further goal named in passing.
    """

    goal: str | None = None
    category: str | None = None
    budget: Budget | None = None
    market: str | None = None
    excluded: frozenset[Role] = frozenset()
    declined: frozenset[Question] = frozenset()
    staff: bool | None = None
    second: str | None = None
    unclear: frozenset[str] = frozenset()

    @property
    def next_question(self) -> Question | None:
        """The first thing still missing, in the order goal, category, budget; `None` when complete."""
        if self.goal is None:
            return "goal"
        if self.category is None:
            return "category"
        if self.budget is None and "budget" not in self.declined:
            return "budget"
        return None

    @property
    def empty(self) -> bool:
        """Whether nothing at all has been said yet."""
        return self == Brief()

    def having(self, **fields: object) -> Brief:
        """A copy with `fields` replaced."""
        return replace(self, **fields)  # type: ignore[arg-type]
