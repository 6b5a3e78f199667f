"""LINE's webhook, read tolerantly: an event or a field that nobody knows never loses its neighbours."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from bot.message import Message

Kind = Literal[
    "text", "press", "sticker", "image", "audio", "video", "file", "location",
    "follow", "unfollow", "join", "leave", "edit", "unsend", "other",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
PLATFORM = "line"

# Event and message types whose name on LINE is the kind's own, or another.
_MESSAGES: Mapping[str, Kind] = {
    name: name for name in ("text", "sticker", "image", "audio", "video", "file", "location")
}
_EVENTS: Mapping[str, Kind] = {
    "postback": "press", "follow": "follow", "unfollow": "unfollow", "join": "join", "leave": "leave",
    "messageEdited": "edit", "unsend": "unsend",
}  # fmt: skip
# Words that speak to us in a group without naming us: LINE lets a single bot into a group.
_COMMAND = re.compile(r"/(?:start|help|restart|cancel|lang|forget|export)(?!\S)", re.IGNORECASE)
# What LINE tells us about a group without anybody having spoken to us.
_NOT_SPOKEN: frozenset[Kind] = frozenset({"join", "leave", "unsend", "press"})
_ID = re.compile(r"[!-~]{1,128}")
# No database keeps a lone surrogate, and PostgreSQL no NUL either.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
# The console's old "Verify" button sent tokens like these; nobody waits for the answer.
_DUMMY_TOKEN = re.compile(r"0{32}|f{32}")


class LineFault(Exception):
    """What came is no webhook of LINE, or a setting for LINE is wrong; the text says which, without any secret."""


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook call: our bot's user id, and the events in the order LINE put them."""

    destination: str
    events: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one event says.

    `id` is the same however often LINE delivers the event. `person` is whose conversation it belongs to:
    `line:<userId>` one to one, `line:<groupId>` or `line:<roomId>` in a group; `speaker` is who did it, where
    LINE tells. `text` is without the mention of us. `press` is a postback's data. `token_at` is when the reply
    token's minute began. `message_id` is the message that was sent, edited or unsent. `unblocked` tells a
    returning friend from a new one.
    """

    id: str
    person: str
    kind: Kind
    sent_at: datetime
    text: str = ""
    press: str | None = None
    reply_token: str | None = None
    token_at: datetime | None = None
    redelivered: bool = False
    group: bool = False
    speaker: str | None = None
    message_id: str | None = None
    quote_token: str | None = None
    mark_as_read_token: str | None = None
    unblocked: bool = False
    language_hint: str | None = None

    def message(self) -> Message | None:
        """As a message to answer: a text, an edit or a press; `None` for every other kind."""
        if self.kind not in ("text", "edit", "press"):
            return None
        return Message(self.id, self.person, self.text, self.sent_at, self.press, self.language_hint)


def read_post(raw: bytes) -> Post:
    """Read a verified body; what is no event in it is left out. Raises `LineFault` if it is no webhook."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise LineFault("the body is no JSON") from None
    if not isinstance(data, dict) or not isinstance(data.get("events"), list):
        raise LineFault("the body has no list of events")
    events = tuple(event for event in data["events"] if isinstance(event, dict))
    return Post(_id(data.get("destination")) or "", events)


def from_line(
    event: Mapping[str, Any],
    *,
    received_at: datetime,
    destination: str = "",
    ours: Callable[[str], bool] = lambda message_id: False,
) -> Heard | None:
    """What an event says, or `None` for one that is not for us; never raises.

    `received_at` (with a time zone) begins the reply token's minute. `ours` tells whether a message id is one
    that we sent, so that quoting us speaks to us. Not for us: `standby` (another module owns the chat), events
    of unknown types, and what is said in a group without naming us, quoting us or a command. A message of an unknown
    type is `other`.
    """
    source = _part(event, "source")
    place = _place(source)
    kind = _kind(event)
    token = _id(event.get("replyToken"))
    if event.get("mode") == "standby" or place is None or kind is None or (token and _DUMMY_TOKEN.fullmatch(token)):
        return None
    person, group = place
    message = _part(event, "message")
    text = message.get("text") if kind in ("text", "edit") else ""
    text, named = _without_us(_clean(text), message, destination)
    quoted = _id(message.get("quotedMessageId"))
    spoken = named or kind in _NOT_SPOKEN or _COMMAND.match(text) or (quoted and ours(quoted))
    if group and not spoken:
        return None
    sent_at = _moment(event.get("timestamp"), received_at)
    redelivered = _part(event, "deliveryContext").get("isRedelivery") is True
    return Heard(
        id=f"{PLATFORM}:{destination}:{_event_id(event)}",
        person=person,
        kind=kind,
        sent_at=sent_at,
        text=text,
        press=_clean(_part(event, "postback").get("data")) if kind == "press" else None,
        reply_token=token,
        # A redelivered event carries its first token, whose minute began with the first delivery.
        token_at=min(sent_at, received_at) if redelivered else received_at,
        redelivered=redelivered,
        group=group,
        speaker=_id(source.get("userId")),
        message_id=_id(_part(event, "unsend").get("messageId") if kind == "unsend" else message.get("id")),
        quote_token=_id(message.get("quoteToken"), longest=1024),
        mark_as_read_token=_id(message.get("markAsReadToken"), longest=1024),
        unblocked=_part(event, "follow").get("isUnblocked") is True,
    )


def quoted_in_group(event: Mapping[str, Any]) -> str | None:
    """The id of the message that an event in a group quotes; never raises."""
    place = _place(_part(event, "source"))
    return _id(_part(event, "message").get("quotedMessageId")) if place and place[1] else None


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _id(value: object, longest: int = 128) -> str | None:
    """A platform's id as it is, or `None` for anything that cannot be one."""
    if not isinstance(value, str) or not value or len(value) > longest:
        return None
    return value if _ID.fullmatch(value[:128]) and value.isascii() and value.isprintable() else None


def _clean(text: object) -> str:
    return _UNKEEPABLE.sub("\ufffd", text) if isinstance(text, str) else ""


def _kind(event: Mapping[str, Any]) -> Kind | None:
    name = event.get("type")
    if not isinstance(name, str):
        return None
    if name == "message":
        sort = _part(event, "message").get("type")
        return _MESSAGES.get(sort, "other") if isinstance(sort, str) else "other"
    return _EVENTS.get(name)


def _place(source: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Whose conversation it is, and whether a group's. An unknown kind of place is nobody's private one."""
    for key in ("groupId", "roomId"):
        if key in source:
            place = _id(source[key])
            return (f"{PLATFORM}:{place}", True) if place else None
    person = _id(source.get("userId"))
    if person is None or source.get("type", "user") != "user":
        return None
    return f"{PLATFORM}:{person}", False


def _moment(milliseconds: object, otherwise: datetime) -> datetime:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return otherwise
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _event_id(event: Mapping[str, Any]) -> str:
    """LINE's own id; where it is missing, one made of what stays the same when the event comes again."""
    known = _id(event.get("webhookEventId"))
    if known:
        return known
    lasting = {key: value for key, value in event.items() if key != "deliveryContext"}
    return "sha256-" + hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


def _without_us(text: str, message: Mapping[str, Any], destination: str) -> tuple[str, bool]:
    """The text without mentions of us, and whether there was one."""
    mentionees = _part(message, "mention").get("mentionees")
    spots: list[tuple[int, int]] = []
    named = False
    for one in mentionees if isinstance(mentionees, list) else ():
        if not isinstance(one, dict):
            continue
        if one.get("isSelf") is True or (destination and one.get("userId") == destination):
            named = True
            spot = _spot(text, one.get("index"), one.get("length"))
            if spot:
                spots.append(spot)
    for begin, end in sorted(spots, reverse=True):
        text = f"{text[:begin].rstrip()} {text[end:].lstrip()}".strip()
    return text, named


def _spot(text: str, index: object, length: object) -> tuple[int, int] | None:
    """Where a mention stands, in code points; LINE counts UTF-16 units, an emoji before it shows the difference."""
    if not isinstance(index, int) or not isinstance(length, int) or index < 0 or length < 1:
        return None
    units = text.encode("utf-16-le")
    begin = len(units[: index * 2].decode("utf-16-le", "ignore"))
    end = len(units[: (index + length) * 2].decode("utf-16-le", "ignore"))
    for spot in ((begin, end), (index, index + length)):
        if text[spot[0] : spot[0] + 1] in ("@", "＠"):
            return spot
    return None
