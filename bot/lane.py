"""A lane: one thread that commits what waits, one group after the other, and hands out what may be sent."""

from __future__ import annotations

import threading
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.commit import Arrived, Work, commit, create, lock
from bot.database import again, fault, seconds
from bot.delivery import Pauses
from bot.memory import MemoryFault
from bot.outbox import Finished, Handed, Leased, Terms
from bot.store_tables import conversation

GROUP = 256
_ATTEMPTS = 4
# What is written and taken away again to see whether the database takes anything: about as much as a turn.
_TRIAL_BYTES = 32_768
ENDED = "the memory is closed: the program is stopping"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event, and who waits for it to be durable: `True` if it is new."""

    arrived: Arrived
    told: Future[bool]


@dataclass(frozen=True, slots=True)
class Job:
    """Something else to do in a transaction of its own, in its place in the queue."""

    run: Callable[[sa.Connection, float], Any]
    told: Future[Any]


Item = Waiting | Finished | Job
Clock = Callable[[], float]


class Lane:
    """Everything of one conversation goes through one lane, so turns follow one another in order of arrival.

    Among replicas every lane is one of many; the row lock of the conversation and the lease keep them apart.
    """

    def __init__(
        self,
        engine: sa.Engine,
        work: Work,
        owner: str,
        *,
        loop: AbstractEventLoop,
        sending: Callable[[Lane, Leased, float], None],
        pauses: Pauses,
        room: int,
        lease: float,
        tick: float,
        clock: Clock | None,
    ) -> None:
        """`sending` is called in `loop` for every reply that may be sent, with the time (monotonic) to be done."""
        self._engine, self._work, self._owner, self._loop, self._sending = engine, work, owner, loop, sending
        self._pauses, self._room, self._lease, self._tick, self._clock = pauses, room, lease, tick, clock
        self._queue: deque[Item] = deque()
        self._wake = threading.Condition()
        self._held: set[int] = set()
        self._draining = self._ending = self._ended = False
        self._next_tick = 0.0
        self._more = False
        self.fault: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"lane {owner}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, item: Item) -> None:
        """Let `item` wait for the next group. Raises `MemoryFault` once the lane has ended."""
        with self._wake:
            if self._ended:
                raise MemoryFault(ENDED)
            self._queue.append(item)
            self._wake.notify()

    def drain(self) -> None:
        """Hand out nothing more to send; what is committed from now on is left to others, or to the next start."""
        self._draining = True

    def end(self, seconds: float) -> None:
        """Commit what still waits, then end the thread; give up after `seconds`."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        try:
            while True:
                group, job, take = self._next()
                if job is not None:
                    self._do(job)
                elif group or take:
                    self._group(group, take)
                else:
                    return
        finally:
            with self._wake:
                self._ended = True
                left = [item.told for item in self._queue if not isinstance(item, Finished)]
            self._call(_tell_fault, left, MemoryFault(ENDED))

    def _next(self) -> tuple[list[Waiting | Finished], Job | None, bool]:
        """Wait for something to do: a group, or a job, or the time to look for what is due; nothing: the end."""
        with self._wake:
            while True:
                take = not self._draining and (time.monotonic() >= self._next_tick)
                if self._queue or take or self._ending:
                    break
                self._wake.wait(self._tick if self._draining else max(0.0, self._next_tick - time.monotonic()))
            if take:
                self._next_tick = time.monotonic() + self._tick
            group: list[Waiting | Finished] = []
            while self._queue and len(group) < GROUP:
                item = self._queue[0]
                if isinstance(item, Job):
                    if not group:
                        self._queue.popleft()
                        return [], item, False
                    break
                group.append(item)
                self._queue.popleft()
        # Whenever a place to send becomes free and something is known to wait, look at once.
        take = take or (self._more and not self._draining and any(isinstance(item, Finished) for item in group))
        return group, None, take

    def _group(self, group: Sequence[Waiting | Finished], take: bool) -> None:
        try:
            new, handed, deadline = self._committed(group, take)
        except Exception as error:
            if len(group) > 1 and not isinstance(error, OperationalError):
                # Something in the group cannot be kept: it must not take its neighbours along.
                for item in group:
                    self._group([item], False)
            else:
                self._failed(group, error)
            return
        if self.fault is not None and (new or self._can_write()):
            self.fault = None
        self._held -= {item.leased.id for item in group if isinstance(item, Finished)}
        self._held |= {leased.id for leased in handed.leased}
        if take or handed.more:
            self._more = handed.more
        told: list[tuple[Future[bool], bool]] = []
        left = set(new)
        for item in group:
            if isinstance(item, Waiting):
                told.append((item.told, item.arrived.id in left))
                left.discard(item.arrived.id)
        if told or handed.leased:
            self._call(self._hand_out, told, handed.leased, deadline)

    def _committed(self, group: Sequence[Waiting | Finished], take: bool) -> tuple[frozenset[str], Handed, float]:
        """Commit; what may succeed at another attempt is attempted again."""
        items = [item.arrived if isinstance(item, Waiting) else item for item in group]
        names = sorted({_name(item) for item in items})
        over = {item.leased.id for item in group if isinstance(item, Finished)}
        held = frozenset(self._held - over)
        terms = Terms(
            owner=self._owner,
            lease=self._lease,
            pauses=self._pauses,
            room=0 if self._draining else max(0, self._room - len(held)),
            held=held,
            take=take,
        )
        attempt = 0
        while True:
            # Nobody else sends before the lease ends; that we have stopped by then needs a margin.
            deadline = time.monotonic() + 0.6 * self._lease
            try:
                with self._engine.begin() as connection:
                    states = lock(connection, names) if names else {}
                    if states is not None:
                        new, handed = commit(
                            connection, states, items, self._work, seconds(connection, self._clock), terms
                        )
                if states is not None:
                    return new, handed, deadline
                with self._engine.begin() as connection:
                    create(connection, names)
            except DBAPIError as error:
                attempt += 1
                if attempt == _ATTEMPTS or not again(error):
                    raise

    def _can_write(self) -> bool:
        """Whether there is room for a turn again: a commit that had little or nothing to write does not show it."""
        trial = f"trial {self._owner}"
        away = sa.delete(conversation).where(conversation.c.person == trial)
        try:
            with self._engine.begin() as connection:
                connection.execute(away)  # a process that died in between left it
                connection.execute(sa.insert(conversation).values(person=trial, state="x" * _TRIAL_BYTES, at=0.0))
            with self._engine.begin() as connection:
                connection.execute(away)
        except Exception as error:
            self.fault = str(fault(error))
            return False
        return True

    def _failed(self, group: Sequence[Waiting | Finished], error: Exception) -> None:
        """Tell those who wait, keep what must still be recorded, and let the database rest for a tick."""
        plain = fault(error)
        self.fault = str(plain)
        left = [item for item in group if isinstance(item, Waiting)]
        names = {item.arrived.conversation for item in left}
        with self._wake:
            # What a person wrote after an event that comes again must come again as well, else it would be before it.
            left += (i for i in self._queue if isinstance(i, Waiting) and i.arrived.conversation in names)
            gone = {id(item) for item in left}
            self._queue = deque(item for item in self._queue if id(item) not in gone)
            self._queue.extendleft(item for item in reversed(group) if isinstance(item, Finished))
            self._call(_tell_fault, [item.told for item in left], plain)
            if self._ending and not any(isinstance(item, Waiting | Job) for item in self._queue):
                # Nobody waits any more; what was not recorded is sent again after the lease.
                self._queue.clear()
            self._wake.wait(self._tick)

    def _do(self, job: Job) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    result = job.run(connection, seconds(connection, self._clock))
            except DBAPIError as error:
                if attempt == _ATTEMPTS or not again(error):
                    return self._call(_tell_fault, [job.told], fault(error))
            except Exception as error:
                return self._call(_tell_fault, [job.told], error)
            else:
                return self._call(_tell, [(job.told, result)])
        return None

    def _hand_out(self, told: Sequence[tuple[Future[bool], bool]], leased: Sequence[Leased], deadline: float) -> None:
        _tell(told)
        for reply in leased:
            self._sending(self, reply, deadline)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The loop is gone: nobody waits, and what was leased is taken up again after the lease.
            return


def _name(item: Arrived | Finished) -> str:
    return item.conversation if isinstance(item, Arrived) else item.leased.outgoing.conversation


def _tell(told: Sequence[tuple[Future[Any], Any]]) -> None:
    for future, result in told:
        if not future.done():
            future.set_result(result)


def _tell_fault(told: Sequence[Future[Any]], error: Exception) -> None:
    for future in told:
        if not future.done():
            # Each its own: a shared one would gather the traceback of everybody.
            future.set_exception(MemoryFault(str(error)) if isinstance(error, MemoryFault) else error)
