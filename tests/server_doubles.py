"""The doubles of LINE and Telegram on a bad day: slow, failing, cutting connections; and they remember who saw what.

What goes wrong is drawn from a seed. Each reply that reaches a person is kept as an `Arrival`, so that afterwards it
can be told whether one that came twice had to: because the answer to the first was cut off, or because somebody was
killed in between.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from tests.line_double import LineDouble
from tests.line_posts import again
from tests.telegram_double import Telegram

# How often a call meets a trouble, and which; what a platform does after the effect hides that there was one.
# Silence, which costs ten seconds, is rarer.
TROUBLED = 0.05
LINE_TROUBLES = ("refuse", "lose", "cut", "garbage", "html", "rate", "word")
TELEGRAM_TROUBLES = ("refuse", "lose", "cut", "rate", "bare rate")
SILENT = 0.001
WITHDRAWN = 0.3
_HIDDEN = ("lose", "garbage", "silent", "word")
_AMOUNT = re.compile(r"NT\$([\d,]+)")


@dataclass(slots=True)
class Arrival:
    """A reply that a person has seen: the budget it names, how it came, from which life of which replica, whether the
    platform's answer went out whole; and how it had come `before`, with or without a cause to send it again."""

    amount: int
    how: str
    replica: str
    life: int
    answered: bool = True
    before: str = ""
    caused: bool = True


@dataclass
class Day:
    """What the doubles share: chance, what is told of every step, and who saw what."""

    random: Random
    step: Callable[[], None]
    life: Callable[[str], int]
    seen: dict[str, list[Arrival]] = field(default_factory=dict)
    troubles: Counter[str] = field(default_factory=Counter)
    silent: float = SILENT
    over: bool = False

    def arrive(self, person: str, texts: Iterable[str], how: str) -> None:
        """Keep what reached a person."""
        found = _AMOUNT.search("\n".join(texts))
        call = _call.get()
        arrival = Arrival(int(found[1].replace(",", "")) if found else -1, how, call.replica, call.life)
        known = self.seen.setdefault(person, [])
        for before in (one for one in reversed(known) if one.amount == arrival.amount):
            arrival.before = before.how
            # Nobody could know that it had arrived: the answer was cut off, or who should have heard it was killed.
            arrival.caused = not before.answered or self.life(before.replica) != before.life
            break
        known.append(arrival)
        call.made.append(arrival)

    def trouble(self, kinds: tuple[str, ...]) -> str:
        """What goes wrong with this call; mostly nothing."""
        drawn = self.random.random()
        found = "silent" if drawn < self.silent else self.random.choice(kinds) if drawn < TROUBLED else ""
        if self.over:
            found = ""  # so that it comes to an end
        self.troubles[found] += bool(found)
        return found

    async def slowness(self) -> None:
        """Some calls take a while, few a long one."""
        drawn = self.random.random()
        if drawn < 0.3:
            await asyncio.sleep(drawn * 0.1 if drawn > 0.003 else 1.0)


@dataclass(slots=True)
class _Call:
    """A call that is being answered: whose it was when it began, and what reached a person by it."""

    replica: str
    life: int
    made: list[Arrival] = field(default_factory=list)


_call: ContextVar[_Call] = ContextVar("_call")


class BadLine(LineDouble):
    """LINE on a bad day."""

    def __init__(self, day: Day) -> None:
        super().__init__(lambda: datetime.now(UTC))
        self._day = day

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self._day.step()
        _call.set(call := _Call("", self._day.life("")))
        await self._day.slowness()
        trouble = self._day.trouble(LINE_TROUBLES)
        self.trouble.clear()
        self.trouble.extend([trouble] if trouble else [])
        try:
            return await super()._gate(request, handler)
        except ConnectionError:
            return _broken(request)  # who called was killed while speaking
        finally:
            for arrival in call.made:
                arrival.answered = trouble not in _HIDDEN
            self._day.step()

    def again(self, event: dict[str, Any], *, withdraw: bool) -> dict[str, Any]:
        """The event as LINE delivers it again; `withdraw`: in some cases its reply token can be used no more."""
        if withdraw and not event["deliveryContext"]["isRedelivery"] and self._day.random.random() < WITHDRAWN:
            self._tokens.pop(event["replyToken"], None)
        return again(event)

    def _take(self, to: str, messages: Iterable[dict[str, Any]], how: str) -> dict[str, Any]:
        kept = tuple(messages)
        self._day.arrive(f"line:{to}", (one.get("text", "") for one in kept), how)
        return super()._take(to, kept, how)


class BadTelegram(Telegram):
    """Telegram on a bad day. What stands before `/bot` in an address is the name of the replica that calls.

    `confirmed` is called with every offset that a poller gives.
    """

    def __init__(self, day: Day) -> None:
        super().__init__(time.monotonic)
        self._day = day
        self.confirmed: Callable[[int], None] = lambda _: None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if method not in ("sendMessage", "getUpdates"):
            return await super()._handle(request)
        self._day.step()
        replica = request.match_info["before"].strip("/")
        _call.set(call := _Call(replica, self._day.life(replica)))
        await self._day.slowness()
        trouble = self._day.trouble(TELEGRAM_TROUBLES)
        if trouble == "cut":
            return _broken(request)
        if trouble == "refuse":
            return _refusal(500, "Internal Server Error")
        if trouble.endswith("rate"):
            more = {"parameters": {"retry_after": 1}} if trouble == "rate" else {}
            return _refusal(429, "Too Many Requests", **more)
        try:
            answer = await super()._handle(request)
        except ConnectionError:
            return _broken(request)
        for arrival in call.made:
            arrival.answered = trouble not in _HIDDEN
        self._day.step()
        if trouble == "silent":
            await asyncio.sleep(15)  # beyond the patience of any client
        return _broken(request) if trouble == "lose" else answer

    async def _get_updates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if params.get("offset") is not None:
            self.confirmed(params["offset"])
        return await super()._get_updates(params)

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        message = super()._send_message(params)
        self._day.arrive(f"tg:{params['chat_id']}", [message["text"]], "send")
        return message


def _broken(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.close()
    return web.Response(status=500)


def _refusal(code: int, description: str, **more: Any) -> web.Response:
    return web.json_response({"ok": False, "error_code": code, "description": description, **more}, status=code)
