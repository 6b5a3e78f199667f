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
    "follow": "arrived", "join": "arrived", "joined": "arrived", "unblocked": "arrived",
}  # fmt: skip
_COMMANDS = {"forget": "/forget", "export": "/export"}


def line_message(heard: line.Heard, hint: str | None = None) -> Found | None:
    """A LINE event as a message; `None` for what asks for no answer (unfollow, leave, unsend)."""
    kind = _KINDS.get(heard.kind)
    if kind is None or (heard.group and kind not in ("text", "arrived")):
        return None
    message = Message(heard.id, heard.person, heard.text, heard.sent_at, heard.press, hint or heard.language_hint, kind)
    target = {
        "reply_token": heard.reply_token,
        "token_at": heard.token_at.isoformat() if heard.token_at else None,
        "quote_token": heard.quote_token if heard.group else None,
    }
    return message, target


def telegram_message(heard: telegram.Heard) -> Found | None:
    """A Telegram update as a message; `None` for what asks for no answer (blocked, left, migrated)."""
    kind = _KINDS.get(heard.kind)
    if kind is None or (heard.group and kind not in ("text", "arrived")):
        return None
    text = _COMMANDS.get(heard.kind, heard.text)
    message = Message(heard.event_id, heard.conversation, text, heard.sent_at, heard.press, heard.language_hint, kind)
    target = {
        "chat_id": heard.chat_id,
        "thread_id": heard.thread_id,
        "reply_to": heard.message_id if heard.group and heard.press is None else None,
    }
    return message, target
