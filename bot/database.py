"""The database: opened by URL, with its durable settings on and its faults in plain words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bot.memory import MemoryFault

_KNOWN = (
    ("disk is full", "the disk is full: free some space"),
    ("no space left", "the disk is full: free some space"),
    ("could not extend", "the database server's disk is full: free some space"),
    ("readonly", "the database is read-only: check who may write the file and its folder"),
    ("read-only", "the database is read-only: check who may write it"),
    ("locked", "the database is locked by another process"),
    ("unable to open", "the database cannot be opened: check memory.url and its folder"),
    ("not a database", "the file is not a database: check memory.url"),
    ("malformed", "the database file is damaged: restore it from a backup"),
    ("disk i/o", "the disk takes nothing: check its space, quotas, file size limits, and its health"),
    ("password authentication", "the database refuses the name or password in memory.url"),
    ("does not exist", "the database or table does not exist: check memory.url"),
    ("connect", "the database server cannot be reached: check memory.url and that it runs"),
)
_AGAIN = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25P03"})


def open_database(url: str) -> sa.Engine:
    """An engine for `url` (SQLite or PostgreSQL); nothing is read yet. Raises `MemoryFault`."""
    try:
        address = sa.make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")
        options: dict[str, Any] = {"hide_parameters": True}
        if address.get_backend_name() == "postgresql":
            options["connect_args"] = {"connect_timeout": 5}
        elif file_of(address) is None:
            # One connection for all threads, else each would see an empty database of its own.
            options |= {"poolclass": sa.pool.StaticPool, "connect_args": {"check_same_thread": False}}
        engine = sa.create_engine(address, **options)
    except ModuleNotFoundError:
        raise MemoryFault(
            "the driver of this database is not installed; for PostgreSQL: pip install 'kol-advisor[postgres]'"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise _no_address(error.__class__.__name__) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _prepare_postgres)
    else:
        raise _no_address(engine.dialect.name)
    return engine


def file_of(address: sa.URL) -> Path | None:
    """The file behind an SQLite address; `None` for a database in memory or on a server."""
    name = address.database or ""
    if address.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    return Path(name.removeprefix("file:"))


def seconds(connection: sa.Connection, clock: Callable[[], float] | None) -> float:
    """Seconds since 1970: by `clock`, else on a server by its own, because replicas' clocks differ."""
    if clock is not None:
        return clock()
    if connection.dialect.name == "postgresql":
        return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())
    return time.time()


def again(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed now: a lost connection, a deadlock, a lock not had."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in _AGAIN or state == "23505"


def fault(error: Exception) -> MemoryFault:
    """What went wrong and what to do, without statement, value or password."""
    if isinstance(error, MemoryFault):
        return error
    said = str(error.orig) if isinstance(error, DBAPIError) and error.orig else ""
    for part, plain in _KNOWN:
        if part in said.lower():
            return MemoryFault(plain)
    return MemoryFault(f"the database cannot be used ({error.__class__.__name__}): check memory.url")


def _no_address(kind: str) -> MemoryFault:
    return MemoryFault(
        f"memory.url is no database address this program can open ({kind}); "
        "write for example sqlite:///kol-advisor.db or postgresql://name@host/database"
    )


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not begin transactions by itself: it would begin them as readers, which cannot always become
    # writers; `_begin_sqlite` begins them as writers.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # survives a power cut
    cursor.execute("PRAGMA secure_delete=FAST")  # what is forgotten is overwritten
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgres(connection: Any, _: object) -> None:
    # A replica that hangs must not hold its conversations for ever.
    was, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
    connection.autocommit = was
