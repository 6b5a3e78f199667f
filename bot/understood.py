"""What was understood of one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from knowledge.change import Change

MOST_LETTERS = 40  # of the words quoted for one field
MOST_QUOTES = 4  # of one field: a budget that is raised and raised again
Intent = Literal["brief", "question", "edit", "restart", "cancel", "greeting", "other"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question a person asked: its kind, what it is about (ids), and a step's number where it has one."""

    kind: str
    about: tuple[str, ...] = ()
    number: int | None = None


def shortened(words: str) -> str:
    """A few words as they are kept and quoted: in one line, not longer than `MOST_LETTERS`."""
    line = " ".join(words.split())
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…"


@dataclass(frozen=True, slots=True)
class Understood:
    """The acts of one message, the changes it makes, and the words that show each of them.

    `evidence` maps a field of the brief to the person's words for it, each of `MOST_LETTERS` at most. `guesses` are
    category ids and `goal_guesses` goal ids that a weak word suggests. `never` are words for people whom we
    never recommend and who are not wanted (`koc`). `refused` names a budget that cannot be:
    `negative`, `absurd`.
    """

    language: str | None
    intent: Intent
    intents: frozenset[str]
    changes: tuple[Change, ...] = ()
    asked: tuple[Asked, ...] = ()
    guesses: tuple[str, ...] = ()
    goal_guesses: tuple[str, ...] = ()
    group: str | None = None
    never: tuple[str, ...] = ()
    wants_language: str | None = None
    edit_of: str | None = None
    refused: str | None = None
    cut: bool = False
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
