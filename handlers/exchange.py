"""The exchange: what a platform heard becomes a turn, and the turn what that platform is sent; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.bubble import Bubble
from bot.conversation import Conversation
from bot.message import Message
from bot.step import Turn, take
from bot.turn import bubbles
from handlers.line import body_of, to_line
from handlers.telegram import to_telegram
from knowledge.knowledge import Knowledge

Target = Mapping[str, Any]
Show = Callable[[Sequence[Bubble], Target], tuple[str, ...]]


def payload_of(message: Message, target: Target) -> str:
    """A message and where its answer goes, as the text that the store keeps until the turn is done."""
    said = {
        "id": message.id,
        "person": message.person,
        "text": message.text,
        "sent_at": message.sent_at.isoformat(),
        "pressed": message.pressed,
        "hint": message.language_hint,
        "kind": message.kind,
        "ref": message.ref,
    }
    return json.dumps({"message": said, "target": dict(target)}, ensure_ascii=False)


def erases(message: Message) -> str:
    """By which text the payloads of a message that was unsent are known; empty for every other message.

    No words of a person can hold it: within them `payload_of` writes each quotation mark with a stroke before it.
    """
    return f'"ref": {json.dumps(message.ref, ensure_ascii=False)}' if message.kind == "unsent" and message.ref else ""


def message_of(payload: str) -> tuple[Message, Target]:
    """What `payload_of` wrote."""
    data = json.loads(payload)
    said = data["message"]
    message = Message(
        said["id"],
        said["person"],
        said["text"],
        datetime.fromisoformat(said["sent_at"]),
        said["pressed"],
        said["hint"],
        said["kind"],
        said.get("ref"),  # a payload of an older program has none
    )
    return message, data["target"]


def show_line(shown: Sequence[Bubble], target: Target) -> tuple[str, ...]:
    """The one body that shows bubbles on LINE; the reply token in it is used while it is young."""
    messages = to_line(shown, quote_token=target.get("quote_token"), strict=False)
    if not messages:
        return ()
    token_at = target.get("token_at")
    at = datetime.fromisoformat(token_at) if token_at else None
    return (body_of(messages, reply_token=target.get("reply_token"), token_at=at),)


def show_telegram(shown: Sequence[Bubble], target: Target) -> tuple[str, ...]:
    """The calls that show bubbles on Telegram, a body each."""
    calls = to_telegram(shown, target["chat_id"], thread_id=target.get("thread_id"), reply_to=target.get("reply_to"))
    return tuple(json.dumps(call, ensure_ascii=False) for call in calls)


SHOWS: Mapping[str, Show] = {"line": show_line, "tg": show_telegram}


@dataclass(frozen=True, slots=True)
class Answered:
    """One message, its turn, and what the store keeps of both: the state (empty: a person forgotten), the bodies."""

    message: Message
    turn: Turn
    state: str
    bodies: tuple[str, ...]


Answer = Callable[[str | None, str], Answered]


def answering(knowledge: Knowledge, *, learn: bool = False) -> Answer:
    """A function from (state, payload) to the whole of what became of a message; with `learn` also what was missed."""

    def answer(state: str | None, payload: str) -> Answered:
        message, target = message_of(payload)
        before = Conversation.load(state) if state else Conversation()
        done = take(before, message, knowledge, learn=learn)
        show = SHOWS[message.person.partition(":")[0]]
        kept = "" if done.conversation == Conversation() else done.conversation.dump()
        return Answered(message, done, kept, show(bubbles(done, knowledge), target))

    return answer


def work_of(knowledge: Knowledge) -> Callable[[str | None, str], tuple[str, tuple[str, ...]]]:
    """The work of the store: (state, payload) to (state, bodies). An empty state is a person forgotten."""
    answer = answering(knowledge)

    def work(state: str | None, payload: str) -> tuple[str, tuple[str, ...]]:
        done = answer(state, payload)
        return done.state, done.bodies

    return work
