"""Who the bot is: its number stands in its token, its name is Telegram's to tell, whenever that can be reached."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from handlers.telegram_client import TelegramClient

FIRST_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 1.0
MOST_PAUSE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class TelegramFault(Exception):
    """Telegram refuses what is configured; the text says what to change, without the token."""


class Self:
    """The bot's own number and name, by which is known what is meant for it in a group."""

    def __init__(self, client: TelegramClient, token: str) -> None:
        """Raises `TelegramFault` for what is no token."""
        number = token.partition(":")[0]
        if not (number.isascii() and number.isdecimal() and 0 < len(number) < 19):
            raise TelegramFault("telegram.token is no bot's token: copy it anew from @BotFather, with number and colon")
        self._client, self.number = client, int(number)
        self._name: str | None = None

    @property
    def name(self) -> str | None:
        """The username without @; `None` until Telegram has told it."""
        return self._name

    async def ask(self, seconds: float = FIRST_SECONDS) -> bool:
        """Ask once, for so many seconds at most; whether Telegram told. Raises `TelegramFault` if it knows no such bot.

        A server must come up while Telegram is out of reach, for the other platform and for what comes later.
        """
        from telegram.error import InvalidToken

        try:
            async with asyncio.timeout(seconds):
                me = await self._client.bot.get_me()
        except InvalidToken as error:
            if error.__cause__ is None:
                raise TelegramFault(
                    f"Telegram does not know this bot ({self._client.plain(error)}); check telegram.token"
                ) from None
            _log.warning("Telegram's place is taken by something else: check telegram.base_url and what lies between")
            return False
        except Exception as error:
            _log.warning("Telegram cannot be reached (%s); it is tried again", error.__class__.__name__)
            return False
        self._name = me.username or ""
        return True

    async def known(self, stop: asyncio.Event) -> bool:
        """Ask, ever more rarely, until the name is known; `False` if the stop came first."""
        pause = FIRST_PAUSE_SECONDS
        while self._name is None and not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(MOST_PAUSE_SECONDS, pause * 2)
            try:
                if not stop.is_set():
                    await self.ask()
            except TelegramFault as fault:
                _log.error("%s", fault)
        return self._name is not None
