"""Copying a database into another: everything arrives, nothing is changed, and nothing is done by halves."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import store_copy
from bot.delivery import Delivered, Dropped
from bot.memory import MemoryFault
from bot.store import Store
from bot.store_copy import copy
from bot.store_tables import outbox
from tests import store_scene
from tests.store_scene import Clock, Platform, play, rows, settled, work
from tests.test_cli import run

url, postgres = store_scene.url, store_scene.postgres
TABLES = ("conversation", "event", "outbox", "dead", "moved", "miss")


def _lived_in(address: str) -> None:
    """People, one reply being sent and one behind it when the process died, a dead letter of each kind, a move."""

    async def whole() -> None:
        platform = Platform()
        store = Store(address, work, platform.send, owner="gone", clock=Clock(), tick=0.005)
        await store.start()
        platform.answers["x1"] = [Dropped("blocked")]
        for number in range(7):
            await store.submit(f"e{number}", f"line:p{number}", "thai" if number else "x")
        await store.submit("bad", "line:p1", "boom")
        await settled(store)
        await store.submit("last", "line:p2", "one two")
        await settled(store)
        await store.stop(5)

    asyncio.run(whole())
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        for id, due, owner in ((7001, 5.0, "gone/0"), (7002, None, None)):
            left = {"id": id, "conversation": "line:p2", "key": f"k{id}", "body": f"left{id}", "at": 1e6, "tries": 0}
            connection.execute(sa.insert(outbox), left | {"due": due, "owner": owner, "erase": 0})
        connection.exec_driver_sql("INSERT INTO moved (person, moved_to, at) VALUES ('tg:-1', 'tg:-1001', 1000000)")
        miss = "INSERT INTO miss (id, day, question, value, language, text) VALUES (90, 11, 'goal', 'trust', 'en', 'x')"
        connection.exec_driver_sql(miss)
        connection.exec_driver_sql("UPDATE dead SET id = id + 40")
        connection.exec_driver_sql("INSERT INTO duty (name, holder, until) VALUES ('poll', 'gone', 1000030)")
    engine.dispose()


def _kept(address: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything but what a copy frees: who was sending what, until when."""
    columns = {"outbox": "id, conversation, key, body, at, erase"}
    return {table: rows(address, f"SELECT {columns.get(table, '*')} FROM {table} ORDER BY 1") for table in TABLES}  # noqa: S608


@pytest.fixture
def source(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'old.db'}"
    _lived_in(address)
    return address


def test_everything_arrives_and_life_goes_on(url: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps smaller than the tables; what was being sent is sent again, with its key, and new ids come behind."""
    monkeypatch.setattr(store_copy, "STEP_ROWS", 3)
    before = _kept(source)
    assert copy(source, url) == {"conversation": 7, "dead": 2, "event": 9, "miss": 1, "moved": 1, "outbox": 2}
    assert _kept(url) == before == _kept(source)
    assert rows(url, "SELECT holder FROM duty") == []
    assert rows(url, "SELECT owner, tries FROM outbox ORDER BY id") == [(None, 1), (None, 0)]

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        clock.now = 3e9  # after the copy, by any clock
        platform.answers["left7001"] = platform.answers["left7002"] = [Delivered()]
        assert await store.submit("e3", "line:p3", "x") == "seen"
        assert await store.submit("new", "line:p3", "x") == "new"
        await settled(store)
        assert await store.submit("newer", "line:p2", "y z") == "new"
        await settled(store)
        await store.submit("worse", "line:p4", "boom")
        assert [letter.key for letter in await store.dead(1)] == ["worse"]

    platform = play(url, scene)
    assert sorted(platform.bodies) == ["left7001", "left7002", "x2", "y3", "z3"]
    assert {sent.body: sent.key for sent in platform.sent}["left7001"] == "k7001"
    assert rows(url, "SELECT max(id) FROM dead") == [(43,)]


def test_back_from_postgres(postgres: str, source: str, tmp_path: Path) -> None:
    copy(source, postgres)
    again = f"sqlite:///{tmp_path / 'again.db'}"
    copy(postgres, again)
    assert _kept(again) == _kept(source)


def test_a_target_that_keeps_something_is_refused_and_unchanged(url: str, source: str) -> None:
    play(url, lambda store, *_: store.transact("e", "line:somebody", lambda _: ("1", None)))
    before = _kept(url)
    with pytest.raises(MemoryFault, match=r"target: it keeps something already \(conversation, event\)"):
        copy(source, url)
    assert _kept(url) == before


def test_a_copy_that_breaks_leaves_nothing(url: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = store_copy._copied

    def broken(table: sa.Table, old: sa.Connection, new: sa.Connection) -> int:
        if table.name == "outbox":
            raise OSError("the cable was pulled")
        return copied(table, old, new)

    monkeypatch.setattr(store_copy, "_copied", broken)
    with pytest.raises(MemoryFault):
        copy(source, url)
    monkeypatch.undo()
    assert copy(source, url)["event"] == 9


def test_an_earlier_version_is_copied_and_stays_what_it_is(url: str, tmp_path: Path) -> None:
    from tests.test_store_tables import FIRST_VERSION

    file = tmp_path / "first.db"
    connection = sqlite3.connect(file)
    for statement in FIRST_VERSION:
        connection.execute(statement)
    connection.commit()
    connection.close()
    assert copy(f"sqlite:///{file}", url)["conversation"] == 1
    assert rows(url, "SELECT person, state FROM conversation") == [("line:a", "41")]
    assert rows(f"sqlite:///{file}", "SELECT max(number) FROM migration") == [(1,)]


@pytest.mark.parametrize(
    ("from_", "to", "says"),
    [
        ("sqlite:////nowhere/at.db", "sqlite:///{}/new.db", "source: there is no file"),
        ("sqlite:///{}/old.db", "sqlite:////nowhere/at.db", "target: the database's folder cannot be written"),
        ("sqlite:///{}/old.db", "sqlite://", "target: a database in memory"),
        ("sqlite:///{}/old.db", "sqlite:///{}/old.db", "target: the database is locked"),
        ("sqlite:///{}/old.db", "postgresql://me:hunter2@nowhere.invalid/x", "target: the database"),
        ("nonsense:hunter2", "sqlite:///{}/new.db", "source: memory.url is no database address"),
    ],
)
def test_what_cannot_be_opened_is_named(source: str, tmp_path: Path, from_: str, to: str, says: str) -> None:
    with pytest.raises(MemoryFault) as caught:
        copy(from_.format(tmp_path), to.format(tmp_path))
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "new.db").exists()


def test_two_servers_of_postgres_are_left_to_its_own_tool() -> None:
    with pytest.raises(MemoryFault, match="pg_dump"):
        copy("postgresql://one.invalid/x", "postgresql+psycopg://two.invalid/x")


def test_a_server_that_runs_keeps_its_file(source: str, tmp_path: Path) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        with pytest.raises(MemoryFault, match="source: the database is locked by another process"):
            await asyncio.to_thread(copy, source, f"sqlite:///{tmp_path / 'new.db'}")

    play(source, scene)


def test_the_command(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOL_ADVISOR_MEMORY__URL", f"sqlite:///{tmp_path / 'new.db'}")
    done = run("memory", "copy", "--from", source)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "copied: 7 conversation, 2 dead, 9 event, 1 miss, 1 moved, 2 outbox\n"
    again = run("memory", "copy", "--from", source)
    assert again.returncode == 1
    assert again.stderr.startswith("kol-advisor: target: it keeps something already")
    monkeypatch.delenv("KOL_ADVISOR_MEMORY__URL")
    assert run("memory", "copy", "--from", source).returncode == 2
