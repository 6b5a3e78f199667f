"""The webhooks: requests in, durable turns behind them, and an answer only then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Literal

from aiohttp import web

from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Busy, Store
from handlers import line, telegram
from handlers.exchange import erases, payload_of
from handlers.guard import Guard

UNSIGNED = "signature missing or wrong"
WORDLESS = "secret token missing or wrong"
Submit = Callable[[Message, dict[str, object]], Awaitable[object]]


def submitting(store: Store) -> Submit:
    """A way to hand one message to the store; returns when its turn is durable."""

    async def submit(message: Message, target: dict[str, object]) -> Literal["new", "seen"]:
        payload = payload_of(message, target)
        return await store.submit(message.id, message.person, payload, erases=erases(message))

    return submit


class Webhooks:
    """The two addresses, `/line` and `/telegram`; each exists only where its platform is configured."""

    def __init__(self, submit: Submit, guard: Guard) -> None:
        self._submit, self._guard = submit, guard

    def for_line(self, secret: str, keep: Callable[[line.Post], Awaitable[None]]) -> web.RouteDef:
        """LINE: signature on the raw bytes, every event kept before the 200, `events: []` fine."""

        async def handle(request: web.Request) -> web.Response:
            signature = self._guard.header(request, line.SIGNATURE_HEADER)
            if signature is None or len(signature) != line.SIGNATURE_LENGTH:
                return self._guard.refused(request, 401, UNSIGNED)
            raw = await self._guard.body(request)
            if isinstance(raw, web.Response):
                return raw
            if not line.verify(raw, signature, secret):
                return self._guard.refused(request, 401, UNSIGNED)
            self._guard.verified(request)
            try:
                post = line.read_post(raw)
            except line.LineFault as fault:
                return web.Response(status=400, text=str(fault))
            return await self._kept([keep(post)])

        return web.post("/line", handle)

    def for_telegram(self, secret: str, keep: Callable[[object], Awaitable[None]]) -> web.RouteDef:
        """Telegram: the secret token, one update a request, kept before the 200."""

        async def handle(request: web.Request) -> web.Response:
            if not telegram.verify(self._guard.header(request, telegram.SECRET_HEADER), secret):
                return self._guard.refused(request, 401, WORDLESS)
            self._guard.verified(request)
            raw = await self._guard.body(request, verified=True)
            if isinstance(raw, web.Response):
                return raw
            try:
                update = json.loads(raw)
            except (ValueError, RecursionError):
                return web.Response(status=400, text="not JSON")
            return await self._kept([keep(update)])

        return web.post("/telegram", handle)

    async def _kept(self, work: list[Awaitable[object]]) -> web.Response:
        """200 once everything is durable; 503 where it is not, so that the platform delivers again."""
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, Busy | MemoryFault):
                return self._guard.busy()
            if isinstance(result, BaseException):
                raise result
        return web.Response(text="OK")
