"""Heard: what a Telegram update says, read from the plain JSON by ourselves.

An update of an unknown kind, with unknown fields or with fields of the wrong type is never an exception: what
cannot be read is left out, and what says nothing to us is `None`. In a group only what is meant for the bot is
heard at all: a command, a mention, an answer to one of its messages, a tapped button.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from bot.message import Message
from bot.press import press

Kind = Literal[
    "text", "press", "sticker", "image", "audio", "video", "file", "location", "contact", "other",
    "forget", "export", "joined", "left", "blocked", "unblocked", "migrated",
]  # fmt: skip

# What a message may hold beside text, in the order looked for: an animation also carries a `document`.
CONTENTS: Mapping[str, Kind] = {
    "sticker": "sticker", "photo": "image", "voice": "audio", "audio": "audio", "video": "video",
    "video_note": "video", "animation": "video", "document": "file", "venue": "location", "location": "location",
    "contact": "contact", "poll": "other", "dice": "other", "story": "other", "game": "other",
    "paid_media": "other", "checklist": "other",
}  # fmt: skip
COMMANDS = ("start", "help", "restart", "cancel", "lang", "forget", "export")
# /lang with one of these is that language at once; any other word after it is read as text.
LANGUAGES = {"zh": "zh-Hant", "zh-hant": "zh-Hant", "zh-tw": "zh-Hant", "vi": "vi", "en": "en", "th": "th", "ja": "ja"}
GROUPS = ("group", "supergroup")
# What a link to the bot may carry, as in t.me/<bot>?start=category-skincare: the same as the button of that name.
LINKS = ("goal", "category", "market", "language", "topic")
_LINK = re.compile(r"([a-z]+)-([A-Za-z0-9_-]{1,48})")
# People may edit for so long. Telegram also tells of an "edit" when somebody reacts to a message, however old it is.
EDITABLE = timedelta(hours=48)
# An administrator who writes in the group's name comes as this account, which is marked as a bot.
ANONYMOUS_ADMIN = 1087968824
MOST_ID = 2**63


@dataclass(frozen=True, slots=True)
class Heard:
    """One update that is meant for us.

    `event_id` is the same whenever Telegram repeats the update, and for an edit that leaves the words as they were;
    it tells nothing of them. `conversation` is the lane and the owner of the
    brief: the chat, so one person's texts and taps share it, and so do the members of a group. `writer` is who
    wrote it (`tg:<id>`), which differs from the conversation in a group. `sent_at` is Telegram's time, or the
    time of receipt where it gives none (taps). `edited`: the text replaces an earlier one. `payload` is what a
    deep link carried. `moved_to` is the conversation that takes this one's place (kind `migrated`, told in either
    chat).
    """

    event_id: str
    conversation: str
    kind: Kind
    chat_id: int
    sent_at: datetime
    text: str = ""
    press: str | None = None
    language_hint: str | None = None
    writer: str | None = None
    callback_id: str | None = None
    message_id: int | None = None
    thread_id: int | None = None
    group: bool = False
    edited: bool = False
    payload: str | None = None
    moved_to: str | None = None

    def message(self) -> Message:
        """The same for the core."""
        return Message(self.event_id, self.conversation, self.text, self.sent_at, self.press, self.language_hint)


def from_telegram(update: object, bot_username: str, bot_id: int, received_at: datetime) -> Heard | None:
    """What an update says, or `None` where it is not for us or cannot be read. Never raises.

    `bot_username` (without @) and `bot_id` are the bot's own; `received_at` needs a time zone.
    """
    whole = _mapping(update)
    number = _id(whole.get("update_id"))
    if number is None:
        return None
    event_id = f"tg:{bot_id}:{number}"
    if tap := _mapping(whole.get("callback_query")):
        return _tap(tap, event_id, received_at)
    if change := _mapping(whole.get("my_chat_member")):
        return _membership(change, event_id, received_at)
    for key in ("message", "edited_message"):
        if told := _mapping(whole.get(key)):
            return _message(told, event_id, bot_username, bot_id, received_at, edited=key == "edited_message")
    return None


def _tap(tap: Mapping[Any, Any], event_id: str, received_at: datetime) -> Heard | None:
    """A tapped button. Its chat is the message's; without one it is the person's own chat, which has their id."""
    writer = _mapping(tap.get("from"))
    message = _mapping(tap.get("message"))
    chat = _mapping(message.get("chat"))
    chat_id = _id(chat.get("id")) or _id(writer.get("id"))
    if not chat_id:
        return None
    return Heard(
        event_id, f"tg:{chat_id}", "press", chat_id, received_at,
        press=_text(tap.get("data")), language_hint=_text(writer.get("language_code")) or None,
        writer=_person(writer), callback_id=_text(tap.get("id")) or None, message_id=_id(message.get("message_id")),
        thread_id=_thread(message), group=chat.get("type") in GROUPS,
    )  # fmt: skip


def _membership(change: Mapping[Any, Any], event_id: str, received_at: datetime) -> Heard | None:
    """The bot was blocked or let back by a person, or added to or taken out of a group."""
    chat = _mapping(change.get("chat"))
    chat_id = _id(chat.get("id"))
    here = _present(change.get("new_chat_member"))
    if not chat_id or here is None or here is _present(change.get("old_chat_member")):
        return None
    group = chat.get("type") in GROUPS
    if not group and chat.get("type") != "private":
        return None
    if group:
        kind: Kind = "joined" if here else "left"
    else:
        kind = "unblocked" if here else "blocked"
    writer = _mapping(change.get("from"))
    return Heard(
        event_id, f"tg:{chat_id}", kind, chat_id, _time(change.get("date"), received_at), group=group,
        language_hint=_text(writer.get("language_code")) or None, writer=_person(writer),
    )  # fmt: skip


def _present(member: object) -> bool | None:
    """Whether a member's status means being in the chat; `None` for a status that is not known."""
    status = _mapping(member).get("status")
    if status in ("left", "kicked"):
        return False
    if status == "restricted":
        return _mapping(member).get("is_member") is not False
    return True if status in ("member", "administrator", "creator") else None


def _message(
    told: Mapping[Any, Any], event_id: str, bot_username: str, bot_id: int, received_at: datetime, *, edited: bool
) -> Heard | None:
    chat = _mapping(told.get("chat"))
    chat_id = _id(chat.get("id"))
    writer = _mapping(told.get("from"))
    group = chat.get("type") in GROUPS
    if not chat_id or not (group or chat.get("type") == "private"):
        return None
    sent_at = _time(told.get("edit_date") if edited else told.get("date"), received_at)
    there, old = _id(told.get("migrate_to_chat_id")), _id(told.get("migrate_from_chat_id"))
    message_id = _id(told.get("message_id"))
    if there or old:
        was, now = (chat_id, there) if there else (old or 0, chat_id)
        return Heard(
            event_id, f"tg:{was}", "migrated", was, sent_at, message_id=message_id, group=True, moved_to=f"tg:{now}"
        )
    if told.get("is_automatic_forward") or (writer.get("is_bot") and writer.get("id") != ANONYMOUS_ADMIN):
        return None
    kind: Kind | None = "text" if isinstance(told.get("text"), str) else None
    kind = kind or next((found for key, found in CONTENTS.items() if key in told), None)
    raw = told.get("text") if kind == "text" else told.get("caption")
    raw = raw if isinstance(raw, str) else ""
    if kind is None or (edited and (not raw or received_at - _time(told.get("date"), received_at) > EDITABLE)):
        return None
    ours, rest = _mentions(raw, told.get("entities" if kind == "text" else "caption_entities"), bot_username, bot_id)
    command, other, argument = _command(rest, bot_username)
    if group and (other or not (ours or command or _answers(told, bot_id))):
        return None
    text, pressed, payload = _clean(rest), None, None
    if kind == "text" and command:
        kind, text, pressed, payload = _ordered(command, _clean(argument))
    album = _text(told.get("media_group_id"))
    if raw and message_id is not None:
        # A reaction to a message, among other things, is told as an edit that leaves its words as they were.
        event_id = _event(bot_id, chat_id, message_id, raw)
    elif album and not raw:
        # Ten pictures sent as one are ten updates; under one event id they get one answer.
        event_id = _event(bot_id, chat_id, "album", album)
    return Heard(
        event_id, f"tg:{chat_id}", kind, chat_id, sent_at, text, pressed,
        language_hint=_text(writer.get("language_code")) or None, writer=_person(writer),
        message_id=message_id, thread_id=_thread(told), group=group, edited=edited, payload=payload,
    )  # fmt: skip


def _ordered(command: str, argument: str) -> tuple[Kind, str, str | None, str | None]:
    """What a command means: kind, text and press for the core, and a deep link's payload."""
    if command == "lang":
        if not argument:
            return "press", "", press("languages"), None
        code = LANGUAGES.get(argument.lower())
        return ("press", "", press("language", code), None) if code else ("text", argument, None, None)
    if command == "forget":
        return "forget", "/forget", None, None
    if command == "export":
        return "export", "/export", None, None
    if command != "start":
        return "text", f"/{command}", None, None
    link = _LINK.fullmatch(argument)
    if link and link[1] in LINKS:
        return "press", "", press(link[1], link[2]), argument
    return "text", "/start", None, argument or None


def _command(text: str, bot_username: str) -> tuple[str, bool, str]:
    """The command of ours that a text begins with (or ""), whether it is another bot's, and what follows it."""
    head, _, argument = text.lstrip().partition(" ")
    head, broken, below = head.partition("\n")
    argument = f"{below} {argument}" if broken else argument
    if not head.startswith("/"):
        return "", False, ""
    name, at, addressed = head[1:].partition("@")
    if at and addressed.lower() != bot_username.lower():
        return "", True, ""
    return (name.lower() if name.lower() in COMMANDS else ""), False, argument.strip()


def _mentions(text: str, entities: object, bot_username: str, bot_id: int) -> tuple[bool, str]:
    """Whether the bot is named in a text, and the text without its name.

    Entities count UTF-16 units. The `@name` inside `/help@name` is part of a command, which is not taken apart.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    found, kept, end = False, b"", 0
    for start, length, entity in sorted(_spans(entities), key=lambda span: span[0]):
        piece = units[start * 2 : (start + length) * 2]
        name = piece.decode("utf-16-le", "replace").lower()
        named = entity.get("type") == "mention" and name == f"@{bot_username}".lower()
        meant = entity.get("type") == "text_mention" and _mapping(entity.get("user")).get("id") == bot_id
        if (named or meant) and start >= end:
            found, kept, end = True, kept + units[end * 2 : start * 2], start + length
        elif entity.get("type") == "bot_command" and name.endswith(f"@{bot_username}".lower()):
            found = True
    return found, (kept + units[end * 2 :]).decode("utf-16-le", "replace")


def _spans(entities: object) -> Iterator[tuple[int, int, Mapping[Any, Any]]]:
    for entity in entities if isinstance(entities, list) else ():
        start, length = _id(_mapping(entity).get("offset")), _id(_mapping(entity).get("length"))
        if start is not None and length is not None and start >= 0 and length > 0:
            yield start, length, entity


def _answers(told: Mapping[Any, Any], bot_id: int) -> bool:
    """Whether it answers the bot's message; in a topic everything formally answers the topic's first message."""
    earlier = _mapping(told.get("reply_to_message"))
    return _mapping(earlier.get("from")).get("id") == bot_id and "forum_topic_created" not in earlier


def _thread(message: Mapping[Any, Any]) -> int | None:
    """The topic of a forum group; the number also stands on plain reply chains, which are no topics."""
    return _id(message.get("message_thread_id")) if message.get("is_topic_message") is True else None


def _person(writer: Mapping[Any, Any]) -> str | None:
    number = _id(writer.get("id"))
    return f"tg:{number}" if number else None


def _event(bot_id: int, *parts: object) -> str:
    """An event id of what is the same; whoever reads it learns nothing of the parts."""
    whole = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return f"tg:{bot_id}:{sha256(whole).hexdigest()[:32]}"


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _id(value: object) -> int | None:
    """A whole number that fits a database column; `True` is none."""
    return value if type(value) is int and -MOST_ID <= value < MOST_ID else None


def _text(value: object) -> str:
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Text that any database stores: no lone surrogates (JSON may carry them), no NUL; spaces at the ends gone."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\x00", "").strip()


def _time(value: object, otherwise: datetime) -> datetime:
    seconds = _id(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else otherwise
    except (ValueError, OverflowError, OSError):
        return otherwise
