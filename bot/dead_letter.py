"""Dead letters: what could not be answered or not be delivered, kept with its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["event", "reply"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event whose turn failed (`key`: its id, `body`: its payload) or a reply that cannot be delivered.

    `at` is when it was given up, in seconds since 1970.
    """

    id: int
    kind: Kind
    conversation: str
    key: str
    body: str
    reason: str
    at: float


def letter(kind: Kind, name: str, key: str, body: str, reason: str) -> dict[str, Any]:
    """The row of a dead letter, but for its time."""
    return {"kind": kind, "conversation": name, "key": key, "body": _kept(body), "reason": reason}


def storable(text: str) -> None:
    """Raise `ValueError` for what a database cannot keep; it would fail the whole batch."""
    if "\0" in text:
        raise ValueError("a NUL sign")
    text.encode()


def _kept(text: str) -> str:
    """The text, as JSON text where a database could not keep it."""
    try:
        storable(text)
    except ValueError:
        return json.dumps(text)
    return text
