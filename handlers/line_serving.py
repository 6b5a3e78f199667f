"""Serving LINE: its client, its courtesies and its inbox, put together where LINE is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.delivery import Outcome, Outgoing, Retry
from bot.message import Message
from bot.store import Store
from handlers.line_client import LineClient
from handlers.line_courtesy import Courtesies
from handlers.line_inbox import LineInbox
from handlers.line_sent import Sent
from handlers.settings import LineSettings


class LineSide:
    """LINE in a running program: replies go out by `send`; `inbox` takes what comes."""

    def __init__(self, client: LineClient, courtesies: Courtesies, sent: Sent) -> None:
        self.client, self.courtesies, self._sent = client, courtesies, sent

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Try once to deliver a reply, see `LineClient.send`."""
        outcome = await self.client.send(outgoing)
        if not isinstance(outcome, Retry):
            self.courtesies.settled(outgoing.conversation)
        return outcome

    def inbox(self, store: Store, submit: Callable[[Message, dict[str, object]], Awaitable[object]]) -> LineInbox:
        """What the webhook hands its calls to, once there is a store."""
        self._sent.keep_in(store)
        return LineInbox(submit, self.courtesies, self._sent)

    async def close(self) -> None:
        """End what is under way in the background."""
        await self.courtesies.close()
        await self._sent.close()


@asynccontextmanager
async def line_side(settings: LineSettings) -> AsyncIterator[LineSide]:
    """One client a process, open while the program runs. Raises `LineFault` for settings that cannot be."""
    sent = Sent()
    token = settings.channel_access_token.get_secret_value()
    async with LineClient(token, settings.api_base, sent=sent.add) as client:
        side = LineSide(client, Courtesies(client, mark_as_read=settings.mark_as_read), sent)
        try:
            yield side
        finally:
            await side.close()
