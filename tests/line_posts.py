"""LINE's side of the webhook: events as it builds them, signed, and delivered as badly as it may."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession

from handlers.line import LineClient
from tests.line_double import TOKEN, Clock, LineDouble

SECRET = "channel-secret-of-the-double"  # noqa: S105
BOT = "U" + "b" * 32


def person(number: int) -> str:
    """The user id of a made-up person, as LINE writes them."""
    return f"U{number:032x}"


def sign(raw: bytes, secret: str = SECRET) -> str:
    """The signature header for a body."""
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def body(*events: dict[str, Any], destination: str = BOT) -> bytes:
    """A webhook call's body."""
    return json.dumps({"destination": destination, "events": list(events)}, ensure_ascii=False).encode()


def event(kind: str, source: dict[str, Any], at: datetime, token: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of any type, with an id of its own."""
    return {
        "type": kind,
        "mode": "active",
        "timestamp": round(at.timestamp() * 1000),
        "source": source,
        "webhookEventId": "01" + uuid4().hex[:24].upper(),
        "deliveryContext": {"isRedelivery": False},
        **({"replyToken": token} if token else {}),
        **more,
    }


def said(line: LineDouble, who: str, text: str) -> dict[str, Any]:
    """A text from a person, one to one, with a reply token that the double will know."""
    message = {"type": "text", "id": str(uuid4().int)[:18], "text": text, "quoteToken": uuid4().hex}
    message["markAsReadToken"] = line.issue_mark()
    return event("message", {"type": "user", "userId": who}, line.clock(), line.issue(who), message=message)


def said_in(line: LineDouble, group: str, who: str, text: str, *, named: bool = False, **more: Any) -> dict[str, Any]:
    """A text in a group; `named`: it begins with a mention of the bot. `more` goes into the message."""
    message: dict[str, Any] = {"type": "text", "id": str(uuid4().int)[:18], "text": text, "quoteToken": uuid4().hex}
    if named:
        us = {"type": "user", "index": 0, "length": 8, "userId": BOT, "isSelf": True}
        message |= {"text": f"@Adviser {text}", "mention": {"mentionees": [us]}}
    source = {"type": "group", "groupId": group, "userId": who}
    return event("message", source, line.clock(), line.issue(group), message=message | more)


def edited(line: LineDouble, one: dict[str, Any], text: str) -> dict[str, Any]:
    """What LINE tells when the text of a message in a group is replaced, with its mention as it was."""
    first = one["message"]
    now = first["text"][:9] + text if "mention" in first else text
    return event("messageEdited", one["source"], line.clock(), message=first | {"text": now})


def unsent(line: LineDouble, one: dict[str, Any]) -> dict[str, Any]:
    """What LINE tells when a message is taken back."""
    return event("unsend", one["source"], line.clock(), unsend={"messageId": one["message"]["id"]})


def followed(line: LineDouble, who: str) -> dict[str, Any]:
    """A person who adds the bot as a friend."""
    source = {"type": "user", "userId": who}
    return event("follow", source, line.clock(), line.issue(who), follow={"isUnblocked": False})


def tapped(line: LineDouble, who: str, data: str) -> dict[str, Any]:
    """A tapped button from a person, one to one."""
    return event(
        "postback", {"type": "user", "userId": who}, line.clock(), line.issue(who), postback={"data": data}
    )  # fmt: skip


def again(one: dict[str, Any]) -> dict[str, Any]:
    """The same event as LINE delivers it again: all as it was, but for the mark."""
    return one | {"deliveryContext": {"isRedelivery": True}}


Play = Callable[[LineDouble, LineClient, Clock], Awaitable[None]]


def play(work: Play) -> None:
    """Run a scene with the double, an open client of the SDK and the clock both live by; no body may be faulty."""

    async def scene() -> None:
        clock = Clock()
        async with LineDouble(clock) as line, LineClient(TOKEN, line.base + "/", now=clock) as client:
            await work(line, client, clock)
            assert not line.faults

    asyncio.run(scene())


class Deliverer:
    """Posts events to a webhook as LINE may: several in one call, some twice, and again until the answer is 2xx.

    What is delivered again comes out of order. `random` decides what, so that a seed repeats a run.
    """

    def __init__(self, session: ClientSession, url: str, random: Random, secret: str = SECRET) -> None:
        self._session = session
        self._url = url
        self._random = random
        self._secret = secret

    async def post(self, *events: dict[str, Any]) -> int:
        """One call; its status, or 0 if there was no answer."""
        raw = body(*events)
        headers = {"X-Line-Signature": sign(raw, self._secret), "Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=raw, headers=headers) as answer:
                return answer.status
        except (ClientError, ConnectionError, TimeoutError):
            return 0

    async def deliver(self, events: Sequence[dict[str, Any]], *, twice: float = 0.2, rounds: int = 50) -> int:
        """Deliver all, a share `twice` of them once more than needed; how many calls it took.

        Raises `AssertionError` if something is still refused after so many `rounds`.
        """
        calls = 0
        waiting = list(events)
        for tried in range(rounds):
            missed: list[dict[str, Any]] = []
            while waiting:
                many = self._random.randint(1, min(5, len(waiting)))
                batch, waiting = waiting[:many], waiting[many:]
                calls += 1
                if not 200 <= await self.post(*batch) < 300:
                    missed += [again(one) for one in batch]
            if tried == 0:
                missed += [again(one) for one in events if self._random.random() < twice]
            if not missed:
                return calls
            self._random.shuffle(missed)
            waiting = missed
        raise AssertionError(f"{len(waiting)} events still refused after {rounds} rounds")
