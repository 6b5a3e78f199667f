"""Retention: what goes when, by a clock that the test turns, on both databases."""

from __future__ import annotations

import asyncio
import io
from typing import Any

from bot.delivery import Dropped
from bot.memory import MemoryFault
from bot.store import Store
from handlers.log import set_up
from handlers.metrics import Metrics
from handlers.settings import LogSettings, Settings
from handlers.upkeep import DAY_SECONDS, EVENTS_KEPT_SECONDS, PURGE_SECONDS, look_after, tidy
from knowledge.load import shipped
from tests.store_scene import Clock, Platform, play, settled, url

__all__ = ["url"]
KEEP_DAYS = 180


class Enough(Exception):
    """The test has seen what it came for."""


class Naps:
    """Sleep without time: notes how long, runs what the test wants, and ends after so many."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) == self._most:
            raise Enough


async def tidied(store: Store, clock: Clock, days: int, naps: Naps | None = None) -> Metrics:
    metrics = Metrics(shipped())
    try:
        await tidy(store, metrics, days, now=clock, sleep=naps or Naps(1))
    except Enough:
        return metrics
    raise AssertionError("it never slept")


def purged(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("kol_advisor_purged_rows_total")


async def _three(store: Store, platform: Platform, clock: Clock) -> None:
    """A person of long ago with a dead letter, another who went on, and one of today."""
    platform.answers["a1"] = [Dropped("blocked")]
    await store.submit("e1", "line:old", "a")
    await store.submit("e2", "line:regular", "b")
    await settled(store)
    clock.now += (KEEP_DAYS - 1) * DAY_SECONDS
    await store.submit("e3", "line:regular", "c")
    clock.now += DAY_SECONDS + 1
    await store.submit("e4", "line:new", "d")
    await settled(store)


async def _kept(store: Store) -> list[str]:
    names = ("line:old", "line:regular", "line:new")
    return [name for name in names if (await store.export(name))["state"] is not None]


def test_who_is_silent_for_long_is_let_go(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await _three(store, platform, clock)
        assert len(await store.dead()) == 1
        metrics = await tidied(store, clock, KEEP_DAYS)
        assert await _kept(store) == ["line:regular", "line:new"]
        assert await store.dead() == []
        assert purged(metrics) == 4  # a conversation, a dead letter, two event ids

    play(url, scene)


def test_not_a_second_too_early(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await _three(store, platform, clock)
        clock.now -= 2
        await tidied(store, clock, KEEP_DAYS)
        assert await _kept(store) == ["line:old", "line:regular", "line:new"]
        assert len(await store.dead()) == 1

    play(url, scene)


def test_zero_keeps_for_ever_but_not_event_ids(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await _three(store, platform, clock)
        clock.now += 100 * 365 * DAY_SECONDS
        metrics = await tidied(store, clock, 0)
        assert await _kept(store) == ["line:old", "line:regular", "line:new"]
        assert len(await store.dead()) == 1
        assert purged(metrics) == 4  # the event ids

    play(url, scene)


def test_event_ids_are_kept_three_days(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.submit("e1", "line:a", "x")
        clock.now += EVENTS_KEPT_SECONDS - 1
        await tidied(store, clock, KEEP_DAYS)
        assert await store.submit("e1", "line:a", "x") == "seen"
        clock.now += 2
        await tidied(store, clock, KEEP_DAYS)
        assert await store.submit("e1", "line:a", "x") == "new"

    play(url, scene)


def test_it_begins_at_once_and_comes_back_every_hour(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.submit("e1", "line:a", "x")
        clock.now += EVENTS_KEPT_SECONDS + 1
        naps = Naps(3)
        assert purged(await tidied(store, clock, KEEP_DAYS, naps)) == 1
        assert naps.seconds == [PURGE_SECONDS] * 3

    play(url, scene)


class _Failing:
    """A database that fails so many times; the part of `Store` that upkeep uses."""

    def __init__(self, faults: list[Any]) -> None:
        self.faults = faults
        self.asked = 0

    async def purge(self, before: float, idle: float | None) -> int:
        self.asked += 1
        fault = self.faults.pop(0)
        if fault:
            raise fault if isinstance(fault, Exception) else MemoryFault(fault)
        return 3

    @property
    def fault(self) -> str | None:
        return str(fault) if (fault := self.faults.pop(0)) else None


def _logged(work: object) -> list[str]:
    stream = io.StringIO()
    undo = set_up(LogSettings(), (), stream)
    try:
        asyncio.run(work)  # type: ignore[arg-type]
    finally:
        undo()
    return [line.partition("Z ")[2] for line in stream.getvalue().splitlines()]


def test_a_fault_does_not_end_the_tidying() -> None:
    store = _Failing(["the disk is full: free some space", KeyError("somebody's words"), None])
    told = _logged(tidied(store, Clock(), KEEP_DAYS, Naps(3)))  # type: ignore[arg-type]
    assert store.asked == 3
    assert "nothing was purged" in told[0]
    assert "the disk is full" in told[0]
    assert "KeyError" in told[1]
    assert "somebody's words" not in told[1]
    assert told[2].split() == ["info", "purged", "rows=3", f"keep_days={KEEP_DAYS}"]


def test_a_fault_and_its_end_are_told_once_each() -> None:
    full = "the disk is full: free some space"
    store, metrics = _Failing([None, full, full, None, None]), Metrics(shipped())

    async def story() -> None:
        try:
            await look_after(store, metrics, sleep=Naps(5))  # type: ignore[arg-type]
        except Enough:
            return

    told = _logged(story())
    assert len(told) == 2
    assert told[0].startswith("error   the database fails")
    assert full in told[0]
    assert told[1].startswith("warning the database works again")
    assert metrics.registry.get_sample_value("kol_advisor_database_fault") == 0


def test_keeping_half_a_year_is_the_default() -> None:
    assert Settings().memory.keep_days == KEEP_DAYS
