"""Scenes with a store: a platform and a clock that do as they are told, and an empty database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bot.delivery import Delivered, Outcome, Outgoing
from bot.store import Store
from tests import postgres as servers


def work(state: str | None, payload: str) -> tuple[str | None, tuple[str, ...]]:
    """Count; say each word of the payload with the count. `boom`, `nul` and `forget` are what they say."""
    count = int(state or 0) + 1
    if payload == "boom":
        raise ValueError("the person's secret")
    if payload == "nul":
        return "1", ("\0",)
    if payload == "half":
        return "1", ("\ud800",)
    if payload == "forget":
        return None, ("forgotten",)
    return str(count), tuple(f"{word}{count}" for word in payload.split())


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Platform:
    """Keeps what it was sent; `answers` are used up first, by body."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.answers: dict[str, list[Outcome | Exception]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.most = self.now = 0
        self._came = asyncio.Condition()

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            async with self._came:
                self.sent.append(outgoing)
                self._came.notify_all()
            await self.gate.wait()
            answers = self.answers.get(outgoing.body)
            answer = answers.pop(0) if answers else Delivered()
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.now -= 1

    async def came(self, count: int) -> list[str]:
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(lambda: len(self.sent) >= count)
        return self.bodies

    @property
    def bodies(self) -> list[str]:
        return [outgoing.body for outgoing in self.sent]


async def settled(store: Store, replies: int = 0) -> None:
    """Until only `replies` wait, none is being sent, and what became of every try is recorded."""
    async with asyncio.timeout(30):
        while (depth := await store.depth()).outbox != replies or depth.sending:
            pass
        await store.depth()


@contextmanager
def empty_schema() -> Iterator[str]:
    """The address of an empty schema on the PostgreSQL server that the tests share."""
    name = f"test_{uuid4().hex}"
    address = sa.make_url(servers.address()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    yield address.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    engine.dispose()


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of an empty PostgreSQL schema."""
    with empty_schema() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'kept.db'}"
        return
    with empty_schema() as address:
        yield address


Scene = Callable[[Store, Platform, Clock], Awaitable[None]]


def play(url: str, scene: Scene, **options: Any) -> Platform:
    """Run a scene with a store of its own; afterwards everything must have come down cleanly."""

    async def whole() -> Platform:
        platform, clock = Platform(), Clock()
        store = Store(url, work, platform.send, owner="a", clock=clock, tick=0.005, **options)
        await store.start()
        try:
            await scene(store, platform, clock)
        finally:
            await store.stop(5)
        return platform

    return asyncio.run(whole())


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(statement)]
    engine.dispose()
    return found


async def scene_of_nothing(store: Store, platform: Platform, clock: Clock) -> None:
    assert store.fault is None
