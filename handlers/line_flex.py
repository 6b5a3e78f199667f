"""Cards on LINE: a table, or an answer too long for texts, as a Flex message built of plain dicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from bot.bubble import Card, CardRow
from handlers.line_text import parts, units

MOST_BUBBLE_BYTES = 30_000
MOST_CAROUSEL_BYTES = 50_000
MOST_BUBBLES = 12
MOST_ALT_UNITS = 1_500
_PAGE_BYTES = 24_000  # so that two pages share a carousel
_PIECE_UNITS = 2_000  # of one text component, so that a page can be filled well

_SIZE = "giga"  # all bubbles of a carousel must share it
_INK, _QUIET, _ALARM, _LINE = "#1F2933", "#667380", "#B42318", "#E4E7EB"
# weight 0..3 of a row -> colour of its marker
_WEIGHTS = ("#9AA5B1", "#7B8794", "#2F6F8F", "#0B5C7A")

Component = dict[str, Any]


@lru_cache(maxsize=512)
def card_messages(card: Card, spoken: str) -> Sequence[dict[str, Any]]:
    """A card as Flex messages (one, unless the table is enormous); `spoken` says the same in words, for notifications.

    The same advice has the same card: these are made once, and not to be changed. Raises `ValueError` if a single row
    is larger than a bubble may be.
    """
    head = [_text(card.title, weight="bold", size="md")] if card.title else []
    rows = [_row(row, card.heads, index == 0) for index, row in enumerate(card.rows)]
    foot = [_text(card.note, size="xs", color=_QUIET, margin="lg")] if card.note else []
    return _messages([*head, *rows, *foot], spoken or card.title)


def text_messages(text: str) -> list[dict[str, Any]]:
    """A long text as Flex messages of pages to swipe through; nothing of it is left out."""
    return _messages(_lines(text), text)


def _lines(text: str) -> list[Component]:
    components: list[Component] = []
    gap = False
    for line in text.splitlines():
        if not line.strip():
            gap = True
            continue
        for piece in parts(line, _PIECE_UNITS):
            bold = {"weight": "bold"} if piece.startswith("▶") else {}
            colour = {"color": _ALARM} if piece.startswith("⛔") else {}
            components.append(_text(piece, size="sm", margin="lg" if gap else "sm", **bold, **colour))
            gap = False
    return components


def choices_message(text: str, actions: Sequence[Component]) -> list[dict[str, Any]]:
    """A text with buttons of its own (LINE actions), which stay when the talk goes on; the text may be empty."""
    buttons = [{"type": "button", "style": "link", "height": "sm", "action": dict(action)} for action in actions]
    lines = _lines(text)
    fits = size(_bubble(lines)) + size(buttons) < _PAGE_BYTES
    before = [] if fits else _messages(lines, text)
    spoken = text or ", ".join(str(action["label"]) for action in actions)
    return [*before, *_messages([*(lines if fits else ()), *buttons], spoken)]


def size(value: object) -> int:
    """Bytes of a value as JSON sent in UTF-8, the measure of LINE's limits."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def alt_text(text: str) -> str:
    """What a notification shows: the beginning, with a mark where more follows in the card itself."""
    line = text.strip() or "…"
    if units(line) <= MOST_ALT_UNITS:
        return line
    return parts(line, MOST_ALT_UNITS - 1)[0] + "…"


def _messages(components: Sequence[Component], spoken: str) -> list[dict[str, Any]]:
    alt = alt_text(spoken)
    bubbles = [_bubble(page) for page in _packed(components)]
    found: list[dict[str, Any]] = []
    for group in _carousels(bubbles):
        contents = group[0] if len(group) == 1 else {"type": "carousel", "contents": group}
        found.append({"type": "flex", "altText": alt, "contents": contents})
    return found


def _packed(components: Sequence[Component]) -> Iterable[list[Component]]:
    """Pages, each of at most one bubble's bytes."""
    page: list[Component] = []
    frame = filled = size(_bubble(()))
    for component in components:
        own = size(component) + 1  # and a comma
        if page and filled + own > _PAGE_BYTES:
            yield page
            page, filled = [], frame
        page.append(component)
        filled += own
        if len(page) == 1 and filled > MOST_BUBBLE_BYTES:
            raise ValueError("one row is larger than a bubble may be")
    if page:
        yield page


def _carousels(bubbles: Sequence[Component]) -> Iterable[list[Component]]:
    group: list[Component] = []
    frame = filled = size({"type": "carousel", "contents": []})
    for bubble in bubbles:
        own = size(bubble) + 1  # and a comma
        if group and (filled + own > MOST_CAROUSEL_BYTES or len(group) == MOST_BUBBLES):
            yield group
            group, filled = [], frame
        group.append(bubble)
        filled += own
    if group:
        yield group


def _bubble(components: Sequence[Component]) -> Component:
    return {
        "type": "bubble",
        "size": _SIZE,
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": list(components)},
    }


def _row(row: CardRow, heads: tuple[str, ...], first: bool) -> Component:
    """One row: its marker and name on a line, every further cell below with its column's heading."""
    cells = list(zip(heads, row.cells, strict=True))
    marker = cells.pop(0)[1] if cells and not heads[0] else ""
    name = cells.pop(0)[1] if cells else ""
    strong = row.weight == 3
    colour = _WEIGHTS[max(0, min(row.weight, 3))]
    top = [_text(name, weight="bold", size="sm", flex=1)] if name else []
    if marker:
        top.append(_text(marker, size="sm", color=colour, align="end", flex=0, wrap=False))
    contents: list[Component] = [] if first else [{"type": "separator", "color": _LINE}]
    if top:
        contents.append({"type": "box", "layout": "horizontal", "spacing": "md", "margin": "md", "contents": top})
    for place, (head, cell) in enumerate(cells):
        if cell:
            main = place == 0
            words = cell if main or not head else f"{head}: {cell}"
            style: dict[str, Any] = {"size": "sm"} if main else {"size": "xs", "color": _QUIET}
            if main and strong:
                style["weight"] = "bold"
            contents.append(_text(words, margin="xs", **style))
    return {"type": "box", "layout": "vertical", "margin": "md", "contents": contents}


def _text(text: str, **style: Any) -> Component:
    return {"type": "text", "text": text, "wrap": True, "color": _INK} | style
