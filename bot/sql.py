"""The store: conversations and answered message ids in one SQL database, chosen by URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bot.conversation import Conversation
from bot.memory import MemoryFault
from bot.message import Message

T = TypeVar("T")
IN_PROCESS = "sqlite://"

_tables = sa.MetaData()
_conversation = sa.Table(
    "conversation",
    _tables,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
_event = sa.Table(
    "event",
    _tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
_migration = sa.Table("migration", _tables, sa.Column("number", sa.Integer, primary_key=True))
VERSION = 1


class SqlMemory:
    """Memory on SQLAlchemy Core; SQLite runs with WAL and full synchronisation.

    One writer at a time (a lock), which keeps the turns of one person apart and SQLite content.
    """

    def __init__(self, url: str) -> None:
        """Open the database and make its tables. Raises `MemoryFault` in plain words."""
        try:
            self._engine = sa.create_engine(url, **_pooling(url))
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare_sqlite)
            with self._engine.begin() as connection:
                _tables.create_all(connection)
                known = connection.execute(sa.select(sa.func.max(_migration.c.number))).scalar()
                if known is None:
                    connection.execute(_migration.insert().values(number=VERSION))
                elif known > VERSION:
                    raise MemoryFault(f"the database is of a newer version ({known}); this program knows {VERSION}")
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise MemoryFault(
                f"memory.url is no database address this program can open ({error.__class__.__name__}); "
                "write for example sqlite:///kol-advisor.db"
            ) from None
        except DBAPIError as error:
            raise MemoryFault(
                f"the database cannot be opened: {_plain(error)}; check memory.url and its folder"
            ) from None
        self._lock = Lock()

    async def transact(self, message: Message, work: Callable[[Conversation], tuple[Conversation, T]]) -> T | None:
        """See `bot.memory.Memory.transact`."""
        return await asyncio.to_thread(self._transact, message, work)

    def _transact(self, message: Message, work: Callable[[Conversation], tuple[Conversation, T]]) -> T | None:
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    seen = sa.select(_event.c.id).where(_event.c.id == message.id)
                    if connection.execute(seen).first() is not None:
                        return None
                    connection.execute(_event.insert().values(id=message.id, at=int(message.sent_at.timestamp())))
                    mine = _conversation.c.person == message.person
                    row = connection.execute(sa.select(_conversation.c.state).where(mine)).first()
                    after, result = work(Conversation.load(row.state) if row else Conversation())
                    if row:
                        connection.execute(_conversation.update().where(mine).values(state=after.dump()))
                    else:
                        connection.execute(_conversation.insert().values(person=message.person, state=after.dump()))
                    return result
            except DBAPIError as error:
                raise MemoryFault(f"the database cannot be written: {_plain(error)}") from None

    async def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _pooling(url: str) -> dict[str, object]:
    if url == IN_PROCESS:
        # One connection shared by all threads, else each would see an empty database of its own.
        return {"poolclass": sa.pool.StaticPool, "connect_args": {"check_same_thread": False}}
    return {}


def _prepare_sqlite(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _plain(error: DBAPIError) -> str:
    """The driver's first line, without statement or parameters."""
    return str(error.orig).splitlines()[0] if error.orig else error.__class__.__name__
