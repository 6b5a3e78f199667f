"""Rounds: every contender in turn, again and again, so that a busy moment of the machine hits all alike.

A contender is started for its visit and stopped after it: nobody's work in the background is in another's figures.
"""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.doubles import Doubles
from benchmarks.load import Driver, Load
from benchmarks.process import Absent, cpu_seconds, memory_bytes
from benchmarks.talk import Person, Replies, Talk

PEOPLE = 2000
WARM_UP = 150
Tell = Callable[[str], None]


@dataclass
class Plan:
    """How long to look: `seconds` of full load and of half load in each round."""

    rounds: int
    turns: int
    seconds: float


@dataclass
class Measured:
    """What one contender reached: a figure per round in each list."""

    contender: Contender
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    half_rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Median turns a second."""
        return statistics.median(self.rates) if self.rates else 0.0

    @property
    def cpu(self) -> float:
        """Median milliseconds of processor time a turn, those of its database included."""
        return statistics.median(self.cpu_ms) if self.cpu_ms else 0.0

    def note(self, load: Load) -> Load:
        """Remember what went wrong."""
        for name, count in load.faults.items():
            self.faults[name] = self.faults.get(name, 0) + count
        return load

    def raw(self) -> dict[str, object]:
        """All figures, for other programs."""
        figures: dict[str, object] = {name: value for name, value in vars(self).items() if name != "contender"}
        return {"name": self.contender.name, **figures}


class Field:
    """The contenders and the doubles they talk to."""

    def __init__(self, doubles: Doubles, replies: dict[str, Replies], contenders: Sequence[Contender]) -> None:
        self._doubles, self._replies = doubles, replies
        self.all = [Measured(contender) for contender in contenders]
        self.absent: dict[str, str] = {}
        # What people have said is in a contender's database, so each has people of its own for the whole run.
        self._people = {one.name: [Person(number) for number in range(PEOPLE)] for one in contenders}

    def driver(self, contenders: Sequence[Contender], people: list[Person] | None = None) -> Driver:
        """Somebody who talks to these contenders, which are replicas if there are several."""
        first = contenders[0]
        calls = self._replies[first.platform].calls if first.whole_advice else None
        talk = Talk(first.platform, first.path, calls)
        return Driver(talk, self._doubles, [one.server.port for one in contenders], people or self._people[first.name])

    async def rounds(self, plan: Plan, tell: Tell) -> None:
        """Visit everybody `plan.rounds` times; who does not start is `absent` from then on."""
        for number in range(1, plan.rounds + 1):
            for each in list(self.all):
                try:
                    load = await self._visit(each, plan, number)
                except Absent as why:
                    self.all.remove(each)
                    self.absent[each.contender.name] = str(why)
                    continue
                tell(f"round {number} of {plan.rounds}: {each.contender.name} {load.rate:.0f} turns/s")

    async def _visit(self, each: Measured, plan: Plan, number: int) -> Load:
        async with started([each.contender]):
            driver = self.driver([each.contender])
            warm = each.note(await driver.closed(WARM_UP))
            # Slow ones get fewer turns, so that a visit takes about as long with everybody.
            turns = max(WARM_UP, min(plan.turns, int(warm.rate * plan.seconds)))
            load, spent, calls = await self.spending(driver, [each.contender], turns)
            each.note(load)
            if load.turns:
                each.rates.append(load.rate)
                each.cpu_ms.append(spent / load.turns * 1000)
                each.calls.append(calls / load.turns)
                half = each.note(await driver.open(load.rate / 2, plan.seconds, seed=number))
                each.half_rates.append(load.rate / 2)
                each.p50_ms.append(half.percentile_ms(0.5))
                each.p99_ms.append(half.percentile_ms(0.99))
            each.memory_mb.append(memory_bytes([each.contender.server.pid]) / 1e6)
            driver.close()
        return load

    async def spending(self, driver: Driver, by: Sequence[Contender], turns: int) -> tuple[Load, float, int]:
        """A closed load; with the processor seconds it cost the contenders, and the calls they made."""
        pids = list(dict.fromkeys(pid for one in by for pid in one.pids))
        before, calls = cpu_seconds(pids), self._doubles.calls
        load = await driver.closed(turns)
        return load, cpu_seconds(pids) - before, self._doubles.calls - calls


@asynccontextmanager
async def started(contenders: Sequence[Contender]) -> AsyncIterator[None]:
    """Run servers while in the block. Raises `Absent` where one does not start."""
    try:
        for one in contenders:
            await one.server.start()
        yield
    finally:
        for one in contenders:
            await one.server.stop(at_once=one.kill)
