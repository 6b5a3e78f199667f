"""A look at the database from outside: what it is, what waits in it and what is given up; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.database import fault, file_of, open_database, seconds
from bot.dead_letter import DeadLetter
from bot.file_lock import FileLock
from bot.memory import InUse
from bot.store_chores import KeptMiss, dead_letters, depth, misses
from bot.store_tables import migrate


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `database`: kind and version; `in_use`: a running server has the file, which was only read.

    `waiting`: replies not delivered; `oldest`: age in seconds of the oldest of them; `dead`: dead letters.
    """

    database: str
    in_use: bool
    waiting: int
    oldest: float
    dead: int


def look(url: str) -> Look:
    """Open, see that the tables could be made and written, and leave it all as it was. Raises `MemoryFault`."""
    with _opened(url) as (connection, in_use):
        return Look(_name(connection), in_use, *depth(connection, seconds(connection, None)))


def letters(url: str, most: int) -> list[DeadLetter]:
    """The latest dead letters, newest first; also of a server that runs. Raises `MemoryFault`."""
    with _opened(url) as (connection, _):
        return dead_letters(connection, most)


def kept_misses(url: str, most: int) -> list[KeptMiss]:
    """The latest misses, newest first; also of a server that runs. Raises `MemoryFault`."""
    with _opened(url) as (connection, _):
        return misses(connection, most)


@contextmanager
def _opened(url: str) -> Iterator[tuple[sa.Connection, bool]]:
    """A connection with the tables of this version, undone in the end; of a file in use one that can only read."""
    try:
        with ExitStack() as stack:
            engine = open_database(url)
            stack.callback(engine.dispose)
            file = file_of(engine.url)
            in_use = False
            if file is not None:
                try:
                    stack.callback(FileLock(file).release)
                except InUse:
                    in_use = True
                    engine = sa.create_engine(f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true")
                    stack.callback(engine.dispose)
            connection = stack.enter_context(engine.connect())
            if not in_use:
                # Undone with everything else: it only shows that the server could do it.
                migrate(connection, seconds(connection, None))
            yield connection, in_use
    except (DBAPIError, OSError) as error:
        raise fault(error) from None


def _name(connection: sa.Connection) -> str:
    if connection.dialect.name == "postgresql":
        return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"
    return f"SQLite {connection.exec_driver_sql('SELECT sqlite_version()').scalar_one()}"
