"""The store's faults: in plain words, without a secret, and nothing corrupt or lost after them."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.commit import Arrived
from bot.lane import Waiting
from bot.memory import MemoryFault
from bot.store import Store
from tests.store_scene import Clock, Platform, play, scene_of_nothing, settled, work


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no database address"),
        ("nonsense", "no database address"),
        ("oracle://x", "oracle|driver"),
        ("mysql://me:hunter2@x/y", "mysql|driver"),
        ("sqlite:////nowhere/at/all.db", "folder"),
        ("postgresql://me:hunter2@127.0.0.1:1/y", "driver|reached"),
    ],
)
def test_a_bad_address_is_said_plainly(url: str, says: str) -> None:
    with pytest.raises(MemoryFault, match=says) as caught:
        play(url, scene_of_nothing)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are notes, not a database " * 100, encoding="utf-8")
    with pytest.raises(MemoryFault, match="not a database"):
        play(f"sqlite:///{file}", scene_of_nothing)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kept.db'}"

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        second = Store(url, work, platform.send, owner="b")
        with pytest.raises(MemoryFault, match="locked by another process"):
            await second.start()
        await second.stop(0)
        assert await store.submit("e1", "line:a", "x") == "new"

    play(url, scene)
    play(url, scene_of_nothing)


def test_a_read_only_database(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    play(f"sqlite:///{file}", scene_of_nothing)
    with pytest.raises(MemoryFault, match="read-only"):
        play(f"sqlite:///file:{file}?mode=ro&uri=true", scene_of_nothing)


def test_a_database_in_memory() -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await asyncio.gather(*(store.submit(f"e{n}", "line:a", "x") for n in range(20)))
        await settled(store)

    assert play("sqlite://", scene, lanes=3).bodies == [f"x{n}" for n in range(1, 21)]


def test_a_full_disk_loses_nothing_that_was_taken(tmp_path: Path) -> None:
    """Events are refused while there is no room, and taken again afterwards."""
    file = tmp_path / "kept.db"

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        assert await store.submit("e1", "line:a", "x") == "new"
        await settled(store)
        pages = "PRAGMA max_page_count={}"

        def limit(connection: Any, _: object, __: object) -> None:
            connection.execute(pages.format(room))

        assert store._engine is not None
        sa.event.listen(store._engine, "checkout", limit)
        room = 1
        with pytest.raises(MemoryFault, match="the disk is full"):
            await store.submit("e2", "line:a", "y" * 100_000)
        assert store.fault == "the disk is full: free some space"
        room = 1_000_000
        assert await store.submit("e2", "line:a", "y" * 100_000) == "new"
        await platform.came(2)
        await settled(store)
        assert store.fault is None

    assert [body[:1] for body in play(f"sqlite:///{file}", scene).bodies] == ["x", "y"]
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT state FROM conversation").fetchall() == [("2",)]
    connection.close()


def test_what_was_sent_while_the_database_was_away_is_recorded_later(tmp_path: Path) -> None:
    """An event is refused meanwhile; the reply that had gone out is not sent a second time."""
    file = tmp_path / "kept.db"

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await store.submit("e1", "line:a", "a b")
        await platform.came(1)
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        platform.gate.set()
        with pytest.raises(MemoryFault, match="locked by another process"):
            await store.submit("e2", "line:z", "x")
        blocker.execute("ROLLBACK")
        blocker.close()
        await platform.came(2)
        await settled(store)
        assert await store.submit("e2", "line:z", "x") == "new"
        await settled(store)

    assert play(f"sqlite:///{file}?timeout=0.01", scene).bodies == ["a1", "b1", "x1"]


def test_what_a_group_cannot_keep_does_not_take_its_neighbours_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should a value slip through that the database refuses, only its own event is refused."""
    monkeypatch.setattr("bot.commit.storable", lambda text: None)

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        asked = ["a", "half", "b"]
        told = await asyncio.gather(
            *(store.submit(f"e{n}", f"line:{n}", said) for n, said in enumerate(asked)), return_exceptions=True
        )
        assert told[0] == told[2] == "new"
        assert isinstance(told[1], MemoryFault)
        await settled(store)

    assert sorted(play(f"sqlite:///{tmp_path / 'kept.db'}", scene).bodies) == ["a1", "b1"]


def test_what_follows_a_refused_event_is_refused_with_it(tmp_path: Path) -> None:
    """The platform delivers both again, in their order; neighbours go on."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        lane = store._lanes[0]
        committed = lane._committed
        loop = asyncio.get_running_loop()
        second, other = loop.create_future(), loop.create_future()

        def fail(group: Any, take: bool) -> Any:
            if not any(isinstance(item, Waiting) for item in group):
                return committed(group, take)
            # While the group is being committed in vain, more arrives.
            lane._committed = committed  # type: ignore[method-assign]
            lane.put(Waiting(Arrived("e2", "line:a", "y"), second))
            lane.put(Waiting(Arrived("e3", "line:b", "z"), other))
            raise sa.exc.OperationalError("", None, Exception("server closed the connection"))

        lane._committed = fail  # type: ignore[method-assign]
        with pytest.raises(MemoryFault):
            await store.submit("e1", "line:a", "x")
        with pytest.raises(MemoryFault):
            await second
        assert await other is True
        assert await store.submit("e1", "line:a", "x") == "new"
        assert await store.submit("e2", "line:a", "y") == "new"
        await settled(store)

    assert sorted(play(f"sqlite:///{tmp_path / 'kept.db'}", scene).bodies) == ["x1", "y2", "z1"]
