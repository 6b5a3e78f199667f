"""The table: a card as lines of equal columns for a monospaced font, wide scripts counted as two cells."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len

from bot.bubble import Card

MOST_CELLS = 40  # what a phone shows of monospaced text before it wraps
GAP = "  "
_NARROW_GAP = " "
# Where a cell may be folded: after a space, a hyphen, or the comma of a wide script.
_BREAK = re.compile(r"[^\s\-、,，]+[\-、,，]*|[\-、,，]+")


@lru_cache(maxsize=256)  # many people get the same matrix, and drawing one takes half a millisecond
def table(card: Card) -> str:
    """The card's heads and rows; cells are folded, never cut, so that lines stay within `MOST_CELLS`.

    Only where even single characters do not fit side by side are the lines longer.
    """
    rows = [card.heads, *(row.cells for row in card.rows)]
    count = max(len(cells) for cells in rows)
    rows = [tuple(_plain(cell) for cell in cells) + ("",) * (count - len(cells)) for cells in rows]
    gap = GAP if count * len(GAP) < MOST_CELLS // 4 and _natural(rows, GAP) <= MOST_CELLS else _NARROW_GAP
    widths = _widths(rows, MOST_CELLS - len(gap) * (count - 1))
    drawn = [_row(cells, widths, gap) for cells in rows]
    rule = "─" * (sum(widths) + len(gap) * (count - 1))
    folded = any(len(lines) > 1 for lines in drawn[1:])
    body = (["", *lines] if folded and number else lines for number, lines in enumerate(drawn[1:]))
    return "\n".join([*drawn[0], rule, *(line for lines in body for line in lines)])


def _plain(text: str) -> str:
    """One line of printable characters: a tab or a control sign would break the columns."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c) != "Cc")


def _natural(rows: list[tuple[str, ...]], gap: str) -> int:
    columns = zip(*rows, strict=True)
    return sum(max(map(cell_len, column)) for column in columns) + len(gap) * (len(rows[0]) - 1)


def _widths(rows: list[tuple[str, ...]], room: int) -> list[int]:
    """A width for each column: as wide as it wants; then the widest gives way, at first not below its longest word."""
    columns = [[*column] for column in zip(*rows, strict=True)]
    widths = [max(map(cell_len, column)) for column in columns]
    words = [max((cell_len(w) for cell in column for w in _BREAK.findall(cell)), default=0) for column in columns]
    for least in (words, [2] * len(columns)):
        while sum(widths) > room:
            spare = [width - max(low, 2) for width, low in zip(widths, least, strict=True)]
            open_to = [index for index, left in enumerate(spare) if left > 0]
            if not open_to:
                break
            widths[max(open_to, key=lambda index: widths[index])] -= 1
    return widths


def _row(cells: tuple[str, ...], widths: list[int], gap: str) -> list[str]:
    folded = [_fold(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, folded))):
        parts = [column[number] if number < len(column) else "" for column in folded]
        padded = (part + " " * (width - cell_len(part)) for part, width in zip(parts, widths, strict=True))
        lines.append(gap.join(padded).rstrip())
    return lines


def _fold(cell: str, width: int) -> list[str]:
    """A cell in lines of at most `width` cells, broken between words where possible."""
    lines = [""]
    for match in re.finditer(r"\s*(" + _BREAK.pattern + ")", cell):
        piece, word = match.group(0), match.group(1)
        if cell_len(lines[-1] + piece) <= width:
            lines[-1] += piece
        elif cell_len(word) <= width:
            lines.append(word)
        else:
            _spell(lines, piece, width)
    return [line.strip() for line in lines if line.strip()] or [""]


def _spell(lines: list[str], piece: str, width: int) -> None:
    """A word longer than the column, by characters; a mark stays with the letter it stands on."""
    for character in piece:
        if cell_len(lines[-1] + character) <= width or unicodedata.combining(character):
            lines[-1] += character
        else:
            lines.append(character.strip())
