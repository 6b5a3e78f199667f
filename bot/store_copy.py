"""Copying: everything one database keeps, into another that is empty, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.database import fault, file_of, open_database, seconds
from bot.file_lock import FileLock
from bot.memory import MemoryFault
from bot.store_tables import duty, migrate, migration, outbox, tables

STEP_ROWS = 1000
# A duty belongs to whoever runs now.
_KEPT = [table for table in tables.sorted_tables if table not in (migration, duty)]


def copy(source: str, target: str) -> dict[str, int]:
    """Copy conversations, event ids, waiting replies and dead letters; returns the rows of each table.

    One transaction in each database: the target has everything or is as it was, and the source is never changed,
    not even where its tables are of an earlier version. Replies that were being sent are due again at once, as after
    a crash. Meant for programs that are stopped: an SQLite file is locked, PostgreSQL's tables against writing.
    Raises `MemoryFault` for an address that cannot be opened, a source that is not there, a target that keeps
    something already, and for two servers of PostgreSQL, whose own tools copy better.
    """
    if all(url.startswith("postgres") for url in (source, target)):
        raise MemoryFault("source and target are both PostgreSQL: use its own pg_dump and pg_restore")
    try:
        with _opened(source, "source") as old, _opened(target, "target") as new:
            taken = [table.name for table in _KEPT if new.execute(sa.select(table).limit(1)).first() is not None]
            if taken:
                raise MemoryFault(f"target: it keeps something already ({', '.join(taken)}); name an empty database")
            done = {table.name: _copied(table, old, new) for table in _KEPT}
            now = seconds(new, None)
            new.execute(
                sa.update(outbox)
                .where(outbox.c.owner.is_not(None))
                .values(owner=None, due=now, tries=outbox.c.tries + 1)
            )
            new.commit()
            return done
    except (DBAPIError, OSError) as error:
        raise fault(error) from None


@contextmanager
def _opened(url: str, part: str) -> Iterator[sa.Connection]:
    """A connection whose tables are of this version and which nobody else writes; left uncommitted, it is undone."""
    with ExitStack() as stack:
        try:
            connection = _connected(stack, url, part)
        except (DBAPIError, OSError, MemoryFault) as error:
            raise MemoryFault(f"{part}: {fault(error)}") from None
        yield connection


def _connected(stack: ExitStack, url: str, part: str) -> sa.Connection:
    engine = open_database(url)
    stack.callback(engine.dispose)
    file = file_of(engine.url)
    if file is not None:
        if part == "source" and not file.is_file():
            raise MemoryFault(f"there is no file {file}")
        stack.callback(FileLock(file).release)
    elif engine.dialect.name == "sqlite":
        raise MemoryFault("a database in memory, which no other program can see: name a file")
    connection = stack.enter_context(engine.connect())
    migrate(connection, seconds(connection, None))
    if engine.dialect.name == "postgresql":
        names = ", ".join(table.name for table in _KEPT)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
    return connection


def _copied(table: sa.Table, old: sa.Connection, new: sa.Connection) -> int:
    """Copy one table in steps, in the order of its key; the next new row continues behind the last key."""
    (key,) = table.primary_key.columns
    page = sa.select(table).order_by(key).limit(STEP_ROWS)
    done, last = 0, None
    while rows := old.execute(page if last is None else page.where(key > last)).mappings().all():
        new.execute(sa.insert(table), [dict(row) for row in rows])
        done, last = done + len(rows), rows[-1][key.name]
    if new.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() != done:
        raise MemoryFault(f"not every row of {table.name} arrived: nothing was copied")
    if isinstance(key.type, sa.Integer) and last is not None and new.dialect.name == "postgresql":
        new.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, key.name), last)))
    return done
