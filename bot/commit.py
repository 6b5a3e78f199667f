"""One group commit: all that waits in a lane becomes durable as one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.dead_letter import letter, storable
from bot.misses import Miss
from bot.outbox import Finished, Handed, Terms, erase, finish, queue, take
from bot.store_tables import conversation, dead, event, miss, outbox

# (state or None, payload) -> (state, reply bodies); no state: the conversation is forgotten, but for these replies.
# A third part are misses to be kept, which no longer belong to anybody.
Work = Callable[
    [str | None, str], tuple[str | None, tuple[str, ...]] | tuple[str | None, tuple[str, ...], tuple[Miss, ...]]
]
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event to be answered.

    One that takes a message back says in `erases` by which text the payload of that message is known: dead letters
    of the conversation that hold it go in the same commit.
    """

    id: str
    conversation: str
    payload: str
    erases: str = ""


@dataclass(slots=True)
class _Turns:
    """What the turns of one batch lead to."""

    states: dict[str, str]
    changed: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    replies: list[tuple[str, str]] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    erased: list[tuple[str, str]] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)


_names: sa.BindParameter[Any] = sa.bindparam("names", expanding=True)
_LOCK = (
    sa.select(conversation.c.person, conversation.c.state)
    .where(conversation.c.person.in_(_names))
    .order_by(conversation.c.person)
    .with_for_update()
)
_TIDY = sa.delete(conversation).where(
    conversation.c.person.in_(_names),
    conversation.c.state == "",
    ~sa.exists().where(outbox.c.conversation == conversation.c.person),
)
# Compared sign by sign: an id may hold what LIKE takes for any sign.
_ERASE = sa.delete(dead).where(
    dead.c.conversation == sa.bindparam("name"),
    dead.c.kind == "event",
    sa.func.replace(dead.c.body, sa.bindparam("words"), "") != dead.c.body,
)


def lock(connection: sa.Connection, names: Sequence[str]) -> dict[str, str] | None:
    """Lock conversations, in one order for everybody, and load them.

    `None`: some do not exist yet; roll back and `create` them first. To create them while holding others would
    let two replicas wait for each other. SQLite has one writer and needs no row to lock.
    """
    states = {row.person: row.state for row in connection.execute(_LOCK, {"names": names})}
    if connection.dialect.name != "sqlite" and len(states) < len(names):
        return None
    return states


def create(connection: sa.Connection, names: Sequence[str]) -> None:
    """Make rows to lock, in a transaction of their own."""
    rows = [{"person": name, "state": "", "at": 0.0} for name in sorted(names)]
    connection.execute(insert(connection, conversation).on_conflict_do_nothing(), rows)


def commit(
    connection: sa.Connection,
    states: dict[str, str],
    items: Sequence[Arrived | Finished],
    work: Work,
    now: float,
    terms: Terms,
) -> tuple[frozenset[str], Handed]:
    """Do all of it inside the caller's transaction; `states` are the conversations of `items`, locked.

    Returns the ids of the events not seen before, and what may be sent once the transaction is durable.
    """
    arrived = [item for item in items if isinstance(item, Arrived)]
    new = _remember(connection, arrived, now)
    turns = _answer(arrived, new, states, work)
    tried = [item for item in items if isinstance(item, Finished)]
    freed, undelivered = finish(connection, tried, now, terms, turns.forgotten)
    turns.dead += undelivered
    if turns.forgotten:
        erase(connection, turns.forgotten)
    for name, words in turns.erased:
        connection.execute(_ERASE, {"name": name, "words": words})
    if turns.dead:
        connection.execute(sa.insert(dead), [row | {"at": now} for row in turns.dead])
    if turns.misses:
        day = int(now) // DAY_SECONDS
        connection.execute(sa.insert(miss), [{"day": day, **asdict(one)} for one in turns.misses])
    if turns.changed:
        upsert = insert(connection, conversation)
        upsert = upsert.on_conflict_do_update(
            index_elements=["person"], set_={"state": upsert.excluded.state, "at": upsert.excluded.at}
        )
        connection.execute(
            upsert, [{"person": name, "state": turns.states[name], "at": now} for name in sorted(turns.changed)]
        )
    handed = queue(connection, freed, turns.replies, now, terms)
    if terms.take:
        take(connection, now, terms, handed)
    empty = [name for name, state in turns.states.items() if not state]
    if empty:
        tidy(connection, empty)
    return new, handed


def tidy(connection: sa.Connection, names: Sequence[str]) -> None:
    """Delete the rows of conversations of which nothing is kept and nothing is on the way."""
    connection.execute(_TIDY, {"names": names})


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """This dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _remember(connection: sa.Connection, arrived: Sequence[Arrived], now: float) -> frozenset[str]:
    if not arrived:
        return frozenset()
    rows = [{"id": id, "at": int(now)} for id in sorted({item.id for item in arrived})]
    statement = insert(connection, event).on_conflict_do_nothing().returning(event.c.id)
    return frozenset(connection.execute(statement, rows).scalars())


def _answer(arrived: Sequence[Arrived], new: frozenset[str], states: dict[str, str], work: Work) -> _Turns:
    """Run `work` in order of arrival; each turn sees the state that the one before it left."""
    turns = _Turns(dict(states))
    left = set(new)
    for item in arrived:
        if item.id not in left:
            continue
        left.discard(item.id)
        name = item.conversation
        try:
            done = work(turns.states.get(name) or None, item.payload)
            state, bodies = done[0], done[1]
            misses = done[2] if len(done) == 3 else ()
            for text in (state or "", *bodies, *(one.text for one in misses)):
                storable(text)
        except Exception as error:
            turns.dead.append(letter("event", name, item.id, item.payload, _where(error)))
            continue
        if item.erases:
            turns.erased.append((name, item.erases))
            turns.dead = [one for one in turns.dead if one["conversation"] != name or item.erases not in one["body"]]
        elif not state:
            turns.forgotten.add(name)
            turns.replies = [reply for reply in turns.replies if reply[0] != name]
            turns.dead = [letter for letter in turns.dead if letter["conversation"] != name]
        turns.misses += misses
        turns.states[name] = state or ""
        turns.changed.add(name)
        turns.replies += ((name, body) for body in bodies)
    return turns


def _where(error: Exception) -> str:
    """The exception's name and place; not its text, which may quote the person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else ""
    return f"{error.__class__.__name__}{place}"
