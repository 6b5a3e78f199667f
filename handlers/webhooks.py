"""The webhooks: requests in, durable turns behind them, and an answer only then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Busy, Store
from handlers import line, telegram
from handlers.exchange import payload_of
from handlers.incoming import line_message, telegram_message

MOST_BYTES = 1_000_000
RETRY_SECONDS = "2"
Submit = Callable[[Message, dict[str, object]], Awaitable[None]]


def submitting(store: Store) -> Submit:
    """A way to hand one message to the store; returns when its turn is durable."""

    async def submit(message: Message, target: dict[str, object]) -> None:
        await store.submit(message.id, message.person, payload_of(message, target))

    return submit


class Webhooks:
    """The two addresses, `/line` and `/telegram`; each exists only where its platform is configured."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    def for_line(
        self,
        secret: str,
        arrived: Callable[[line.Heard], Awaitable[str | None]],
        ours: Callable[[str], bool],
    ) -> web.RouteDef:
        """LINE: signature on the raw bytes, every event kept before the 200, `events: []` fine.

        `arrived` asks for the language of a person who has just come; `ours` knows the messages we sent, so that
        quoting one in a group speaks to us.
        """

        async def handle(request: web.Request) -> web.Response:
            raw = await request.read()
            if not line.verify(raw, request.headers.get(line.SIGNATURE_HEADER), secret):
                return web.Response(status=401, text="signature missing or wrong")
            try:
                post = line.read_post(raw)
            except line.LineFault as fault:
                return web.Response(status=400, text=str(fault))
            now = datetime.now(UTC)
            heard = [
                one
                for event in post.events
                if (one := line.from_line(event, received_at=now, destination=post.destination, ours=ours)) is not None
            ]
            return await self._kept([self._one_of_line(one, arrived) for one in heard])

        return web.post("/line", handle)

    async def _one_of_line(self, heard: line.Heard, arrived: Callable[[line.Heard], Awaitable[str | None]]) -> None:
        hint = await arrived(heard) if heard.kind in ("follow", "join") else None
        found = line_message(heard, hint)
        if found is not None:
            await self._submit(*found)

    def for_telegram(
        self, secret: str, username: str, bot_id: int, tapped: Callable[[str | None], Awaitable[object]]
    ) -> web.RouteDef:
        """Telegram: the secret token, one update a request; `tapped` stops the button's spinner."""

        async def handle(request: web.Request) -> web.Response:
            if not telegram.verify(request.headers.get(telegram.SECRET_HEADER), secret):
                return web.Response(status=401, text="secret token missing or wrong")
            try:
                update = json.loads(await request.read())
            except (ValueError, RecursionError):
                return web.Response(status=400, text="not JSON")
            heard = telegram.from_telegram(update, username, bot_id, datetime.now(UTC))
            found = telegram_message(heard) if heard is not None else None
            if heard is None or found is None:
                return web.Response(text="nothing to do")
            response = await self._kept([self._submit(*found)])
            if heard.callback_id:
                await tapped(heard.callback_id)
            return response

        return web.post("/telegram", handle)

    async def _kept(self, work: list[Awaitable[None]]) -> web.Response:
        """200 once everything is durable; 503 where it is not, so that the platform delivers again."""
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, Busy | MemoryFault):
                return web.Response(status=503, text="busy, deliver again", headers={"Retry-After": RETRY_SECONDS})
            if isinstance(result, BaseException):
                raise result
        return web.Response(text="OK")
