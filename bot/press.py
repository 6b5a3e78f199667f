"""Presses: what a button says when it is tapped, as ASCII of at most 64 bytes."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "v1"
MOST_BYTES = 64

# fmt: off
_WITH_VALUE = (
    "goal", "category", "group", "market", "budget", "reading", "language", "exclude", "allow", "staff", "ask", "topic",
    "more", "compare", "step", "conflicts_from", "law_from", "why_not",
)
_ALONE = (
    "why", "source", "law", "steps", "trends", "conflicts", "matrix", "roles", "help", "restart", "cancel", "resume",
    "edit", "languages", "markets", "evidence",
)
# fmt: on
# verb -> whether it takes a value
VERBS = dict.fromkeys(_WITH_VALUE, True) | dict.fromkeys(_ALONE, False)


@dataclass(frozen=True, slots=True)
class Press:
    """A verb with its argument, e.g. `goal` `conversion`."""

    verb: str
    value: str = ""


def press(verb: str, value: str = "") -> str:
    """The payload of a button; every payload this program makes is read back by `read_press`."""
    return f"{VERSION}|{verb}|{value}" if value else f"{VERSION}|{verb}"


def read_press(payload: str) -> Press | None:
    """What a payload says, or `None` if it is none of ours (an older version, a forgery, noise)."""
    parts = payload.split("|")
    if len(payload) > MOST_BYTES or len(parts) not in (2, 3) or parts[0] != VERSION or parts[1] not in VERBS:
        return None
    value = parts[2] if len(parts) == 3 else ""
    return Press(parts[1], value) if bool(value) is VERBS[parts[1]] else None
