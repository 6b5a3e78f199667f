"""Serving Telegram: its client, who the bot is, and how updates come, put together where Telegram is configured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from bot.delivery import Outcome, Outgoing
from bot.duty import Duties, Duty
from bot.message import Message
from bot.store import Store
from handlers import telegram_setup
from handlers.settings import TelegramSettings
from handlers.telegram_client import TelegramClient, retry_after
from handlers.telegram_inbox import TelegramInbox
from handlers.telegram_poll import Poller
from handlers.telegram_self import Self, TelegramFault

__all__ = ["TelegramFault", "TelegramSide", "telegram_side"]
TEXTS_TRIES = 6
TEXTS_PAUSE_SECONDS = 10.0
_log = logging.getLogger(__name__)


class TelegramSide:
    """Telegram in a running program: replies go out by `send`; `inbox` takes what comes; `run` goes on beside."""

    def __init__(self, client: TelegramClient, us: Self, settings: TelegramSettings) -> None:
        self.client, self._us, self._settings = client, us, settings
        self._inbox: TelegramInbox | None = None

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Try once to deliver a reply, see `TelegramClient.send`."""
        return await self.client.send(outgoing)

    def inbox(self, store: Store, submit: Callable[[Message, dict[str, object]], Awaitable[object]]) -> TelegramInbox:
        """What updates are handed to, once there is a store."""
        self._inbox = TelegramInbox(self._us, store.moves, submit, self.client.answer)
        return self._inbox

    async def run(self, store: Store, inbox: TelegramInbox, stop: asyncio.Event) -> None:
        """Until `stop`: learn who we are, let Telegram show what the bot does, and poll if that is how updates come.

        Of all replicas one polls; all bring the texts up to date, which is cheap where they are so already.
        """
        if not await self._us.known(stop):
            return
        showing = asyncio.create_task(self._show(stop))
        try:
            if self._settings.mode == "polling":
                duty = Duty(Duties(store), f"polling Telegram for bot {self._us.number}")
                await duty.run(lambda lost: self._poll(inbox, lost), stop)
            else:
                await stop.wait()
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _poll(self, inbox: TelegramInbox, lost: asyncio.Event) -> None:
        _log.info("Telegram is polled from here")
        await Poller(self.client, inbox.keep, self._us.name or "", self._us.number).run(lost)

    async def _show(self, stop: asyncio.Event) -> None:
        """Commands and descriptions in every language; nothing depends on it, so it may fail."""
        from telegram.error import RetryAfter

        for attempt in range(TEXTS_TRIES):
            pause = TEXTS_PAUSE_SECONDS * 2**attempt
            try:
                changed = await telegram_setup.show(self.client)
            except RetryAfter as error:
                pause = retry_after(error)
                _log.warning("Telegram wants %.0f s of quiet before it shows commands and descriptions", pause)
            except Exception as error:
                _log.warning("commands and descriptions were not shown (%s)", error.__class__.__name__)
            else:
                if changed:
                    _log.info("Telegram shows anew: %s", ", ".join(changed))
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            if stop.is_set():
                return
        _log.error("commands and descriptions are left as they were: run kol-advisor telegram setup")

    async def close(self) -> None:
        """End what is under way in the background."""
        if self._inbox is not None:
            await self._inbox.close()


@asynccontextmanager
async def telegram_side(settings: TelegramSettings) -> AsyncIterator[TelegramSide]:
    """One client a process, open while the program runs. Raises `TelegramFault` if Telegram refuses the token.

    That Telegram cannot be reached is no fault: it is tried again in the background.
    """
    token = settings.token.get_secret_value()
    client = TelegramClient(token, settings.base_url)
    us = Self(client, token)
    async with client:
        await us.ask()
        side = TelegramSide(client, us, settings)
        try:
            yield side
        finally:
            await side.close()
