"""The store's chores: forget, export, purge, dead letters, and taking up what an earlier run left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.commit import DAY_SECONDS, create, insert, lock, tidy
from bot.dead_letter import DeadLetter
from bot.misses import Miss
from bot.outbox import TRIED, erase
from bot.store_tables import conversation, dead, event, miss, outbox

STEP = 500


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits. `inbox`: events not yet durable; `sending`: tries going on in this process;
    `outbox`: replies not delivered; `oldest`: age in seconds of the oldest of them; `dead`: dead letters."""

    inbox: int
    sending: int
    outbox: int
    oldest: float
    dead: int


@dataclass(frozen=True, slots=True)
class KeptMiss:
    """A miss and the day it was kept on, in days since 1970 (UTC)."""

    miss: Miss
    day: int


def take_up(connection: sa.Connection, owner: str, now: float) -> None:
    """Free at once what an earlier run of `owner` was sending; on SQLite, what anybody was: no other process runs."""
    left: sa.ColumnElement[bool] = outbox.c.owner.is_not(None)
    if connection.dialect.name != "sqlite":
        left = outbox.c.owner.startswith(f"{owner}/", autoescape=True)
    connection.execute(sa.update(outbox).where(left).values(owner=None, due=now, tries=TRIED))


def forget(connection: sa.Connection, name: str) -> None:
    """Erase a conversation; a reply that is being sent this moment is erased when that try is over."""
    if lock(connection, [name]) is None:
        create(connection, [name])
        lock(connection, [name])
    erase(connection, [name])
    connection.execute(sa.update(conversation).where(conversation.c.person == name).values(state=""))
    tidy(connection, [name])


def export(connection: sa.Connection, name: str) -> dict[str, Any]:
    """Everything kept of a conversation, as plain values."""
    row = connection.execute(sa.select(conversation).where(conversation.c.person == name)).first()
    replies = sa.select(outbox.c.body, outbox.c.at, outbox.c.tries).where(outbox.c.conversation == name)
    letters = sa.select(dead.c.kind, dead.c.body, dead.c.reason, dead.c.at).where(dead.c.conversation == name)
    return {
        "conversation": name,
        "state": row.state or None if row else None,
        "at": row.at if row and row.state else None,
        "waiting": [dict(found) for found in connection.execute(replies.order_by(outbox.c.id)).mappings()],
        "dead": [dict(found) for found in connection.execute(letters.order_by(dead.c.id)).mappings()],
    }


def note(connection: sa.Connection, now: float, names: Sequence[str]) -> None:
    """Keep names as if they were events taken; they are purged with them."""
    if names:
        remembered = insert(connection, event).on_conflict_do_nothing()
        connection.execute(remembered, [{"id": name, "at": int(now)} for name in sorted(names)])


def noted(connection: sa.Connection, name: str) -> bool:
    """Whether `name` is kept."""
    return connection.execute(sa.select(event.c.id).where(event.c.id == name)).first() is not None


def purge_events(connection: sa.Connection, before: float) -> int:
    """Delete one step of old event ids; returns how many, 0 when none are left."""
    old = sa.select(event.c.id).where(event.c.at < before).order_by(event.c.at).limit(STEP)
    return connection.execute(sa.delete(event).where(event.c.id.in_(old))).rowcount


def purge_dead(connection: sa.Connection, before: float) -> int:
    """Delete one step of old dead letters; returns how many, 0 when none are left."""
    old = sa.select(dead.c.id).where(dead.c.at < before).order_by(dead.c.id).limit(STEP)
    return connection.execute(sa.delete(dead).where(dead.c.id.in_(old))).rowcount


def purge_misses(connection: sa.Connection, before: float) -> int:
    """Delete one step of the misses of days that were over at `before`; returns how many, 0 when none are left."""
    old = sa.select(miss.c.id).where(miss.c.day < int(before) // DAY_SECONDS).order_by(miss.c.id).limit(STEP)
    return connection.execute(sa.delete(miss).where(miss.c.id.in_(old))).rowcount


def purge_conversations(connection: sa.Connection, _: float, *, before: float, after: str) -> tuple[int, str | None]:
    """Delete those unused since `before` among the next of a step, by name, after `after`.

    Returns how many, and where the next step begins; `None` at the end. What has replies on the way stays.
    """
    page = sa.select(conversation.c.person, conversation.c.at).where(conversation.c.person > after)
    rows = connection.execute(page.order_by(conversation.c.person).limit(STEP)).all()
    old = [row.person for row in rows if row.at < before]
    gone = 0
    if old:
        # Locked first: a turn that goes on meanwhile makes a conversation young again.
        picked = sa.select(conversation.c.person).where(conversation.c.person.in_(old), conversation.c.at < before)
        still = connection.execute(picked.order_by(conversation.c.person).with_for_update()).scalars().all()
        idle = ~sa.exists().where(outbox.c.conversation == conversation.c.person)
        gone = connection.execute(sa.delete(conversation).where(conversation.c.person.in_(still), idle)).rowcount
    return gone, rows[-1].person if len(rows) == STEP else None


def dead_letters(connection: sa.Connection, most: int) -> list[DeadLetter]:
    """The latest dead letters, newest first."""
    rows = connection.execute(sa.select(dead).order_by(dead.c.id.desc()).limit(most)).mappings()
    return [DeadLetter(**row) for row in rows]


def misses(connection: sa.Connection, most: int) -> list[KeptMiss]:
    """The latest misses, newest first."""
    rows = connection.execute(sa.select(miss).order_by(miss.c.id.desc()).limit(most))
    return [KeptMiss(Miss(row.question, row.value, row.language, row.text), row.day) for row in rows]


def depth(connection: sa.Connection, now: float) -> tuple[int, float, int]:
    """Replies waiting, the age of the oldest, dead letters."""
    waiting, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(outbox.c.at)).select_from(outbox)).one()
    letters = connection.execute(sa.select(sa.func.count()).select_from(dead)).scalar_one()
    return waiting, max(0.0, now - oldest) if oldest is not None else 0.0, letters


def answer_here(connection: sa.Connection, now: float, id: str, name: str, work: Any) -> tuple[bool, Any]:
    """One turn whose answer is returned rather than sent: remember the event, change the state.

    `work` maps (state or None) to (state or None, result). Returns whether the event was new, and the result.
    """
    states = lock(connection, [name])
    if states is None:
        create(connection, [name])
        states = lock(connection, [name]) or {}
    remembered = insert(connection, event).on_conflict_do_nothing().returning(event.c.id)
    if connection.execute(remembered.values(id=id, at=int(now))).first() is None:
        tidy(connection, [name])
        return False, None
    state, result = work(states.get(name) or None)
    if not state:
        erase(connection, [name])
    upsert = insert(connection, conversation).values(person=name, state=state or "", at=now)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["person"], set_={"state": upsert.excluded.state, "at": upsert.excluded.at}
        )
    )
    tidy(connection, [name])
    return True, result
