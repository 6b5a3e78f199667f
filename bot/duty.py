"""A duty: of all replicas over one database, one at a time has it.

A row says who and until when, by the server's clock. It is renewed long before it ends, and who could not renew it
stops some time before others may take it; so never two work at once, whatever dies, hangs or is cut off. A lock of
the server's own would need a connection for itself, would be lost behind a connection pooler, and would be kept for
hours for a machine that lost its power.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from bot.commit import insert
from bot.memory import MemoryFault
from bot.store import Store
from bot.store_tables import duty

LEASE_SECONDS = 6.0
LOOK_SECONDS = 1.0
LEAVE_SECONDS = 1.0
# Of the lease: when it is renewed, and when work ends that could not renew it. Between the latter and the lease's end
# lies what ending the work, a busy processor and clocks that run unevenly may take.
RENEW, GIVE_UP = 0.3, 0.7
_log = logging.getLogger(__name__)

Do = Callable[[asyncio.Event], Awaitable[None]]


def take(connection: sa.Connection, now: float, name: str, holder: str, seconds: float) -> bool:
    """Take or renew a duty; whether `holder` has it now, until `now + seconds`."""
    upsert = insert(connection, duty).values(name=name, holder=holder, until=now + seconds)
    upsert = upsert.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": upsert.excluded.holder, "until": upsert.excluded.until},
        where=sa.or_(duty.c.holder == holder, duty.c.until <= now),
    )
    return connection.execute(upsert.returning(duty.c.holder)).first() is not None


def leave(connection: sa.Connection, now: float, name: str, holder: str) -> None:
    """Let the next one take the duty at once."""
    connection.execute(sa.delete(duty).where(duty.c.name == name, duty.c.holder == holder))


class Duties:
    """The duties of the replicas that share a store; on SQLite there is but one process, and it has them all."""

    def __init__(self, store: Store) -> None:
        """The store must be running."""
        self._store = store

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew; whether it is ours for so many seconds from now. Raises `MemoryFault`."""
        if self._store.alone:
            return True
        return bool(await self._store.do("", partial(take, name=name, holder=holder, seconds=seconds)))

    async def leave(self, name: str, holder: str) -> None:
        """Let it go. Raises `MemoryFault`."""
        if not self._store.alone:
            await self._store.do("", partial(leave, name=name, holder=holder))


class Duty:
    """Works while it has the duty `name`; under a name of its own, made anew at every start."""

    def __init__(
        self,
        duties: Duties,
        name: str,
        *,
        lease: float = LEASE_SECONDS,
        look: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`lease`, `look`: a replica that dies is replaced after so many seconds together, at the latest.

        `clock` gives seconds that never go back; `sleep` waits.
        """
        self._duties, self._name, self._holder = duties, name, uuid4().hex
        self._lease, self._look, self._clock, self._sleep = lease, look, clock, sleep
        self._until = 0.0

    async def run(self, do: Do, stop: asyncio.Event) -> None:
        """Until `stop`: whenever the duty can be had, run `do`, which must return soon once its event is set."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                if await _before(stopping, self._taken()):
                    await self._hold(do, stopping)
                await _before(stopping, self._sleep(self._look))
        finally:
            stopping.cancel()

    async def _hold(self, do: Do, stopping: asyncio.Task[Any]) -> None:
        """Work until the work ends, we are to stop, or the duty is lost; then let it go."""
        lost = asyncio.Event()
        work, renewing = asyncio.ensure_future(do(lost)), asyncio.create_task(self._renewed())
        try:
            await asyncio.wait({work, renewing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.set()
            renewing.cancel()
            ended, _ = await asyncio.gather(work, renewing, return_exceptions=True)
            if isinstance(ended, Exception):
                _log.error("%s failed (%s), it begins anew", self._name, ended.__class__.__name__)
            with suppress(MemoryFault, TimeoutError):
                await asyncio.wait_for(self._duties.leave(self._name, self._holder), LEAVE_SECONDS)

    async def _renewed(self) -> None:
        """Renew for as long as that works; return when the duty is lost, or may be lost soon."""
        while True:
            await self._sleep(self._lease * RENEW)
            ending = asyncio.ensure_future(self._sleep(max(0.0, self._until - self._clock())))
            try:
                renewed = await _before(ending, self._taken())
            finally:
                ending.cancel()
            if not renewed:
                _log.warning("%s stops here for now: the database did not let this replica go on", self._name)
                return

    async def _taken(self) -> bool:
        """Take or renew; a database that does not answer is asked again for as long as the duty is ours."""
        while True:
            asked = self._clock()
            try:
                if not await self._duties.take(self._name, self._holder, self._lease):
                    return False
            except MemoryFault:
                if self._clock() >= self._until:
                    return False
                await self._sleep(self._look * RENEW)
            else:
                # Counted from before it was asked for: by the server's clock it began later than that.
                self._until = asked + self._lease * GIVE_UP
                return True


async def _before(ending: asyncio.Future[Any], work: Awaitable[Any]) -> Any:
    """The result of `work`, or `None` if `ending` came first."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, ending}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
