"""A duty: one replica at a time has it, and another takes over when it dies, hangs, or is cut off from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.delivery import Delivered, Outcome, Outgoing
from bot.duty import GIVE_UP, LEASE_SECONDS, LOOK_SECONDS, RENEW, Duties, Duty
from bot.memory import MemoryFault
from bot.store import Store
from tests import store_scene
from tests.store_scene import work

postgres = store_scene.postgres
NAME = "test"
SPINS = 200


class Time:
    """Seconds that pass only when the test says so; whoever sleeps wakes when they have."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        due = [future for at, future in self._sleepers if at <= self.now]
        self._sleepers = [(at, future) for at, future in self._sleepers if at > self.now]
        for future in due:
            if not future.done():
                future.set_result(None)


class Replica:
    """Wants the duty; `working` while it has it. Its store can be cut off, its process killed."""

    def __init__(self, duties: Any, time: Time, at_work: list[str], name: str) -> None:
        self.name, self.stop, self.cut = name, asyncio.Event(), False
        self._duties, self._at_work = duties, at_work
        self.taken = self.left = self.tenures = 0
        self.fails = False
        self.task = asyncio.create_task(Duty(self, NAME, clock=time, sleep=time.sleep).run(self._do, self.stop))

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        try:
            if self.cut:
                raise MemoryFault("the database server cannot be reached")
            return bool(await self._duties.take(name, holder, seconds))
        finally:
            self.taken += 1

    async def leave(self, name: str, holder: str) -> None:
        try:
            if self.cut:
                raise MemoryFault("the database server cannot be reached")
            await self._duties.leave(name, holder)
        finally:
            self.left += 1

    async def _do(self, lost: asyncio.Event) -> None:
        self.tenures += 1
        if self.fails:
            raise ValueError("a fault in the work")
        self._at_work.append(self.name)
        assert len(self._at_work) == 1, "two at once"
        await lost.wait()
        self._at_work.remove(self.name)

    def kill(self) -> None:
        """As SIGKILL: nothing is let go."""
        self.cut = True
        if self.name in self._at_work:
            self._at_work.remove(self.name)
        self.task.cancel()


async def _send(_: Outgoing) -> Outcome:
    return Delivered()


Scene = Callable[[Callable[[str], Awaitable[Replica]], Time, list[str]], Awaitable[None]]


def played(url: str, scene: Scene) -> None:
    """A scene with replicas, each with a store of its own over one PostgreSQL, whose time is the scene's."""

    async def whole() -> None:
        time, at_work = Time(), list[str]()
        stores: list[Store] = []
        replicas: list[Replica] = []

        async def replica(name: str) -> Replica:
            named = sa.make_url(url).update_query_dict({"application_name": application_of(url)})
            address = named.render_as_string(hide_password=False)
            store = Store(address, work, _send, owner=name, clock=time, tick=0.005)
            await store.start()
            stores.append(store)
            replicas.append(Replica(Duties(store), time, at_work, name))
            return replicas[-1]

        try:
            await scene(replica, time, at_work)
        finally:
            for one in replicas:
                one.stop.set()
                time.pass_(LEASE_SECONDS)
                await asyncio.gather(one.task, return_exceptions=True)
            for store in stores:
                await store.stop(1)
        for one in replicas:
            if not one.task.cancelled():
                assert one.task.exception() is None

    asyncio.run(whole())


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not seen():
            await asyncio.sleep(0.002)


async def settled(*replicas: Replica, taken: int = 1, left: int = 0) -> None:
    """Until each has asked so often, has let go so often, and sleeps."""
    await until(lambda: all(one.taken >= taken and one.left >= left for one in replicas))
    for _ in range(SPINS):
        await asyncio.sleep(0)


async def later(time: Time, seconds: float, *replicas: Replica) -> None:
    """Let time pass, until each of the replicas has asked once more, and sleeps."""
    before = {one: one.taken for one in replicas}
    time.pass_(seconds)
    for one in replicas:
        await settled(one, taken=before[one] + 1)


def test_one_works_and_another_takes_over_when_it_is_killed(postgres: str) -> None:
    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        await until(lambda: at_work == ["a"])
        second = await replica("b")
        await settled(first, second)
        for _ in range(20):  # renewed again and again
            await later(time, LEASE_SECONDS * RENEW, first, second)
            assert at_work == ["a"]
        first.kill()
        await later(time, LEASE_SECONDS * 0.9, second)
        assert at_work == []  # nobody, rather than two
        await later(time, LEASE_SECONDS * 0.1 + LOOK_SECONDS, second)
        await until(lambda: at_work == ["b"])

    played(postgres, scene)


def test_a_planned_stop_hands_over_at_once(postgres: str) -> None:
    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        await until(lambda: at_work == ["a"])
        second = await replica("b")
        await settled(second)
        first.stop.set()
        await first.task
        assert at_work == []
        await later(time, LOOK_SECONDS, second)
        assert at_work == ["b"]

    played(postgres, scene)


def test_who_is_cut_off_stops_before_another_may_begin(postgres: str) -> None:
    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        await until(lambda: at_work == ["a"])
        second = await replica("b")
        await settled(first, second)
        first.cut = True
        await later(time, LEASE_SECONDS * RENEW, first, second)
        assert at_work == ["a"]  # the database may be back in a moment
        await later(time, LEASE_SECONDS * (GIVE_UP - RENEW) + 0.01, first, second)
        assert at_work == []
        await later(time, LEASE_SECONDS * (1 - GIVE_UP) - 0.02, second)
        assert at_work == []
        await later(time, LOOK_SECONDS + 0.02, second)
        assert at_work == ["b"]
        first.cut = False
        await later(time, LOOK_SECONDS, first)
        assert at_work == ["b"]

    played(postgres, scene)


def test_a_connection_that_the_server_ends_is_made_anew(postgres: str) -> None:
    """pg_terminate_backend: the duty is a row and not the connection, so it goes on."""

    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        await until(lambda: at_work == ["a"])
        second = await replica("b")
        await settled(first, second)
        for _ in range(3):
            assert ended(postgres) == 2
            await later(time, LEASE_SECONDS * RENEW, first, second)
            assert at_work == ["a"]
        assert (first.tenures, second.tenures) == (1, 0)

    played(postgres, scene)


def ended(url: str) -> int:
    """End the connections of the replicas' stores, as an operator or a server that restarts would."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        count = connection.exec_driver_sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %(name)s",
            {"name": application_of(url)},
        ).scalar_one()
    engine.dispose()
    return int(count)


def application_of(url: str) -> str:
    """A name for the connections of one test, by which the server tells them from all others."""
    return str(sa.make_url(url).query["options"])[-40:]


def test_who_slept_through_its_lease_finds_another_at_work(postgres: str) -> None:
    """A process that stood still and goes on: what it learns first is that the duty is another's."""

    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        await until(lambda: at_work == ["a"])
        await settled(first)
        other = Store(postgres, work, _send, owner="c", clock=time)
        await other.start()
        duties = Duties(other)
        assert not await duties.take(NAME, "other", 6.0)
        time.now += LEASE_SECONDS + 1  # nobody is woken
        assert await duties.take(NAME, "other", 600.0)
        await later(time, 0.0, first)
        await settled(first, left=1)
        assert at_work == []
        await later(time, LOOK_SECONDS, first)
        assert at_work == []
        await duties.leave(NAME, "not its holder")
        await later(time, LOOK_SECONDS, first)
        assert at_work == []
        await duties.leave(NAME, "other")
        await later(time, LOOK_SECONDS, first)
        assert at_work == ["a"]
        await other.stop(1)

    played(postgres, scene)


def test_work_that_fails_begins_anew(postgres: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(replica: Callable[[str], Awaitable[Replica]], time: Time, at_work: list[str]) -> None:
        first = await replica("a")
        first.fails = True
        for tenure in range(1, 4):
            await settled(first, taken=tenure, left=tenure)
            assert first.tenures == tenure
            first.fails = tenure < 3
            time.pass_(LOOK_SECONDS)
        await until(lambda: at_work == ["a"])

    played(postgres, scene)
    assert "test failed (ValueError)" in caplog.text and "a fault in" not in caplog.text


def test_on_sqlite_the_one_process_has_every_duty(tmp_path: Any) -> None:
    async def story() -> None:
        store = Store(f"sqlite:///{tmp_path / 'kept.db'}", work, _send, owner="a")
        await store.start()
        assert await Duties(store).take(NAME, "a", 6.0)
        assert await Duties(store).take(NAME, "b", 6.0)
        await Duties(store).leave(NAME, "a")
        await store.stop(1)

    asyncio.run(story())
