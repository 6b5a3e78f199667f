"""A message: one thing a person sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# What a person can send beside words; `arrived` is opening the chat with us (a follow, an added friend, a join).
# `unsent`: they took a message back. `removed`: we were taken out of a group, and nobody there can reach us any more.
Kind = Literal[
    "text", "arrived", "sticker", "image", "audio", "video", "file", "location", "other", "unsent", "removed"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """What a platform hands over; the clock comes in with it as `sent_at` (with a time zone).

    `person` is `platform:id`. `pressed` is the payload of a tapped button. `language_hint` is what the
    platform believes the person's language to be, not a wish. `kind` says what was sent where it is no text.
    `ref` is the platform's own name for what was written, the same when it is edited, or unsent; where it was heard
    before, this message takes its place.
    """

    id: str
    person: str
    text: str
    sent_at: datetime
    pressed: str | None = None
    language_hint: str | None = None
    kind: Kind = "text"
    ref: str | None = None
