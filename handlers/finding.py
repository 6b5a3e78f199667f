"""A finding: one thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether it is well, what it is, and what was found; if it is not well, also the way out."""

    well: bool
    what: str
    text: str
