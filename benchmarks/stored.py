"""Filling: as many conversations as are asked for, as they stand in the midst of a talk, without talking."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks.contenders import PEERS
from benchmarks.process import Absent
from benchmarks.talk import TALKS, Person
from bot.database import open_database
from bot.message import Message
from bot.store_tables import conversation, event, migrate
from handlers.exchange import payload_of, work_of
from knowledge.knowledge import Knowledge

TALKERS = 3000
CHUNK = 20_000


def states(knowledge: Knowledge) -> list[list[str]]:
    """What is kept after each message of each talk, by the adviser's own pure core."""
    work = work_of(knowledge)
    found: list[list[str]] = []
    for talk in TALKS:
        state: str | None = None
        kept = []
        for number, text in enumerate(talk):
            message = Message(str(number), "line:1", text, datetime.now(UTC))
            state, _ = work(state, payload_of(message, {"reply_token": None}))
            kept.append(state or "")
        found.append(kept)
    return found


def fill(url: str, people: int, kept: list[list[str]]) -> None:
    """Store `people` conversations by plain SQL, each with the id of an event that is still remembered."""
    engine = open_database(url)
    now = time.time()
    with engine.begin() as connection:
        migrate(connection, now)
        for first in range(0, people, CHUNK):
            numbers = range(first, min(people, first + CHUNK))
            everybody = [Person(number) for number in numbers]
            rows = [
                {"person": f"line:{one.line}", "state": kept[one.talk][_said(one) - 1], "at": now} for one in everybody
            ]
            connection.execute(sa.insert(conversation), rows)
            events = [{"id": f"line:bench:00{number:024d}", "at": int(now)} for number in numbers]
            connection.execute(sa.insert(event), events)
    engine.dispose()


def _said(person: Person) -> int:
    """How far in a talk somebody stored is."""
    return 1 + person.number // len(TALKS) % person.length


def talkers(people: int) -> list[Person]:
    """Some of those stored, at random, ready to go on where they were."""
    chance = random.Random(people)  # noqa: S311 - the same ones every time
    chosen = [Person(number) for number in chance.sample(range(people), min(people, TALKERS))]
    for person in chosen:
        person.said = _said(person)
    return chosen


def fill_ptb(file: Path, people: int) -> float:
    """Write the pickle of so many people; returns the seconds of the write-out. Raises `Absent`."""
    first = int(Person(0).chat)
    command = [sys.executable, str(PEERS / "ptb_fill.py"), str(file), str(people), str(first)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Absent((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return float(done.stdout)
