"""Moving: a conversation goes on under another name, with its state and all that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa

from bot.commit import create, insert, lock, tidy
from bot.dead_letter import storable
from bot.memory import Busy, MemoryFault
from bot.store_tables import conversation, dead, event, moved, outbox

STEP = 500
Done = Literal["new", "seen", "sending"]


@dataclass(frozen=True, slots=True)
class Moving:
    """What a move means for what is kept; both are pure and quick, they hold locks.

    `state`: of the old name's state and the new one's (`None`: nothing is kept), the one that goes on.
    `body`: a waiting reply's body and the new name, to the body that is sent there.
    """

    state: Callable[[str | None, str | None], str | None]
    body: Callable[[str, str], str]


class Moves:
    """What a store does about conversations that change their names, or in which nobody can be reached any more."""

    def __init__(
        self,
        do: Callable[[str, Callable[[sa.Connection, float], Any]], Awaitable[Any]],
        moving: Moving | None,
        *,
        patience: float,
        tick: float,
    ) -> None:
        """`do` is the store's. `patience`: seconds for which a reply on its way is waited for, a `tick` at a time."""
        self._do, self._moving, self._patience, self._tick = do, moving, patience, tick

    async def move(self, event: str | None, old: str, new: str) -> Literal["new", "seen"]:
        """Let a conversation go on under another name, with its state, its waiting replies and its dead letters.

        `event` is the id of what tells of it. A reply that is on its way is waited for. Raises `Busy` if that takes
        too long (deliver again), `MemoryFault`, and `ValueError` for a name no database can keep, or in a store that
        was not told what a move means.
        """
        if self._moving is None:
            raise ValueError("this store moves no conversations")
        for name in (event or "", old, new):
            storable(name)
        end = time.monotonic() + self._patience
        while (
            done := await self._do(old, partial(move, id=event, old=old, new=new, moving=self._moving))
        ) == "sending":
            if time.monotonic() >= end:
                raise Busy("a reply to the conversation that moves is on its way")
            await asyncio.sleep(self._tick)
        return "seen" if done == "seen" else "new"

    async def follow(self, old: str, new: str) -> None:
        """Move because a reply could only be delivered under the new name; if that fails, its next try does it."""
        with suppress(Busy, MemoryFault, ValueError):
            await self.move(None, old, new)

    async def place_of(self, name: str) -> str:
        """The name under which a conversation goes on: its own, if it never moved."""
        return str(await self._do(name, partial(place_of, name=name)))

    async def moved_here(self, name: str, within: float) -> bool:
        """Whether another conversation has gone on under this name for no more than `within` seconds."""
        return bool(await self._do(name, partial(moved_here, name=name, within=within)))

    async def silence(self, event: str, name: str) -> Literal["new", "seen"]:
        """Drop what waits for a conversation in which nobody can be reached any more; its state stays."""
        for one in (event, name):
            storable(one)
        return "new" if await self._do(name, partial(silence, id=event, name=name)) else "seen"


def move(connection: sa.Connection, now: float, id: str | None, old: str, new: str, moving: Moving) -> Done:
    """Let `old` go on as `new`, in the caller's transaction; to move twice is as good as once.

    `id` is the event that tells of it, if one does. Replies keep their order: what came first under either name goes
    first. "sending": one of the old name's replies is on its way, and until it is known what became of it nothing
    changes; else a later one could overtake it.
    """
    names = [old, new]
    # Made before anything is locked: to make rows while holding others would let two replicas wait for each other.
    create(connection, names)
    states = lock(connection, names) or {}
    heads = sa.or_(outbox.c.conversation == old, outbox.c.due.is_not(None))
    waiting = connection.execute(
        sa.select(outbox).where(outbox.c.conversation.in_(names), heads).order_by(outbox.c.id).with_for_update()
    ).all()
    mine = [row for row in waiting if row.conversation == old]
    if old == new or any(row.owner is not None for row in mine):
        tidy(connection, names)
        return "seen" if old == new else "sending"
    if id is not None and not _new(connection, now, id):
        tidy(connection, names)
        return "seen"
    _state(connection, states, old, new, moving)
    there = next((row for row in waiting if row.conversation == new), None)
    first = mine[0].id if mine and (there is None or (there.owner is None and mine[0].id < there.id)) else None
    if there is not None and first is not None:
        # Only one of a conversation has a due time, at every moment.
        connection.execute(sa.update(outbox).where(outbox.c.id == there.id).values(due=None))
    for row in mine:
        changed = {"conversation": new, "body": moving.body(row.body, new), "due": now if row.id == first else None}
        connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(changed))
    connection.execute(sa.update(dead).where(dead.c.conversation == old).values(conversation=new))
    _remember(connection, now, old, new)
    tidy(connection, names)
    return "new"


def _state(connection: sa.Connection, states: dict[str, str], old: str, new: str, moving: Moving) -> None:
    at = sa.select(sa.func.max(conversation.c.at)).where(conversation.c.person.in_([old, new]))
    latest = connection.execute(at).scalar_one()
    state = moving.state(states.get(old) or None, states.get(new) or None) or ""
    connection.execute(sa.update(conversation).where(conversation.c.person == new).values(state=state, at=latest))
    connection.execute(sa.update(conversation).where(conversation.c.person == old).values(state=""))


def _remember(connection: sa.Connection, now: float, old: str, new: str) -> None:
    connection.execute(sa.update(moved).where(moved.c.moved_to == old).values(moved_to=new))
    connection.execute(sa.delete(moved).where(moved.c.person == new))
    upsert = insert(connection, moved).values(person=old, moved_to=new, at=now)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["person"], set_={"moved_to": upsert.excluded.moved_to, "at": upsert.excluded.at}
        )
    )


def place_of(connection: sa.Connection, now: float, name: str) -> str:
    """See `Moves.place_of`."""
    found = connection.execute(sa.select(moved.c.moved_to).where(moved.c.person == name)).scalar()
    return name if found is None else str(found)


def moved_here(connection: sa.Connection, now: float, name: str, within: float) -> bool:
    """See `Moves.moved_here`."""
    found = sa.select(moved.c.person).where(moved.c.moved_to == name, moved.c.at >= now - within).limit(1)
    return connection.execute(found).first() is not None


def silence(connection: sa.Connection, now: float, id: str, name: str) -> bool:
    """See `Moves.silence`; whether the event `id` was new."""
    create(connection, [name])
    lock(connection, [name])
    new = _new(connection, now, id)
    if new:
        mine = outbox.c.conversation == name
        connection.execute(sa.delete(outbox).where(mine, outbox.c.owner.is_(None)))
        # What is being sent this moment is dropped when that try is over.
        connection.execute(sa.update(outbox).where(mine).values(erase=1))
    tidy(connection, [name])
    return new


def _new(connection: sa.Connection, now: float, id: str) -> bool:
    """Remember an event; whether it was not taken before."""
    remembered = insert(connection, event).on_conflict_do_nothing().returning(event.c.id)
    return connection.execute(remembered.values(id=id, at=int(now))).first() is not None


def purge_moved(connection: sa.Connection, before: float) -> int:
    """Delete one step of old moves; returns how many, 0 when none are left."""
    old = sa.select(moved.c.person).where(moved.c.at < before).limit(STEP)
    return connection.execute(sa.delete(moved).where(moved.c.person.in_(old))).rowcount
