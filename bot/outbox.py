"""The outbox: replies in line, one of each conversation on its way at a time."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from bot.dead_letter import letter
from bot.delivery import Dropped, Later, Outcome, Outgoing, Pauses, Retry, settle
from bot.store_tables import conversation, dead, moved, outbox


@dataclass(frozen=True, slots=True)
class Leased:
    """A reply that this lane, and nobody else, may send now."""

    id: int
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Finished:
    """A try is over."""

    leased: Leased
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Terms:
    """What a lane may do: whose leases, for how long (seconds), how many more, and which it holds already."""

    owner: str
    lease: float
    pauses: Pauses
    room: int
    held: frozenset[int]
    take: bool


@dataclass(slots=True)
class Handed:
    """What one group commit hands out. `more`: replies were left for want of room."""

    leased: list[Leased] = field(default_factory=list)
    more: bool = False


_names: sa.BindParameter[Any] = sa.bindparam("names", expanding=True)
_ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
# The head of a line by one look into the index (conversation, id), however long the line is.
_HEADS = sa.select(
    conversation.c.person,
    sa.select(outbox.c.id)
    .where(outbox.c.conversation == conversation.c.person)
    .order_by(outbox.c.id)
    .limit(1)
    .scalar_subquery()
    .label("head"),
).where(conversation.c.person.in_(_names))
_HELD = (
    sa.select(outbox.c.id, outbox.c.erase)
    .where(outbox.c.id.in_(_ids), outbox.c.owner == sa.bindparam("me"))
    .order_by(outbox.c.id)
    .with_for_update()
)
_DELETE = sa.delete(outbox).where(outbox.c.id.in_(_ids))
_LATER = (
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("row"))
    .values(due=sa.bindparam("until"), tries=sa.bindparam("tried"), owner=None)
)
# Who had it died while sending, or before: it may have arrived. But kills are no failures of the platform: however
# many there were, they make nobody wait longer and give nothing up.
TRIED = sa.case((outbox.c.tries == 0, 1), else_=outbox.c.tries)
_LEASE = (
    sa.update(outbox)
    .where(outbox.c.id.in_(_ids))
    .values(
        owner=sa.bindparam("me"),
        due=sa.bindparam("until"),
        tries=sa.case((outbox.c.owner.is_(None), outbox.c.tries), else_=TRIED),
    )
    .returning(outbox)
)
_DUE = (
    sa.select(outbox.c.id, outbox.c.conversation, outbox.c.owner, outbox.c.tries)
    .where(outbox.c.due <= sa.bindparam("now"), outbox.c.due.is_not(None), outbox.c.id.not_in(_ids))
    .order_by(outbox.c.due, outbox.c.id)
    .limit(sa.bindparam("room"))
    .with_for_update(skip_locked=True)
)
# The only one of a conversation that has a `due` is its head.
_BORN = sa.select(outbox.c.id, outbox.c.conversation).where(
    outbox.c.conversation.in_(_names), outbox.c.due.is_not(None)
)


def erase(connection: sa.Connection, names: Iterable[str]) -> None:
    """Delete replies and dead letters of locked conversations; what is being sent now is erased after this try."""
    mine = {"names": list(names)}
    connection.execute(sa.delete(moved).where(moved.c.moved_to.in_(_names)), mine)
    connection.execute(sa.delete(dead).where(dead.c.conversation.in_(_names)), mine)
    connection.execute(sa.delete(outbox).where(outbox.c.conversation.in_(_names), outbox.c.owner.is_(None)), mine)
    connection.execute(sa.update(outbox).where(outbox.c.conversation.in_(_names)).values(erase=1), mine)


def finish(
    connection: sa.Connection, finished: Sequence[Finished], now: float, terms: Terms, forgotten: Container[str]
) -> tuple[set[str], list[dict[str, Any]]]:
    """Record what became of tries; returns the conversations whose line moves on, and the dead letters."""
    if not finished:
        return set(), []
    held = connection.execute(_HELD, {"ids": [item.leased.id for item in finished], "me": terms.owner})
    erased = {row.id: bool(row.erase) for row in held}
    undelivered: list[dict[str, Any]] = []
    gone: list[int] = []
    later: list[dict[str, Any]] = []
    freed: set[str] = set()
    for item in finished:
        row, reply = item.leased.id, item.leased.outgoing
        if row not in erased:
            continue  # the lease ended before this was recorded: whoever has it now will tell
        verdict = settle(item.outcome, reply, now)
        if isinstance(item.outcome, Retry) and item.outcome.everyone and isinstance(verdict, Later):
            terms.pauses.pause(reply.conversation, verdict.due)
        kept = not erased[row] and reply.conversation not in forgotten
        if isinstance(verdict, Later) and kept:
            later.append({"row": row, "until": verdict.due, "tried": verdict.tries})
            continue
        if isinstance(verdict, Dropped) and kept and not verdict.unread:
            undelivered.append(letter("reply", reply.conversation, reply.key, reply.body, verdict.reason))
        gone.append(row)
        freed.add(reply.conversation)
    if gone:
        connection.execute(_DELETE, {"ids": gone})
    if later:
        connection.execute(_LATER, later)
    return freed, undelivered


def queue(
    connection: sa.Connection,
    freed: set[str],
    replies: Sequence[tuple[str, str]],
    now: float,
    terms: Terms,
) -> Handed:
    """Put new replies in line, and let the next of every line that has none on the way come forward."""
    done = Handed()
    names = freed | {name for name, _ in replies}
    if not names:
        return done
    heads = {row.person: row.head for row in connection.execute(_HEADS, {"names": sorted(names)})}
    forward = [heads[name] for name in sorted(freed) if heads.get(name) is not None]
    rows: list[dict[str, Any]] = []
    born: dict[str, dict[str, Any]] = {}
    for name, body in replies:
        row = {"conversation": name, "key": str(uuid4()), "body": body, "at": now, "tries": 0, "erase": 0}
        if heads.get(name) is not None:
            row |= {"due": None, "owner": None}
        else:
            heads[name] = -1
            quiet = terms.pauses.end(name)
            if quiet <= now and len(born) < terms.room:
                row |= {"due": now + terms.lease, "owner": terms.owner}
                born[name] = row
            else:
                row |= {"due": max(quiet, now), "owner": None}
                done.more = True
        rows.append(row)
    if rows:
        # One by one in this order, so that ids rise as the replies were given; RETURNING would promise no order.
        connection.execute(sa.insert(outbox), rows)
    if born:
        ids = connection.execute(_BORN, {"names": list(born)})
        done.leased += (_leased(born[row.conversation] | {"id": row.id}) for row in ids)
    if forward:
        _forward(connection, forward, now, terms, done)
    return done


def _forward(connection: sa.Connection, ids: Sequence[int], now: float, terms: Terms, done: Handed) -> None:
    room = max(0, terms.room - len(done.leased))
    now_mine, waiting = ids[:room], ids[room:]
    if now_mine:
        found = connection.execute(_LEASE, {"ids": now_mine, "me": terms.owner, "until": now + terms.lease})
        _hold(connection, [row._asdict() for row in found], now, terms, done)
    if waiting:
        connection.execute(_LATER, [{"row": row, "until": now, "tried": 0} for row in waiting])
        done.more = True


def take(connection: sa.Connection, now: float, terms: Terms, done: Handed) -> None:
    """Lease what is due: second tries, what found no room before, and what a dead replica left."""
    room = terms.room - len(done.leased)
    if room <= 0:
        done.more = True
        return
    mine = [*terms.held, *(item.id for item in done.leased)]
    ids = [row.id for row in connection.execute(_DUE, {"now": now, "room": room, "ids": mine})]
    if ids:
        found = connection.execute(_LEASE, {"ids": ids, "me": terms.owner, "until": now + terms.lease})
        _hold(connection, [row._asdict() for row in found], now, terms, done)
    done.more = done.more or len(ids) == room


def _hold(connection: sa.Connection, rows: Iterable[dict[str, Any]], now: float, terms: Terms, done: Handed) -> None:
    """Keep what may be sent now; what its platform wants to wait for waits."""
    quiet = []
    for row in sorted(rows, key=lambda row: int(row["id"])):
        until = terms.pauses.end(row["conversation"])
        if until > now:
            quiet.append({"row": row["id"], "until": until, "tried": row["tries"]})
        else:
            done.leased.append(_leased(row))
    if quiet:
        connection.execute(_LATER, quiet)


def _leased(row: dict[str, Any]) -> Leased:
    return Leased(row["id"], Outgoing(row["conversation"], row["key"], row["body"], row["tries"], row["at"]))
