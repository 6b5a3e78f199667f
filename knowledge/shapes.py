"""The shapes of the YAML files: one model a kind of entry, closed to unknown keys."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from knowledge.brief import Role

Stage = Literal["awareness", "consideration", "decision", "loyalty"]
Verdict = Literal["allowed", "restricted", "gated", "prohibited"]
Origin = Literal["article", "external", "house"]
Facet = Literal[
    "definition", "who", "value", "goal", "content", "influence", "audience", "cooperation", "kpi", "caution", "context"
]
Persona = Literal[
    "medical",
    "beautician",
    "scientist",
    "finance",
    "legal",
    "engineer",
    "educator",
    "employee",
    "celebrity",
    "creator",
]
Confidence = Literal["high", "medium", "low", "unsourced"]

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Wording = dict[str, Text]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]*$")]


def _terms(value: object) -> object:
    """Split one written line of words at commas and line ends."""
    if isinstance(value, str):
        return tuple(term.strip() for term in re.split(r"[,\uff0c\u3001\n]", value) if term.strip())
    return value


Terms = Annotated[tuple[str, ...], BeforeValidator(_terms)]
Words = dict[str, Terms]


class Shape(BaseModel):
    """What every shape shares: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Claim(Shape):
    """One statement, its wording in every language, and where it comes from."""

    id: Id
    facet: Facet = "context"
    text: Wording
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin


class Item(Shape):
    """One statement of an article as the checklist counts it: lines are 1-based, both ends included."""

    line: int = Field(ge=1)
    to: int | None = None
    quote: Text


class LeftOut(Shape):
    """An item that the knowledge does not carry, and why."""

    item: Id
    because: Text


class Article(Shape):
    """One of the two articles everything is drawn from."""

    title: Text
    publisher: Text
    language: Text
    lines: int = Field(ge=1)
    items: dict[str, Item]
    left_out: tuple[LeftOut, ...] = ()


class Source(Shape):
    """A page outside the articles; `checked` is the day on which it was last read."""

    id: Id
    title: Text
    publisher: Text
    locator: Text
    published: date | None = None
    checked: date


class Kind(Shape):
    """A name for each member of a small closed set, e.g. a persona or a KPI."""

    id: Id
    names: Wording


class RoleFile(Shape):
    """A role, or a word explained beside the roles (`answer: false`)."""

    id: Id
    family: Literal["kol", "kos", "kop"] | None = None
    answer: bool = True
    names: Wording
    words: Words
    stages: tuple[Stage, ...] = ()
    kpis: tuple[Id, ...] = ()
    claims: tuple[Claim, ...] = Field(min_length=1)


class Topic(Shape):
    """Something a person can ask about that is not a role."""

    id: Id
    names: Wording
    words: Words
    claims: tuple[Claim, ...] = Field(min_length=1)


class Row(Shape):
    """One line of a comparison: a cell for each column."""

    id: Id
    names: Wording
    cells: dict[str, Wording]
    sources: tuple[Id, ...] = Field(min_length=1)


class Comparison(Shape):
    """A table from one of the articles; `columns` are role or family ids."""

    id: Id
    article: Literal["V", "Z"]
    names: Wording
    columns: tuple[Id, ...] = Field(min_length=2)
    rows: tuple[Row, ...] = Field(min_length=1)


class Step(Shape):
    """One of the eight selection steps."""

    number: int = Field(ge=1, le=8)
    id: Id
    names: Wording
    text: Wording
    example: Wording | None = None
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin


class Position(Shape):
    """What one side of a conflict says."""

    text: Wording
    sources: tuple[Id, ...] = Field(min_length=1)


class Conflict(Shape):
    """Sources that disagree: every position, and what the decision follows."""

    id: Id
    names: Wording
    about: tuple[Id, ...]
    positions: tuple[Position, ...] = Field(min_length=2)
    follows: Wording
    origin: Origin = "house"


class StageEntry(Shape):
    """A stage of the purchase journey with the roles that the article puts there."""

    id: Stage
    names: Wording
    words: Words
    roles: tuple[Role, ...]
    kpis: dict[Role, tuple[Id, ...]]
    text: Wording
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin


class When(Shape):
    """Conditions that must all hold; an empty one always holds."""

    goals: tuple[Id, ...] = ()
    categories: tuple[Id, ...] = ()
    staff: bool | None = None


class RuleEntry(Shape):
    """A rule as written: points for roles under conditions."""

    id: Id
    when: When = When()
    points: dict[Role, int]
    because: Wording
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin
    since: date | None = None
    until: date | None = None


class Goal(Shape):
    """What a campaign is for. `words` say it outright, `hints` only suggest it.

    An `occasion` (a launch) is when it happens rather than what is wanted: it gives way to any other goal.
    """

    id: Id
    occasion: bool = False
    names: Wording
    words: Words
    hints: Words = {}
    emphasis: dict[Stage, int]
    rules: tuple[RuleEntry, ...] = Field(min_length=1)


class Symptom(Shape):
    """A goal told in two parts that stand near each other: `first` (or people), and what is said of it, `then`.

    `reach` is the most letters between them; with `either` they stand in any order. `hints` stand for `then` and
    only suggest the goal; `but` are longer words in which a `then` means something else.
    """

    id: Id
    goal: Id
    people: bool = False
    first: Words = {}
    then: Words
    hints: Words = {}
    but: Words = {}
    reach: int = Field(ge=1, le=40)
    either: bool = False


class Reading(Shape):
    """A word with two readings: the likelier is taken and said, the other is one tap away."""

    id: Id
    question: Literal["goal", "category"]
    words: Words
    likelier: Id
    other: Id
    says: Wording
    offers: Wording
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin


class Group(Shape):
    """Categories shown together on one button."""

    id: Id
    names: Wording
    words: Words = {}
    categories: tuple[Id, ...] = Field(min_length=1)


class Pick(Shape):
    """A category's choice of one role, with its reason."""

    role: Role
    because: Wording
    sources: tuple[Id, ...] = Field(min_length=1)
    origin: Origin


class CategoryFile(Shape):
    """A product type: what people call it, and which roles it wants.

    `kos` is the KOS that leads when the goal is to sell; `support` is the role that helps whatever the
    goal; `closes` moves the decision; `listens_to` leads loyalty; `leave_out` names roles not worth hiring.
    `takes` are the categories whose things become this one's when its word stands beside them: a cat hammock is
    for pets, while pet insurance stays insurance.
    """

    id: Id
    names: Wording
    words: Words
    hints: Words = {}
    personas: dict[Role, Persona]
    kos: Pick
    support: Pick
    closes: Pick
    listens_to: Pick
    leave_out: tuple[Pick, ...] = ()
    takes: tuple[Id, ...] = ()


class KnownWords(Shape):
    """Words that the check of words would report, and why they stay."""

    id: Id
    words: Words
    because: Text


class Substitute(Shape):
    """What to do instead of what the law forbids."""

    role: Role | None = None
    text: Wording


class LawEntry(Shape):
    """A law rule: an empty list of roles, personas or categories means all of them; `penalty`: it names a fine."""

    id: Id
    names: Wording
    roles: tuple[Role, ...] = ()
    personas: tuple[Persona, ...] = ()
    categories: tuple[Id, ...] = ()
    verdict: Verdict
    because: Wording
    gate: Wording | None = None
    substitute: Substitute | None = None
    sources: tuple[Id, ...] = Field(min_length=1)
    in_force: date | None = None
    until: date | None = None
    checked: date
    confidence: Confidence
    penalty: bool = False


class MarketFile(Shape):
    """A market: its currency, the words that name it, its law.

    `amounts` are the budgets offered as buttons, in whole units of the currency.
    """

    id: Id
    names: Wording
    words: Words
    currency: Text | None = None
    amounts: tuple[int, ...] = ()
    disclosure: Wording | None = None
    law: tuple[LawEntry, ...]


class Weights(Shape):
    """How many points each choice of a category file is worth; a house rule."""

    kos: int
    support: int
    closes: int
    listens_to: int
    leave_out: int
    substitute: int
    because: Text
