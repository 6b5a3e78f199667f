"""LINE as a platform, in four verbs: verify, from_line, to_line, send.

Hearing stands in `line_events`, the connection and `send` in `line_client`; this file holds the platform's limits
and what is shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from bot.bubble import Bubble, Button, Card
from handlers.line_client import LineClient, body_of
from handlers.line_events import Heard, LineFault, Post, from_line, read_post
from handlers.line_flex import card_messages, choices_message, text_messages
from handlers.line_text import graphemes, parts, units

__all__ = [
    "SIGNATURE_HEADER", "SIGNATURE_LENGTH", "DoesNotFit", "Heard", "LineClient", "LineFault", "Post", "body_of",
    "from_line", "read_post", "to_line", "verify",
]  # fmt: skip

SIGNATURE_HEADER = "X-Line-Signature"
SIGNATURE_LENGTH = 44  # 32 bytes in base64
MOST_MESSAGES = 5
MOST_TEXT_UNITS = 5_000  # UTF-16 units
MOST_CHOICES = 13
MOST_LABEL = 20  # graphemes
MOST_DATA_UNITS = 300

_Piece = str | Sequence[dict[str, Any]]  # a text, or Flex messages


class DoesNotFit(Exception):
    """Something to show is larger than LINE allows; the text says what and by how much."""


def verify(raw: bytes, signature: str | None, secret: str) -> bool:
    """Whether LINE signed these very bytes with our channel secret; constant in time. Without a secret nothing is."""
    if not signature or not secret:
        return False
    expected = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest())
    return hmac.compare_digest(signature.encode("utf-8", "replace"), expected)


def to_line(bubbles: Sequence[Bubble], *, quote_token: str | None = None, strict: bool = True) -> list[dict[str, Any]]:
    """The messages that show bubbles, at most five, as dicts ready for JSON; none if there is nothing to show.

    The last choices are quick replies on the last message and, since LINE on a PC shows none, numbered text as the
    conversation counts them; choices of a bubble before are buttons inside it. `quote_token` makes the first text
    quote the message it answers (for groups).

    Raises `DoesNotFit` if a label, a payload or the number of choices is over LINE's limit. With `strict` off such
    a choice has no button but is still there as text, and only an answer larger than five carousels raises.
    """
    offered = next((bubble.buttons for bubble in reversed(bubbles) if bubble.buttons), ())
    messages = _messages(_pieces(bubbles, offered, strict))
    if not messages:
        return []
    actions = _actions(offered, strict)
    if strict and len(actions) > MOST_CHOICES:
        raise DoesNotFit(f"{len(actions)} choices, LINE takes {MOST_CHOICES}")
    if actions:
        items = [{"type": "action", "action": action} for action in actions[:MOST_CHOICES]]
        messages[-1] = messages[-1] | {"quickReply": {"items": items}}
    if quote_token and messages[0]["type"] == "text":
        messages[0] = messages[0] | {"quoteToken": quote_token}
    return messages


def _pieces(bubbles: Sequence[Bubble], offered: tuple[Button, ...], strict: bool) -> list[_Piece]:
    """What to show in order: texts, and what must be Flex; the choices that a number names come last, in words."""
    pieces: list[_Piece] = []
    for bubble in bubbles:
        own = bubble.buttons if bubble.buttons is not offered else ()
        actions = _actions(own, strict)
        if bubble.card is not None:
            pieces.append(_card(bubble.card, bubble.text))
        elif bubble.text.strip() and not actions:
            pieces.append(bubble.text.strip("\n"))
        if actions:
            pieces.append(choices_message("" if bubble.card is not None else bubble.text, actions))
        if len(actions) < len(own):
            # Only with `strict` off: what no button can say stays readable.
            shown = {action["data"] for action in actions}
            _add(pieces, "\n".join(f"• {button.label}" for button in own if button.press not in shown))
    _add(pieces, "\n".join(f"{number}. {button.label}" for number, button in enumerate(offered, 1)))
    return pieces


def _card(card: Card, spoken: str) -> Sequence[dict[str, Any]]:
    """A card as messages; raises `DoesNotFit` where one row of it is larger than LINE allows."""
    try:
        return card_messages(card, spoken)
    except ValueError as error:
        raise DoesNotFit(f"card {card.title!r}: {error}") from None


def _add(pieces: list[_Piece], text: str) -> None:
    """Put a text below the last one, or on its own after a card."""
    last = pieces[-1] if pieces else None
    if not text:
        return
    if isinstance(last, str):
        pieces[-1] = f"{last}\n\n{text}"
    else:
        pieces.append(text)


def _messages(pieces: Sequence[_Piece]) -> list[dict[str, Any]]:
    """Texts as texts where five messages are enough, else as pages to swipe through."""
    messages = _made(pieces, flex=False)
    if len(messages) > MOST_MESSAGES:
        messages = _made(_joined(pieces, MOST_TEXT_UNITS), flex=False)
    if len(messages) > MOST_MESSAGES:
        messages = _made(_joined(pieces, None), flex=True)
    if len(messages) > MOST_MESSAGES:
        raise DoesNotFit(f"{len(messages)} messages, LINE takes {MOST_MESSAGES}")
    return messages


def _made(pieces: Sequence[_Piece], *, flex: bool) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for piece in pieces:
        if not isinstance(piece, str):
            messages += piece
        elif flex:
            messages += text_messages(piece)
        else:
            messages += [{"type": "text", "text": part} for part in parts(piece, MOST_TEXT_UNITS)]
    return messages


def _joined(pieces: Sequence[_Piece], most: int | None) -> list[_Piece]:
    """Neighbouring texts as one, up to `most` UTF-16 units."""
    found: list[_Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, str) and isinstance(last, str):
            both = f"{last}\n\n{piece}"
            if most is None or units(both) <= most:
                found[-1] = both
                continue
        found.append(piece)
    return found


def _actions(buttons: Sequence[Button], strict: bool) -> list[dict[str, Any]]:
    """What the buttons do; without those that LINE would refuse, which raise `DoesNotFit` if `strict`."""
    found = []
    for button in buttons:
        fault = _fault(button)
        if fault is None:
            label = button.label
            found.append({"type": "postback", "label": label, "data": button.press, "displayText": label})
        elif strict:
            raise DoesNotFit(fault)
    return found


def _fault(button: Button) -> str | None:
    if not button.label.strip() or graphemes(button.label) > MOST_LABEL:
        return f"label {button.label!r}: {graphemes(button.label)} characters, LINE takes 1 to {MOST_LABEL}"
    if not button.press or units(button.press) > MOST_DATA_UNITS:
        return f"press {button.press!r}: {units(button.press)} characters, LINE takes 1 to {MOST_DATA_UNITS}"
    return None
