"""LINE's inbox: what one webhook call brought becomes durable turns, in order and within LINE's patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Busy
from handlers.incoming import line_message
from handlers.line_courtesy import Courtesies
from handlers.line_events import Heard, Post, from_line
from handlers.line_sent import Sent

# LINE counts a webhook as failed after two seconds. What is not durable by then is told so, and comes again.
KEEP_SECONDS = 1.7


class LineInbox:
    """Hands events to the store: a person's own in order, everybody's at once."""

    def __init__(
        self,
        submit: Callable[[Message, dict[str, object]], Awaitable[object]],
        courtesies: Courtesies,
        sent: Sent,
        *,
        seconds: float | None = None,
    ) -> None:
        """`submit` returns when a turn is durable, "seen" if it was before. `seconds`: the time one call may take."""
        self._submit, self._courtesies, self._sent = submit, courtesies, sent
        self._seconds = KEEP_SECONDS if seconds is None else seconds
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    async def keep(self, post: Post) -> None:
        """Make all of it durable. Raises `Busy` or `MemoryFault` where something is not; it should come again."""
        late = Busy("not durable in time")
        try:
            async with asyncio.timeout(self._seconds):
                results = await self._kept(post)
        except TimeoutError:
            raise late from None
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _kept(self, post: Post) -> list[BaseException | None]:
        now = datetime.now(UTC)
        ours = await self._sent.quoted(post.events)
        people: dict[str, list[Heard]] = {}
        for event in post.events:
            heard = from_line(event, received_at=now, destination=post.destination, ours=ours)
            if heard is not None:
                people.setdefault(heard.person, []).append(heard)
        results = await asyncio.gather(*(self._person(person, heard) for person, heard in people.items()))
        return [result for one in results for result in one]

    async def _person(self, person: str, heard: list[Heard]) -> list[BaseException | None]:
        """One person's events: all put in line in their order, then waited for."""
        asking = self._asking.get(person)
        if asking is None and any(one.kind == "follow" for one in heard):
            asking = self._asking[person] = asyncio.get_running_loop().create_task(self._courtesies.language(person))
            asking.add_done_callback(lambda _: self._asking.pop(person, None))
        # Whoever writes while their profile is still being asked for waits with their greeting, not before it.
        hint = await asyncio.shield(asking) if asking is not None else None
        return await asyncio.gather(*(self._one(one, hint) for one in heard), return_exceptions=True)

    async def _one(self, heard: Heard, hint: str | None) -> None:
        found = line_message(heard, hint)
        if found is None:
            return
        self._courtesies.expect(heard)
        try:
            told = await self._submit(*found)
        except (Busy, MemoryFault):
            self._courtesies.settled(heard.person)
            raise
        if told == "seen":
            self._courtesies.settled(heard.person)
        else:
            self._courtesies.durable(heard)
