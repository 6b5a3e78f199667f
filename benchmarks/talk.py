"""What people say in the benchmark, and the webhook requests that carry it, signed as the platforms sign them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.doubles import LINE_SECRET, TELEGRAM_WORD
from benchmarks.wire import request
from bot.commit import Work
from bot.message import Message
from handlers.exchange import payload_of, work_of
from knowledge.knowledge import Knowledge

# Each a whole brief, which computes the whole advice, and edits of it; then the same person begins again.
TALKS: tuple[tuple[str, ...], ...] = (
    ("保養品新品,預算30萬,想衝業績,該找誰?", "再加10萬", "改成越南市場,想建立信任", "預算減半"),
    ("kem chống nắng, ngân sách 15 triệu, muốn ra đơn", "ngân sách 30 triệu", "đổi sang thị trường Thái Lan",
     "gấp đôi"),
    ("We launch a new protein powder in the US, budget $20k, want sales. Who should we hire?", "double the budget",
     "make it awareness instead", "we sell cat food now"),
)  # fmt: skip
CYCLES = 3


class Person:
    """Somebody who talks: `number` fixes the name on both platforms and what they say."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.talk = number % len(TALKS)
        self.length = len(TALKS[self.talk])
        self.said = 0
        self.line = f"U{number:032x}"
        self.chat = str(1_000_000 + number)


@dataclass(frozen=True, slots=True)
class Replies:
    """What the adviser says on one platform: calls after each message of each talk; on average calls and bytes."""

    calls: list[list[int]]
    mean_calls: float
    mean_bytes: int


def replies_of(knowledge: Knowledge) -> dict[str, Replies]:
    """What the adviser says to every talk, by platform.

    Found by the adviser's own pure core, before anything is measured. The first time through differs from all later
    ones, because then there is a brief to change; raises `ValueError` should the third time differ from the second.
    """
    work = work_of(knowledge)
    return {"line": _replies(work, "line"), "telegram": _replies(work, "tg")}


def _replies(work: Work, name: str) -> Replies:
    calls = []
    later: list[tuple[str, ...]] = []
    for talk in TALKS:
        state: str | None = None
        found = []
        for number, text in enumerate(talk * CYCLES):
            now = datetime.now(UTC)
            target = {"reply_token": "x", "token_at": now.isoformat(), "chat_id": 1}
            state, bodies = work(state, payload_of(Message(str(number), f"{name}:1", text, now), target))
            found.append(bodies)
        counts = [len(bodies) for bodies in found]
        if counts[-len(talk) :] != counts[-2 * len(talk) : -len(talk)]:
            raise ValueError(f"{talk[0]!r} leads to other replies each time; choose another talk")
        calls.append(counts)
        later += found[-len(talk) :]
    size = sum(len(body.encode()) for bodies in later for body in bodies)
    return Replies(calls, sum(map(len, later)) / len(later), round(size / len(later)))


class Talk:
    """Makes the requests of one platform; events are numbered from the time on, so that no two runs share one."""

    def __init__(self, platform: str, path: str, calls: list[list[int]] | None) -> None:
        self.platform, self._path, self._calls = platform, path, calls
        self._event = time.time_ns() // 100_000

    def name(self, person: Person) -> str:
        """What the double knows a person by."""
        return person.line if self.platform == "line" else person.chat

    def next(self, person: Person) -> tuple[bytes, int]:
        """What a person says next, as a request, and how many calls will answer it."""
        talk = TALKS[person.talk]
        at = person.said
        person.said += 1
        replies = 1
        if self._calls is not None:
            counts = self._calls[person.talk]
            replies = counts[at if at < len(counts) else len(talk) + at % len(talk)]
        self._event += 1
        text = talk[at % len(talk)]
        if self.platform == "line":
            return self._line(person, text), replies
        return self._telegram(person, text), replies

    def _line(self, person: Person, text: str) -> bytes:
        event = {
            "type": "message",
            "mode": "active",
            "timestamp": int(time.time() * 1000),
            "source": {"type": "user", "userId": person.line},
            "webhookEventId": f"01{self._event:024d}",
            "deliveryContext": {"isRedelivery": False},
            "replyToken": f"{person.line}.{self._event}",
            "message": {"type": "text", "id": str(self._event), "quoteToken": "q", "text": text},
        }
        body = json.dumps({"destination": "U" + "0" * 32, "events": [event]}).encode()
        signed = base64.b64encode(hmac.new(LINE_SECRET.encode(), body, hashlib.sha256).digest()).decode()
        return request(self._path, {"X-Line-Signature": signed}, body)

    def _telegram(self, person: Person, text: str) -> bytes:
        chat = int(person.chat)
        message = {
            "message_id": self._event % 2_000_000_000,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "A"},
            "from": {"id": chat, "is_bot": False, "first_name": "A"},
            "text": text,
        }
        body = json.dumps({"update_id": self._event % 2_000_000_000, "message": message}).encode()
        return request(self._path, {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_WORD}, body)
