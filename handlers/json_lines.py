"""JSON lines: one object in, one object out, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TextIO
from uuid import uuid4

from bot.memory import Memory
from bot.message import Message
from bot.turn import bubbles, turn
from handlers.contract import turn_object
from knowledge.knowledge import Knowledge

PLATFORM = "local"
_KEYS = {"text": str, "person": str, "press": str, "language": str}


class LineFault(Exception):
    """A line is no message; the text says what it should be."""


def from_line(line: str, sent_at: datetime, hint: str | None = None) -> Message:
    """Read one line of input; `hint` is the language where the line names none. Raises `LineFault` in plain words."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise LineFault('not a JSON object: write one a line, such as {"text": "hello"}') from None
    if not isinstance(data, dict):
        raise LineFault('not a JSON object: write one a line, such as {"text": "hello"}')
    for key, kind in _KEYS.items():
        if key == "person" and isinstance(data.get(key), int) and not isinstance(data[key], bool):
            data[key] = str(data[key])
        if data.get(key) is not None and not isinstance(data[key], kind):
            raise LineFault(f"{key!r} must be a text")
    if data.get("text") is None and data.get("press") is None:
        raise LineFault("'text' or 'press' is missing")
    return Message(
        id=f"{PLATFORM}:{uuid4()}",
        person=f"{PLATFORM}:{_sound(data.get('person') or '1')}",
        text=_sound(data.get("text") or ""),
        pressed=data.get("press"),
        language_hint=data.get("language") or hint,
        sent_at=sent_at,
    )


def _sound(text: str) -> str:
    """Without halves of characters, which no database or terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


async def answer_line(
    line: str, sent_at: datetime, memory: Memory, knowledge: Knowledge, hint: str | None = None
) -> dict[str, Any]:
    """The object to write for one line: a turn, or `{"error": ...}` after which the talk goes on."""
    try:
        message = from_line(line, sent_at, hint)
    except LineFault as fault:
        return {"error": str(fault)}
    done = await turn(message, memory, knowledge)
    if done is None:
        return {"error": "this message was answered before"}
    return turn_object(message.person, done, bubbles(done, knowledge), knowledge)


def write(data: dict[str, Any], out: TextIO) -> None:
    """One object, one line, at once. Lone surrogates become replacement marks rather than an error."""
    text = json.dumps(data, ensure_ascii=False, separators=(", ", ": "))
    out.write(text.encode("utf-8", "replace").decode("utf-8") + "\n")
    out.flush()


def lines(source: TextIO) -> Iterator[str]:
    """The lines that say something."""
    stream: Iterable[str] = source
    for line in stream:
        if line.strip():
            yield line
