"""Telegram as a platform, in four verbs: verify, from_telegram, to_telegram, send.

Hearing stands in `telegram_heard`, the connection and `send` in `telegram_client`; this file holds the platform's
limits and what is shown.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from rich.cells import cell_len

from bot.bubble import Bubble, Button
from handlers.telegram_client import TelegramClient
from handlers.telegram_heard import Heard, from_telegram
from handlers.telegram_table import table

__all__ = ["SECRET_HEADER", "Heard", "TelegramClient", "from_telegram", "to_telegram", "verify"]

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
MOST_TEXT = 4096  # characters of a message; counted here with markup and in UTF-16 units, which is never less
MOST_CALLBACK_BYTES = 64
MOST_BUTTONS = 100
# Cells of the widest label that so many buttons a row leave room for on a phone.
ROW_CELLS = {3: 8, 2: 16}

# Where a long text may be divided, the best place first.
_PLACES = tuple(re.compile(place) for place in (r"\n\s*\n", r"\n", r"(?<=[。！？])|(?<=[.!?])\s", r"\s|(?<=[、，])"))
_JOINED = re.compile(r"[\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u200d\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")


def verify(header: str | None, secret: str) -> bool:
    """Whether a webhook request carries our secret token; constant in time. Without a secret nothing is let in."""
    if header is None or not secret:
        return False
    return hmac.compare_digest(header.encode("utf-8", "surrogateescape"), secret.encode())


def to_telegram(
    bubbles: Sequence[Bubble], chat_id: int, *, thread_id: int | None = None, reply_to: int | None = None
) -> list[dict[str, Any]]:
    """The calls that show bubbles in a chat, in order, each `{"method": …, "params": …}` and ready for JSON.

    `thread_id` is a forum's topic; `reply_to` is the message that the first call answers (for groups, where it must
    be seen who is meant). Raises `ValueError` for a button that Telegram would refuse: nothing is cut.
    """
    calls: list[dict[str, Any]] = []
    for bubble in bubbles:
        texts = [*_formatted(bubble.text), *_table(bubble)]
        texts = _merged(texts) or (["⋯"] if bubble.buttons else [])
        for number, text in enumerate(texts, 1):
            params: dict[str, Any] = {
                "chat_id": chat_id,
                "text": text,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
            }
            if thread_id is not None:
                params["message_thread_id"] = thread_id
            if reply_to is not None and not calls:
                params["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
            if bubble.buttons and number == len(texts):
                params["reply_markup"] = {"inline_keyboard": _keyboard(bubble.buttons)}
            calls.append({"method": "sendMessage", "params": params})
    return calls


def _formatted(text: str) -> list[str]:
    """A text as HTML in pieces that fit; together they hold all of it."""
    return [_html(piece) for piece in _pieces(text)]


def _html(text: str) -> str:
    """Escaped; the lines that name who leads stand out."""
    lines = (escape(line, quote=False) for line in text.strip().splitlines())
    return "\n".join(f"<b>{line}</b>" if line.startswith("▶") else line for line in lines)


def _table(bubble: Bubble) -> list[str]:
    """The card's table; the bubble's text says the same in words, so one that does not fit is left out."""
    if bubble.card is None:
        return []
    drawn = f"<pre>{escape(table(bubble.card), quote=False)}</pre>"
    if bubble.text.strip():
        return [drawn] if _size(drawn) <= MOST_TEXT else []
    words = [bubble.card.title, *("  ".join(row.cells) for row in bubble.card.rows), bubble.card.note]
    return _formatted("\n".join(words))


def _merged(texts: list[str]) -> list[str]:
    """A table joins the text before it where both fit in one message."""
    if len(texts) > 1 and texts[-1].startswith("<pre>") and _size(f"{texts[-2]}\n\n{texts[-1]}") <= MOST_TEXT:
        return [*texts[:-2], f"{texts[-2]}\n\n{texts[-1]}"]
    return texts


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _pieces(text: str) -> Iterator[str]:
    rest = text.strip()
    while _size(_html(rest)) > MOST_TEXT:
        at = _division(rest)
        yield rest[:at].rstrip()
        rest = rest[at:].lstrip()
    if rest:
        yield rest


def _division(text: str) -> int:
    """Where to divide a text that is too long: after the last paragraph, line, sentence, or word that fits."""
    low, high = 1, min(len(text), MOST_TEXT)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(_html(text[:middle])) <= MOST_TEXT else (low, middle - 1)
    for place in _PLACES:
        ends = [found.end() for found in place.finditer(text, 0, low) if found.start()]
        # A place in the first half would leave a scrap; the next kind of place does better.
        if ends and ends[-1] > low // 2:
            return ends[-1]
    at = low
    while at > 1 and (_JOINED.match(text[at]) or text[at - 1] == "\u200d"):
        at -= 1
    return at if at > 1 else low


def _keyboard(buttons: Sequence[Button]) -> list[list[dict[str, str]]]:
    """Buttons in rows of as many as their labels leave room for; their order stays."""
    if len(buttons) > MOST_BUTTONS:
        raise ValueError(f"{len(buttons)} buttons, Telegram takes {MOST_BUTTONS}")
    rows: list[list[Button]] = []
    for button in buttons:
        if not button.label.strip() or not 0 < len(button.press.encode()) <= MOST_CALLBACK_BYTES:
            raise ValueError(f"Telegram takes no button {button.label!r} with the press {button.press!r}")
        if rows and _fits([*rows[-1], button]):
            rows[-1].append(button)
        else:
            rows.append([button])
    return [[{"text": button.label, "callback_data": button.press} for button in row] for row in rows]


def _fits(row: list[Button]) -> bool:
    return max(cell_len(button.label) for button in row) <= ROW_CELLS.get(len(row), 0)
