"""The store's tables: what they are now, and the numbered steps that lead there from every earlier version."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from bot.memory import MemoryFault

tables = sa.MetaData()
# `at` is when the person last spoke. An empty `state` is a conversation of which nothing is kept: the row stays only
# as long as one of its replies is on the way, because the row is what replicas lock.
conversation = sa.Table(
    "conversation",
    tables,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False, server_default="0"),
)
# The ids of events taken, so that none is taken twice.
event = sa.Table(
    "event",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
# Replies not delivered yet. Only the first of a conversation has a `due`: when it may be sent, or, while it has an
# `owner`, when that lane's lease on it ends. `erase` says: after this try, keep nothing of it.
outbox = sa.Table(
    "outbox",
    tables,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("conversation", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due", sa.Double),
    sa.Column("owner", sa.Text),
    sa.Column("erase", sa.Integer, nullable=False),
)
# What could not be answered (kind event; key: its id) or not be delivered (kind reply; key: its retry key).
dead = sa.Table(
    "dead",
    tables,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("conversation", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
# Conversations that go on under another name, so that what still comes under the old one is heard there.
moved = sa.Table(
    "moved",
    tables,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("moved_to", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
# What only one replica may do at a time: who does it, and until when at the latest (seconds since 1970).
duty = sa.Table(
    "duty",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)
# What was not understood, where the operator wants to learn from it: no person, and no time but the day (since 1970).
miss = sa.Table(
    "miss",
    tables,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("day", sa.BigInteger, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
migration = sa.Table("migration", tables, sa.Column("number", sa.Integer, primary_key=True))

_POSTGRES_LOCK = 7_310_501


def _first(run: Callable[[str], object], serial: str, now: float, dialect: str) -> None:
    """What the first release made."""
    run("CREATE TABLE IF NOT EXISTS conversation (person TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL)")
    run("CREATE TABLE IF NOT EXISTS event (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)")


def _outbox(run: Callable[[str], object], serial: str, now: float, dialect: str) -> None:
    """Replies wait in the database; a conversation knows when it was last used, so that it can be let go."""
    run("ALTER TABLE conversation ADD COLUMN at DOUBLE PRECISION NOT NULL DEFAULT 0")
    # Those already there were used at an unknown time: their retention begins today, not in 1970.
    run(f"UPDATE conversation SET at = {float(now)!r}")  # noqa: S608
    run("CREATE INDEX event_at ON event (at)")
    run(
        f"CREATE TABLE outbox (id {serial}, conversation TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, "
        "at DOUBLE PRECISION NOT NULL, tries INTEGER NOT NULL, due DOUBLE PRECISION, owner TEXT, "
        "erase INTEGER NOT NULL)"
    )
    run("CREATE INDEX outbox_line ON outbox (conversation, id)")
    # Order is a constraint: at most one reply of a conversation may be on the way.
    run("CREATE UNIQUE INDEX outbox_head ON outbox (conversation) WHERE due IS NOT NULL")
    run("CREATE INDEX outbox_due ON outbox (due) WHERE due IS NOT NULL")
    run(
        f"CREATE TABLE dead (id {serial}, kind TEXT NOT NULL, conversation TEXT NOT NULL, key TEXT NOT NULL, "
        "body TEXT NOT NULL, reason TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)"
    )
    run("CREATE INDEX dead_conversation ON dead (conversation)")
    if dialect == "postgresql":
        # Room for the next state beside the last, so that a turn touches no index.
        run("ALTER TABLE conversation SET (fillfactor = 70)")


def _moved(run: Callable[[str], object], serial: str, now: float, dialect: str) -> None:
    """Conversations change their names, and replicas agree on who does what only one of them may."""
    run("CREATE TABLE moved (person TEXT NOT NULL PRIMARY KEY, moved_to TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)")
    run("CREATE INDEX moved_to ON moved (moved_to)")
    run("CREATE TABLE duty (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until DOUBLE PRECISION NOT NULL)")


def _misses(run: Callable[[str], object], serial: str, now: float, dialect: str) -> None:
    """What was not understood can be kept, to learn from."""
    run(
        f"CREATE TABLE miss (id {serial}, day BIGINT NOT NULL, question TEXT NOT NULL, value TEXT NOT NULL, "
        "language TEXT NOT NULL, text TEXT NOT NULL)"
    )


MIGRATIONS: tuple[Callable[[Callable[[str], object], str, float, str], None], ...] = (_first, _outbox, _moved, _misses)
VERSION = len(MIGRATIONS)


def migrate(connection: sa.Connection, now: float) -> None:
    """Bring the tables to `VERSION` inside the caller's transaction. `now` is in seconds since 1970.

    Raises `MemoryFault` where a newer program has been at work.
    """
    dialect = connection.dialect.name
    if dialect == "postgresql":
        # Replicas that start together take turns.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS migration (number INTEGER NOT NULL PRIMARY KEY)")
    known = connection.execute(sa.select(sa.func.max(migration.c.number))).scalar() or 0
    if known > VERSION:
        raise MemoryFault(
            f"the database is of a newer version ({known}); this program knows {VERSION}: install the newer program"
        )
    serial = "BIGSERIAL PRIMARY KEY" if dialect == "postgresql" else "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"
    for number in range(known + 1, VERSION + 1):
        MIGRATIONS[number - 1](connection.exec_driver_sql, serial, now, dialect)
        connection.execute(migration.insert().values(number=number))
