"""The store: events in, replies out, and nothing lost or done twice in between, whatever is killed whenever.

`submit` returns when the event's turn is durable: its id, the state it led to and its replies are one transaction,
shared with everything else that waited (group commit). Replies of a conversation leave one at a time, in order,
each under a lease; what a dead process was sending is sent again by another, or by its next start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeVar
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot import store_chores as chores
from bot.commit import Arrived, Work
from bot.database import fault, file_of, open_database, seconds
from bot.dead_letter import DeadLetter, storable
from bot.delivery import Pauses, Retry, Send, deliver
from bot.file_lock import FileLock
from bot.lane import ENDED, Clock, Job, Lane, Waiting
from bot.memory import Busy, MemoryFault
from bot.moving import Moves, Moving, purge_moved
from bot.outbox import Finished, Leased
from bot.store_chores import Depth
from bot.store_tables import migrate

T = TypeVar("T")
__all__ = ["Busy", "Clock", "Depth", "Store", "Work"]


class Store:
    """One process's part of the engine; create it anywhere, `start` it in the loop that will use it."""

    def __init__(
        self,
        url: str,
        work: Work,
        send: Send,
        *,
        owner: str,
        clock: Clock | None = None,
        lanes: int = 1,
        waiting: int = 2000,
        in_flight: int = 64,
        lease: float = 30.0,
        tick: float = 0.25,
        moving: Moving | None = None,
    ) -> None:
        """Touch nothing yet.

        `owner` names this replica: no other that runs may have the same name; one that starts again under its old
        name takes up its replies at once. `clock` (seconds since 1970): left out, the server's own on PostgreSQL.
        `lanes`: writer threads; SQLite always has one. `waiting`: events not yet durable before `Busy`.
        `in_flight`: replies sent at a time; with 0 none is, those that wait are left to others.
        `lease`: seconds a reply is ours; a send may take 0.6 of it.
        `tick`: seconds between looks for what is due. `moving`: what a move means, where conversations
        move.
        """
        self._url, self._work, self._send, self._owner, self._clock = url, work, send, owner, clock
        self._count, self._waiting, self._in_flight = max(1, lanes), waiting, in_flight
        self._lease, self._tick = lease, tick
        self.moves = Moves(self.do, moving, patience=lease, tick=tick)
        self._lanes: list[Lane] = []
        self._sends: set[asyncio.Task[None]] = set()
        self._inbox = 0
        self._open = False
        self._engine: sa.Engine | None = None
        self._lock: FileLock | None = None

    async def start(self) -> None:
        """Open the database, bring its tables up to date, take up what was left. Raises `MemoryFault`."""
        try:
            self._engine = await asyncio.to_thread(self._opened)
        except BaseException:
            self._release()
            raise
        count = 1 if self._engine.dialect.name == "sqlite" else self._count
        pauses = Pauses()
        self._lanes = [
            Lane(
                self._engine,
                self._work,
                f"{self._owner}/{number}",
                loop=asyncio.get_running_loop(),
                sending=self._begin,
                pauses=pauses,
                room=self._in_flight and max(1, self._in_flight // count),
                lease=self._lease,
                tick=self._tick,
                clock=self._clock,
            )
            for number in range(count)
        ]
        self._open = True
        for lane in self._lanes:
            lane.start()

    async def stop(self, grace: float) -> None:
        """Take nothing more, let sends finish for up to `grace` seconds, hand back the rest. May be called twice."""
        self._open = False
        lanes, self._lanes = self._lanes, []
        end = time.monotonic() + grace
        for lane in lanes:
            lane.drain()
        for lane in lanes:
            # Behind this, everything submitted before is durable and its sends have begun.
            with suppress(MemoryFault, TimeoutError):
                await asyncio.wait_for(self._ask(lane, lambda *_: None), max(0.1, end - time.monotonic()))
        if self._sends:
            await asyncio.wait(set(self._sends), timeout=max(0.0, end - time.monotonic()))
        for task in set(self._sends):
            task.cancel()
        if self._sends:
            await asyncio.wait(set(self._sends))
        await asyncio.gather(*(asyncio.to_thread(lane.end, max(2.0, end - time.monotonic())) for lane in lanes))
        self._release()

    async def submit(self, event: str, conversation: str, payload: str, *, erases: str = "") -> Literal["new", "seen"]:
        """Answer an event once. Returns when its turn is durable: "new", or "seen" if it was taken before.

        `erases`: a text; the conversation's failed events whose payload holds it are deleted in the same commit.
        A turn that fails is "new" as well: its event is a dead letter, and the next one is answered. Raises `Busy`,
        `MemoryFault` (nothing was kept; deliver again), `ValueError` for a name no database can keep.
        """
        if not self._open or self._inbox >= self._waiting:
            raise Busy("too much waits to be answered" if self._open else ENDED)
        for name in (event, conversation):
            storable(name)
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._lane(conversation).put(Waiting(Arrived(event, conversation, payload, erases), told))
        self._inbox += 1
        told.add_done_callback(self._left)
        return "new" if await told else "seen"

    async def transact(
        self, event: str, conversation: str, work: Callable[[str | None], tuple[str | None, T]]
    ) -> T | None:
        """A turn whose answer is returned instead of sent; `None` if the event was taken before.

        An exception of `work` leaves nothing behind and comes out here.
        """
        if not self._open:
            raise Busy(ENDED)
        for name in (event, conversation):
            storable(name)

        def run(connection: sa.Connection, now: float) -> Any:
            return chores.answer_here(connection, now, event, conversation, work)[1]

        found: T | None = await self._ask(self._lane(conversation), run)
        return found

    async def note(self, names: Sequence[str]) -> None:
        """Keep names for `noted`, as long as event ids are kept."""
        for name in names:
            storable(name)
        await self._ask(self._lane(""), lambda connection, now: chores.note(connection, now, names))

    async def noted(self, name: str) -> bool:
        """Whether this or another replica noted `name` before; never an event's id."""
        storable(name)
        return bool(await self._ask(self._lane(""), lambda connection, _: chores.noted(connection, name)))

    async def do(self, conversation: str, job: Callable[[sa.Connection, float], Any]) -> Any:
        """Do something else in a transaction of its own, in its place in the conversation's line.

        `job` gets the connection and the time (seconds since 1970); its result is returned. Raises `MemoryFault`.
        """
        return await self._ask(self._lane(conversation), job)

    async def forget(self, conversation: str) -> None:
        """Erase a conversation: state, replies, dead letters. Event ids stay; they name no one."""
        await self._ask(self._lane(conversation), lambda connection, _: chores.forget(connection, conversation))

    async def export(self, conversation: str) -> dict[str, Any]:
        """Everything kept of a conversation: `state`, `at`, `waiting` replies, `dead` letters."""
        found: dict[str, Any] = await self._ask(
            self._lane(conversation), lambda connection, _: chores.export(connection, conversation)
        )
        return found

    async def purge(self, before: float, idle: float | None = None) -> int:
        """Delete event ids older than `before`; and, with `idle`, dead letters, misses, conversations older than that.

        Both in seconds since 1970. Keep event ids for three days: platforms deliver again for one. In small steps,
        between which events are answered. Returns how many rows went.
        """
        gone = await self._steps(lambda connection, _: chores.purge_events(connection, before))
        if idle is None:
            return gone
        gone += await self._steps(lambda connection, _: chores.purge_dead(connection, idle))
        gone += await self._steps(lambda connection, _: chores.purge_misses(connection, idle))
        gone += await self._steps(lambda connection, _: purge_moved(connection, idle))
        place: str | None = ""
        while place is not None:
            step = partial(chores.purge_conversations, before=idle, after=place)
            count, place = await self._ask(self._lane(""), step)
            gone += count
        return gone

    async def dead(self, most: int = 100) -> list[DeadLetter]:
        """The latest dead letters, newest first."""
        found: list[DeadLetter] = await self._ask(
            self._lane(""), lambda connection, _: chores.dead_letters(connection, most)
        )
        return found

    async def depth(self) -> Depth:
        """How much waits, for measurements; raises `MemoryFault` where the database does not answer."""
        outbox, oldest, letters = await self._ask(self._lane(""), chores.depth)
        return Depth(self._inbox, len(self._sends), outbox, oldest, letters)

    @property
    def alone(self) -> bool:
        """Whether no other process can work on this database: an SQLite file is ours while we run."""
        return self._engine is not None and self._engine.dialect.name == "sqlite"

    @property
    def fault(self) -> str | None:
        """Why the latest group could not be committed, in plain words; `None` if all is well. For readiness."""
        return next((lane.fault for lane in self._lanes if lane.fault), None) if self._open else ENDED

    def _opened(self) -> sa.Engine:
        engine = open_database(self._url)
        try:
            file = file_of(engine.url)
            if file is not None:
                self._lock = FileLock(file)
            with engine.begin() as connection:
                now = seconds(connection, self._clock)
                migrate(connection, now)
                chores.take_up(connection, self._owner, now)
        except (DBAPIError, OSError) as error:
            engine.dispose()
            raise fault(error) from None
        except MemoryFault:
            engine.dispose()
            raise
        return engine

    def _release(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _lane(self, conversation: str) -> Lane:
        if not self._lanes:
            raise MemoryFault(ENDED)
        return self._lanes[crc32(conversation.encode(errors="replace")) % len(self._lanes)]

    def _left(self, _: object) -> None:
        self._inbox -= 1

    def _begin(self, lane: Lane, leased: Leased, deadline: float) -> None:
        task = asyncio.get_running_loop().create_task(self._try(lane, leased, deadline))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    async def _try(self, lane: Lane, leased: Leased, deadline: float) -> None:
        outcome = await deliver(leased.outgoing, self._send, deadline)
        with suppress(MemoryFault):  # the lane has ended: the reply is sent again after its lease
            lane.put(Finished(leased, outcome))
            if isinstance(outcome, Retry) and outcome.moved_to:
                await self.moves.follow(leased.outgoing.conversation, outcome.moved_to)

    async def _ask(self, lane: Lane, run: Callable[[sa.Connection, float], Any]) -> Any:
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lane.put(Job(run, told))
        return await told

    async def _steps(self, run: Callable[[sa.Connection, float], int]) -> int:
        gone = 0
        while count := await self._ask(self._lane(""), run):
            gone += int(count)
        return gone
