"""What was understood of one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from knowledge.change import Change

Intent = Literal["brief", "question", "edit", "restart", "cancel", "greeting", "other"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question a person asked: its kind, what it is about (ids), and a step's number where it has one."""

    kind: str
    about: tuple[str, ...] = ()
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """The acts of one message, the changes it makes, and the letters that show each of them.

    `evidence` maps what was filled to [start, end) in the original text. `guesses` are category ids and
    `goal_guesses` goal ids that a weak word suggests. `refused` names a budget that cannot be: `negative`, `absurd`.
    """

    language: str | None
    intent: Intent
    intents: frozenset[str]
    changes: tuple[Change, ...] = ()
    asked: tuple[Asked, ...] = ()
    guesses: tuple[str, ...] = ()
    goal_guesses: tuple[str, ...] = ()
    group: str | None = None
    wants_language: str | None = None
    edit_of: str | None = None
    refused: str | None = None
    cut: bool = False
    evidence: Mapping[str, tuple[int, int]] = field(default_factory=dict)
