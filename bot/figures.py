"""Figures: runs of digits in a text, and the values of those that are numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

LONGEST = 40  # characters; a longer run is more than anybody means
_BEYOND = "9" * LONGEST  # what stands for it

# Each repetition is possessive, and begins with something rare or is short: no text makes this slow.
_RUNS = re.compile(
    r"""
    (?=[0-9.+\#@hw])(?:                                                       # quickly past all else
      https?://\S++ | www\.\S++ | [#@][a-z0-9_.]++                            # addresses, names
    | \d{1,4}+(?:/\d{1,4}+)++ | \d{1,2}+:\d{2}(?!\d)(?::\d{2}(?!\d))?+        # dates, times
    | \d{4}-\d{1,2}+-\d{1,2}+(?!\d) | \d{1,2}+-\d{1,2}+-\d{4}(?!\d)
    | \d{2,4}-\d{3,4}-\d{3,4}(?!\d)                                           # telephone numbers
    | (?:\+(?!\d{1,12}+000(?!\d))[1-9]|0)\d(?:[ .\-)]{0,2}\d){7,16}+(?!\d)
    | (?P<figure>
          \d{1,3}(?:[ ']\d{3}){1,5}+(?![ ']?\d)                               # 1 000 000
        | (?:\d++|(?<![\w.,])\.\d++)(?:[.,]\d++|\uff0c\d{3}(?!\d))*+          # 1,000,000.50 and .5
      )
    )
    """,
    re.VERBOSE | re.ASCII,
)
_SEPARATOR = re.compile("[.,' \uff0c]")


def runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Where the figures of a prepared text are, as typed; "" for dates, telephone numbers and parts of addresses."""
    for match in _RUNS.finditer(text):
        start, end = match.span()
        figure = match["figure"] or ""
        if end - start > LONGEST:
            figure = _BEYOND if figure.isdigit() else ""
        yield start, end, figure


def figure_value(figure: str, decimal: str, *, scaled: bool) -> Decimal | None:
    """The value of figures as typed, or `None` for what is no number ("1.2.3", "007").

    `decimal` is the language's mark before a fraction. One mark with three digits behind it ("1.500") groups
    thousands, unless it is the decimal mark and a scale follows (`scaled`).
    """
    if figure.isdigit():
        return Decimal(figure) if figure[0] != "0" or len(figure) == 1 else None
    groups = _SEPARATOR.split(figure)
    marks = [mark.replace("\uff0c", ",") for mark in _SEPARATOR.findall(figure)]
    if groups[0] == "" and len(groups) == 2:
        return Decimal(f"0.{groups[1]}")
    if groups[0].startswith("0") and groups[0] != "0":
        return None
    last = marks[-1]
    if len(set(marks)) == 1:
        single = len(marks) == 1
        if _grouped(groups, last) and not (single and last == decimal and scaled):
            return Decimal("".join(groups))
        is_point = last == "." or last == decimal or (last == "," and scaled and len(groups[-1]) == 1)
        return Decimal(f"{groups[0]}.{groups[1]}") if single and is_point else None
    if last in ".," and marks.count(last) == 1 and len(set(marks)) == 2 and _grouped(groups[:-1], marks[0]):
        return Decimal(f"{''.join(groups[:-1])}.{groups[-1]}")
    return None


def _grouped(groups: Sequence[str], mark: str) -> bool:
    """Whether the groups are thousands, or lakhs as India writes them (10,00,000)."""
    first, *rest = groups
    if first == "0" or len(first) > 3 or not rest:
        return False
    if all(len(group) == 3 for group in rest):
        return True
    lakhs = all(len(group) == 2 for group in rest[:-1]) and len(rest[-1]) == 3
    return mark == "," and len(rest) > 1 and len(first) <= 2 and lakhs
