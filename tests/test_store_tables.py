"""The store's tables: brought up to date from every version, and what they forbid by themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.memory import MemoryFault
from bot.store import Store
from bot.store_tables import VERSION, migrate, tables
from tests import store_scene
from tests.store_scene import Clock, Platform, play, rows, scene_of_nothing

url = store_scene.url

# What the first release made, with one person who had spoken.
FIRST_VERSION = (
    "CREATE TABLE conversation (person TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (person))",
    "CREATE TABLE event (id TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE migration (number INTEGER NOT NULL, PRIMARY KEY (number))",
    "INSERT INTO migration (number) VALUES (1)",
    "INSERT INTO conversation (person, state) VALUES ('line:a', '41')",
    "INSERT INTO event (id, at) VALUES ('e1', 999999)",
)


def test_tables_of_the_first_version_are_brought_up_to_date(url: str) -> None:
    """With their data, and to the same tables that a fresh database gets."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in FIRST_VERSION:
            connection.exec_driver_sql(statement)
    found = sa.inspect(engine)

    def keep(state: str | None) -> tuple[str | None, str | None]:
        return state, state

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        assert await store.submit("e1", "line:a", "x") == "seen"
        assert await store.transact("e2", "line:a", keep) == "41"
        # Nobody knows when it was last used, so its retention begins today.
        assert await store.purge(0, clock.now - 10) == 0
        assert await store.submit("e3", "line:a", "x") == "new"

    assert play(url, scene).bodies == ["x42"]
    play(url, scene_of_nothing)
    assert rows(url, "SELECT number FROM migration ORDER BY number") == [(1,), (2,), (3,), (4,)]
    assert rows(url, "SELECT id FROM event ORDER BY id") == [("e1",), ("e2",), ("e3",)]
    for table in tables.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
    engine.dispose()


def test_a_database_of_the_future_is_refused(url: str) -> None:
    play(url, scene_of_nothing)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO migration (number) VALUES (99)")
    with engine.connect() as connection, pytest.raises(MemoryFault, match="newer version"):
        migrate(connection, 0)
    engine.dispose()
    with pytest.raises(MemoryFault, match=f"newer version .99.; this program knows {VERSION}"):
        play(url, scene_of_nothing)


def test_the_order_of_a_conversation_is_a_constraint(url: str) -> None:
    play(url, scene_of_nothing)
    engine = sa.create_engine(url)
    insert = (
        "INSERT INTO outbox (conversation, key, body, at, tries, due, erase) VALUES ('line:a', 'k', 'b', 0, 0, 1, 0)"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(insert)
        with pytest.raises(sa.exc.IntegrityError):
            connection.exec_driver_sql(insert)
    engine.dispose()


def test_the_head_of_a_long_line_is_found_by_the_index(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    play(f"sqlite:///{file}", scene_of_nothing)
    connection = sqlite3.connect(file)
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT person, (SELECT id FROM outbox WHERE conversation = person ORDER BY id LIMIT 1) "
        "FROM conversation WHERE person IN ('a', 'b')"
    ).fetchall()
    connection.close()
    assert any("outbox USING COVERING INDEX outbox_line" in row[3] for row in plan)
    assert not any("SCAN" in row[3] for row in plan)
