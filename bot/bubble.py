"""A bubble: what to show, with no platform: text, buttons, and a card where there is structure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Button:
    """A choice: what it says and what it sends when tapped."""

    label: str
    press: str


@dataclass(frozen=True, slots=True)
class CardRow:
    """One row of a card: its cells from left to right; `weight` is 0..3."""

    cells: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Card:
    """A table with a title and a heading for each column; the bubble's text says the same in words."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[CardRow, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message to show."""

    text: str
    buttons: tuple[Button, ...] = ()
    card: Card | None = None
