"""Incoming: from what a platform heard to a message for the core and where its answer goes."""

from __future__ import annotations

from typing import Any

from bot.message import Kind, Message
from handlers import line, telegram

Found = tuple[Message, dict[str, Any]]
_KINDS: dict[str, Kind] = {
    "text": "text", "press": "text", "edit": "text", "forget": "text", "export": "text",
    "sticker": "sticker", "image": "image", "audio": "audio", "video": "video", "file": "file",
    "location": "location", "contact": "other", "other": "other",
    "follow": "arrived", "join": "arrived", "joined": "arrived",
    "unsend": "unsent", "leave": "removed",
}  # fmt: skip
_IN_GROUPS = ("text", "arrived", "unsent", "removed")
_CAPTIONED = ("image", "audio", "video", "file", "other")
_COMMANDS = {"forget": "/forget", "export": "/export"}


def line_message(heard: line.Heard, hint: str | None = None) -> Found | None:
    """A LINE event as a message; `None` for what changes nothing (unfollow: who comes back is known)."""
    kind = _KINDS.get(heard.kind)
    if kind is None or (heard.group and kind not in _IN_GROUPS) or (kind == "unsent" and not heard.message_id):
        return None
    hint = hint or heard.language_hint
    ref = heard.message_id
    message = Message(heard.id, heard.person, heard.text, heard.sent_at, heard.press, hint, kind, ref)
    target = {
        # LINE may refuse the token of an event that it delivers again. That "invalid" would look, after a crash, like
        # the one of a token that was used, and the reply would count as delivered; a push cannot be taken for that.
        "reply_token": None if heard.redelivered else heard.reply_token,
        "token_at": heard.token_at.isoformat() if heard.token_at else None,
        "quote_token": heard.quote_token if heard.group else None,
    }
    return message, target


def telegram_message(heard: telegram.Heard) -> Found | None:
    """A Telegram update as a message; `None` for what asks for no answer.

    Who lets us back in is not greeted: pressing "Restart" also says /start, and whoever wants to goes on.
    """
    # What is written under a picture is said like anything else.
    captioned = bool(heard.text) and heard.kind in _CAPTIONED
    kind = "text" if captioned else _KINDS.get(heard.kind)
    if kind is None or (heard.group and kind not in _IN_GROUPS):
        return None
    text = _COMMANDS.get(heard.kind, heard.text)
    # What was tapped is not what was written.
    ref = str(heard.message_id) if (heard.kind == "text" or captioned) and heard.message_id else None
    hint = heard.language_hint
    message = Message(heard.event_id, heard.conversation, text, heard.sent_at, heard.press, hint, kind, ref)
    target = {
        "chat_id": heard.chat_id,
        "thread_id": heard.thread_id,
        "reply_to": heard.message_id if heard.group and heard.press is None else None,
    }
    return message, target
