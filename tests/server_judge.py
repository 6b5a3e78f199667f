"""The judge of the kill loop: what was written against what arrived at the platforms and what the database keeps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from tests.server_doubles import Arrival
from tests.server_people import Person

_SHOWN = 8


@dataclass
class Verdict:
    """What came of a run; `faults` must be empty.

    `strange`: replies that answer no event as it was written, as those after an event that was taken twice.
    `again_as_push`: replies by reply token whose outcome was hidden (by a cut connection, a time-out, a kill), seen
    again as a push once the token had grown old; LINE offers no other way. `twice_on_telegram`: the same on Telegram,
    which has no means against it.
    """

    name: str = ""
    kills: int = 0
    database_kills: int = 0
    events: int = 0
    posts: int = 0
    replies: int = 0
    lost_events: int = 0
    lost_replies: int = 0
    strange: int = 0
    misordered: int = 0
    doubled_on_line: int = 0
    again_as_push: int = 0
    accepted_before: int = 0
    twice_on_telegram: int = 0
    troubles: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, fault: str) -> None:
        """Keep a fault; of many, the first."""
        if len(self.faults) < _SHOWN:
            self.faults.append(fault)


def judge(verdict: Verdict, people: Iterable[Person], seen: Mapping[str, Sequence[Arrival]]) -> None:
    """Compare what everybody was told with what they should have been told."""
    for person in people:
        verdict.events += len(person.events)
        arrivals = seen.get(person.name, [])
        known = set(person.sums)
        first = list(dict.fromkeys(arrival.amount for arrival in arrivals))
        strange = [amount for amount in first if amount not in known]
        missing = [amount for amount in person.sums if amount not in set(first)]
        told = [amount for amount in first if amount in known]
        wrong_turns = sum(1 for one, other in zip(told, sorted(told), strict=True) if one != other)
        verdict.replies += len(told)
        verdict.lost_replies += len(missing)
        verdict.strange += len(strange)
        verdict.misordered += wrong_turns
        if strange or missing or wrong_turns:
            verdict.add(f"{person.name}: {missing[:3]} not told, {strange[:3]} told, {wrong_turns} out of turn")
        _twice(verdict, person.name, arrivals)


def _twice(verdict: Verdict, name: str, arrivals: Sequence[Arrival]) -> None:
    """Count what was seen again, and whether anything was the cause of it."""
    for again in (arrival for arrival in arrivals if arrival.before):
        if name.startswith("tg:") and again.caused:
            verdict.twice_on_telegram += 1
        elif (again.before, again.how) == ("reply", "push") and again.caused:
            verdict.again_as_push += 1
        else:
            verdict.doubled_on_line += name.startswith("line:")
            verdict.add(f"{name}: {again.amount} came by {again.before} and again by {again.how}, without a cause")


def judge_database(verdict: Verdict, url: str, people: Iterable[Person]) -> None:
    """Every event kept once, nothing left to send, no dead letters, every conversation where it should be."""
    engine = sa.create_engine(url)
    if not sa.inspect(engine).has_table("outbox"):
        engine.dispose()
        verdict.add("no server has made its tables")
        return
    with engine.connect() as connection:

        def rows(statement: str) -> list[tuple[str, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

        kept = Counter(id.partition(":")[0] for (id,) in rows("SELECT id FROM event"))
        states = {person: json.loads(state) for person, state in rows("SELECT person, state FROM conversation")}
        for table in ("outbox", "dead"):
            if left := rows(f"SELECT conversation FROM {table}"):  # noqa: S608
                verdict.add(f"{len(left)} rows are left in {table}")
    engine.dispose()
    for person in people:
        kept[person.name.partition(":")[0]] -= len(person.events)
        budget = states.get(person.name, {}).get("brief", {}).get("budget") or {}
        if person.sums and budget.get("high") != str(person.sums[-1]):
            verdict.add(f"{person.name}: the budget kept is {budget.get('high')}, not {person.sums[-1]}")
    for platform, difference in kept.items():
        verdict.lost_events += max(0, -difference)
        if difference:
            verdict.add(f"{platform}: {difference} more events are kept than were written")


def judge_log(verdict: Verdict, log: str, secrets: Iterable[str]) -> None:
    """Whatever was killed, the servers' log is without tracebacks and secrets."""
    for word in ("Traceback", "再加", *secrets):
        if word in log:
            at = log.index(word)
            verdict.add(f"the log says {log[max(0, at - 200) : at + 1500]!r}")
