"""Text as LINE measures it: UTF-16 units for what is said, graphemes for what stands on a button."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_JOINER = "\u200d"


def units(text: str) -> int:
    """The length in UTF-16 units, as LINE counts a message: an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@lru_cache(maxsize=4096)
def graphemes(text: str) -> int:
    """At least as many as a reader sees characters, never fewer: a mark belongs to the letter before it."""
    count = 0
    open_for_marks = False
    for character in text:
        kind = unicodedata.category(character)
        extends = kind in ("Mn", "Me") or character == _JOINER
        if not (extends and open_for_marks):
            count += 1
        open_for_marks = kind not in ("Cc", "Zl", "Zp")
    return count


def parts(text: str, most: int) -> list[str]:
    """The text in pieces of at most `most` UTF-16 units (32 or more), broken between paragraphs if that can be.

    Nothing but the white space at a break goes missing.
    """
    found: list[str] = []
    rest = text.strip("\n")
    while units(rest) > most:
        reach = _reach(rest, most)
        end = next((place for mark in ("\n\n", "\n", " ") if (place := rest.rfind(mark, 1, reach)) > reach // 2), 0)
        end = end or _seam(rest, reach)
        piece, rest = rest[:end].rstrip(), rest[end:].lstrip(" \n")
        if piece:
            found.append(piece)
    return [*found, rest] if rest.strip() else found


def _reach(text: str, most: int) -> int:
    """How many code points fit into `most` units."""
    used = 0
    for place, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > most:
            return place
    return len(text)


def _seam(text: str, reach: int) -> int:
    """The last place within reach that does not tear a letter from its mark; `reach` if marks are all there is."""
    for place in range(reach, max(reach - 16, 0), -1):
        joined = text[place] == _JOINER or text[place - 1] == _JOINER
        if not joined and unicodedata.category(text[place]) not in ("Mn", "Me", "Mc", "Sk"):
            return place
    return reach
