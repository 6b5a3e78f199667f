"""Changes: what a message does to the brief."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from knowledge.brief import Brief, Budget, Money, Question, Role

Field = Literal["goal", "category", "budget", "currency", "market", "staff", "second"]
MOST_MONEY = Decimal(10) ** 15  # above any marketing budget in any currency


@dataclass(frozen=True, slots=True)
class Set:
    """Say a field outright. `reading` is the id under which an unclear word was taken."""

    field: Field
    value: object
    reading: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """Raise the budget by an amount, or lower it by a negative one."""

    money: Money


@dataclass(frozen=True, slots=True)
class Times:
    """Multiply the budget."""

    factor: Decimal


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a field back."""

    field: Field


@dataclass(frozen=True, slots=True)
class Decline:
    """Leave a question unanswered; only the budget may be declined."""

    question: Question


@dataclass(frozen=True, slots=True)
class Exclude:
    """Roles that the person does not want."""

    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Allow:
    """Roles that the person wants to hear of again."""

    roles: frozenset[Role]


Change = Set | Add | Times | Forget | Decline | Exclude | Allow


def changed(brief: Brief, change: Change) -> Brief:
    """The brief after the change; the same brief where the change makes no sense for it.

    A relative change without a budget, in another currency, or to a figure that is not above zero, leaves
    the budget as it is.
    """
    match change:
        case Set(field="budget", value=Budget() as budget):
            return _with_budget(brief, budget)
        case Set(field="currency", value=str() as currency):
            return _with_budget(brief, brief.budget and _in_currency(brief.budget, currency))
        case Set(field=field, value=value, reading=reading):
            unclear = brief.unclear | {reading} if reading else brief.unclear
            return brief.having(**{field: value, "unclear": unclear})
        case Add(money=money):
            return _with_budget(brief, _added(brief.budget, money))
        case Times(factor=factor):
            return _with_budget(brief, _times(brief.budget, factor))
        case Forget(field=field):
            return brief.having(**{field: None})
        case Decline(question=question):
            if question != "budget":
                return brief
            return brief.having(declined=brief.declined | {question}, budget=None)
        case Exclude(roles=roles):
            return brief.having(excluded=brief.excluded | roles)
        case Allow(roles=roles):
            return brief.having(excluded=brief.excluded - roles)


def _with_budget(brief: Brief, budget: Budget | None) -> Brief:
    if budget is None:
        return brief
    if not all(Decimal(0) < end.amount < MOST_MONEY for end in (budget.low, budget.high) if end):
        return brief
    if budget.currency is None and brief.budget is not None:
        budget = _in_currency(budget, brief.budget.currency)
    return brief.having(budget=budget, declined=brief.declined - {"budget"})


def _in_currency(budget: Budget, currency: str | None) -> Budget:
    """A bare figure means the currency that was named before."""
    low, high = (end and Money(end.amount, currency) for end in (budget.low, budget.high))
    return Budget(low, high, budget.period)


def _added(budget: Budget | None, money: Money) -> Budget | None:
    if budget is None or (money.currency and budget.currency and money.currency != budget.currency):
        return None
    currency = budget.currency or money.currency

    def end(value: Money | None) -> Money | None:
        return value and Money(value.amount + money.amount, currency)

    return Budget(end(budget.low), end(budget.high), budget.period)


def _times(budget: Budget | None, factor: Decimal) -> Budget | None:
    if budget is None:
        return None

    def end(value: Money | None) -> Money | None:
        return value and Money((value.amount * factor).quantize(Decimal(1)), value.currency)

    return Budget(end(budget.low), end(budget.high), budget.period)
