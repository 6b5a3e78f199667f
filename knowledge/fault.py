"""Faults: everything wrong with the knowledge, said at once and with the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong: in which file, at which entry, what, and what would be right."""

    file: str
    entry: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.entry}" if self.entry else self.file
        return f"{where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class Faults(Exception):
    """All faults of one load; `str()` is one line a fault, sorted by file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint naming the valid name closest to `name`, or all of them where they are few."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"one of: {', '.join(names)}" if 0 < len(names) <= 12 else ""
