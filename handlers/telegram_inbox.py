"""Telegram's inbox: what an update says becomes a durable turn, or a change of where and whether replies can go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from bot.memory import Busy
from bot.message import Message
from bot.moving import Moves
from handlers.incoming import telegram_message
from handlers.telegram_heard import Heard, from_telegram
from handlers.telegram_moves import can_have_moved, chat_of
from handlers.telegram_self import Self

# When a group becomes a supergroup, we are told that we were added to it; nobody wants to be greeted again for that.
MOVED_SECONDS = 600.0


class TelegramInbox:
    """Takes updates, from polling or from the webhook."""

    def __init__(
        self,
        us: Self,
        moves: Moves,
        submit: Callable[[Message, dict[str, object]], Awaitable[object]],
        acknowledge: Callable[[str | None], Awaitable[object]],
    ) -> None:
        """`submit` returns when a turn is durable; `acknowledge` stops a tapped button's clock."""
        self._us, self._moves, self._submit, self._acknowledge = us, moves, submit, acknowledge
        self._acknowledging: set[asyncio.Task[object]] = set()

    async def take(self, update: object) -> None:
        """Make an update of the webhook durable. Raises `Busy` or `MemoryFault` where it should come again."""
        if self._us.name is None:
            raise Busy("the bot's name is not known yet")
        heard = from_telegram(update, self._us.name, self._us.number, datetime.now(UTC))
        if heard is not None:
            await self.keep(heard)

    async def keep(self, heard: Heard) -> None:
        """Make what was heard durable; raises as `take`."""
        if heard.callback_id:
            # At once and beside everything else: the person waits for it, and it changes nothing.
            task = asyncio.get_running_loop().create_task(self._acknowledged(heard.callback_id))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledging.discard)
        if heard.kind == "migrated" and heard.moved_to:
            await self._moves.move(heard.event_id, heard.conversation, heard.moved_to)
            return
        if heard.kind in ("blocked", "left"):
            await self._moves.silence(heard.event_id, heard.conversation)
            return
        if heard.kind == "joined" and await self._moves.moved_here(heard.conversation, MOVED_SECONDS):
            return
        found = telegram_message(await self._followed(heard))
        if found is not None:
            await self._submit(*found)

    async def _acknowledged(self, callback_id: str) -> object:
        return await self._acknowledge(callback_id)

    async def _followed(self, heard: Heard) -> Heard:
        """What is tapped or said in a group that has moved belongs to where it went: old buttons stay in place."""
        if not can_have_moved(heard.chat_id):
            return heard
        place = await self._moves.place_of(heard.conversation)
        if place == heard.conversation:
            return heard
        return replace(heard, conversation=place, chat_id=chat_of(place), message_id=None, thread_id=None)

    async def close(self) -> None:
        """End what is under way in the background."""
        for task in self._acknowledging:
            task.cancel()
        await asyncio.gather(*self._acknowledging, return_exceptions=True)
