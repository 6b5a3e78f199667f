"""The driver: people who talk, as many at once as are asked for, and how long each turn took.

A turn begins when its webhook is sent and ends when the request is answered 200 and the last reply of it has arrived
at the double. Closed: so many people always wait for an answer. Open: messages come at random moments at a given
rate, whether or not the server keeps up, so that queueing is seen.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.doubles import Doubles
from benchmarks.talk import Person, Talk
from benchmarks.wire import Connections

PATIENCE_SECONDS = 20.0
AT_ONCE = 32


@dataclass
class Load:
    """What came of a load: turns that ended, seconds in all, seconds of each turn, and what went wrong by name."""

    turns: int = 0
    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """The time within which that share of turns ended, in milliseconds."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")


class Driver:
    """Talks to servers as `talk`'s platform would; several ports share the load by turns."""

    def __init__(self, talk: Talk, doubles: Doubles, ports: list[int], people: list[Person]) -> None:
        self._talk, self._doubles = talk, doubles
        self._servers = itertools.cycle([Connections(port) for port in ports])
        self._all = [next(self._servers) for _ in ports]
        self._people = people

    def close(self) -> None:
        """Close all connections."""
        for connections in self._all:
            connections.close()

    async def closed(self, turns: int, at_once: int = AT_ONCE) -> Load:
        """`turns` turns, `at_once` of them always under way, each person one at a time."""
        load = Load()
        left = iter(range(turns))
        began = time.perf_counter()
        await asyncio.gather(*(self._worker(load, left, self._people[n::at_once]) for n in range(at_once)))
        load.seconds = time.perf_counter() - began
        return load

    async def _worker(self, load: Load, left: Iterator[int], people: list[Person]) -> None:
        # One person after the other says all of a talk, so that any stretch of time has the same mix of messages.
        for person in itertools.cycle(people):
            begun = True
            while begun:
                if next(left, None) is None:
                    return
                await self._turn(load, person, time.perf_counter())
                begun = bool(person.said % person.length)

    async def open(self, rate: float, seconds: float, seed: int = 1) -> Load:
        """Messages at random moments, `rate` a second on average, for `seconds`; a turn's time counts from there."""
        load = Load()
        chance = random.Random(seed)  # noqa: S311 - the same arrivals for everybody
        idle = deque(self._people)
        tasks: set[asyncio.Task[None]] = set()
        began = due = time.perf_counter()
        while due < began + seconds:
            due += chance.expovariate(rate)
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if not idle:
                load.faults["nobody left to talk"] = load.faults.get("nobody left to talk", 0) + 1
                continue
            person = idle.popleft()
            task = asyncio.create_task(self._turn(load, person, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda _, person=person: _back(idle, person))
        if tasks:
            await asyncio.wait(tasks)
        load.seconds = time.perf_counter() - began
        return load

    async def _turn(self, load: Load, person: Person, began: float) -> None:
        raw, replies = self._talk.next(person)
        name = self._talk.name(person)
        told = self._doubles.expect(name, replies)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status = await self._post(raw, name)
                if status == 200:
                    await told
                    load.turns += 1
                    load.took.append(time.perf_counter() - began)
                    return
            fault = f"status {status}"
        except TimeoutError:
            fault = "no reply in time"
        except OSError as error:
            fault = error.__class__.__name__
        self._doubles.give_up(name)
        load.faults[fault] = load.faults.get(fault, 0) + 1

    async def _post(self, raw: bytes, name: str) -> int:
        return await next(self._servers).post(raw)


def _back(idle: deque[Person], person: Person) -> None:
    """Who is in the midst of a talk goes on with it next."""
    if person.said % person.length:
        idle.appendleft(person)
    else:
        idle.append(person)
