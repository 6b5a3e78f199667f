"""The kill loop of the whole server: people write, platforms misbehave, servers and database are killed; then judge."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_posts import SECRET
from tests.postgres import Server
from tests.server_doubles import SILENT, BadLine, BadTelegram, Day
from tests.server_judge import Verdict, judge, judge_database, judge_log
from tests.server_people import WORD, Crowd
from tests.server_replicas import Replicas
from tests.telegram_double import TOKEN as TELEGRAM_TOKEN

# Without any reply coming for so long, something was lost: longer than the longest wait before another try.
PATIENCE_SECONDS = 700.0
LOOK_SECONDS = 0.05


async def kill_servers(
    folder: Path,
    *,
    kills: int,
    mode: str = "polling",
    replicas: int = 1,
    database: Server | None = None,
    database_kills: int = 0,
    people: int = 12,
    steps: int = 120,
    cold: float = 0.05,
    silent: float = SILENT,
    patience: float = PATIENCE_SECONDS,
    seed: int = 1,
) -> Verdict:
    """Kill servers so often, and the database so often; what came of it. Without `database`: SQLite.

    `mode`: how Telegram delivers. `people`: on each platform. `steps`: the most calls between two kills.
    `cold`: the share of starts that begin with the interpreter; `silent`: that of calls which are never answered.
    `patience`: seconds without any reply after which something counts as lost.
    """
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    url = database.address if database is not None else f"sqlite:///{folder / 'kept.db'}"
    verdict = Verdict(name=f"{'PostgreSQL' if database else 'SQLite'}, {replicas} x, Telegram by {mode}")
    servers = Replicas(
        folder, random, url, count=replicas, database=database,
        kills=kills, database_kills=database_kills, steps=steps, cold=cold,
    )  # fmt: skip
    day = Day(random, servers.step, servers.life, silent=silent)
    line, telegram = BadLine(day), BadTelegram(day)
    async with line, telegram.serving():
        crowd = Crowd(random, line, telegram, lambda: servers.addresses, servers.step, people)
        living = asyncio.create_task(servers.live(line.base, telegram.base, mode))
        writing = asyncio.create_task(crowd.write(mode == "polling"))
        try:
            await _until_all_is_told(verdict, servers, crowd, day, living, writing, patience)
            await servers.stop()
            await living
        finally:
            for task in (writing, living):
                task.cancel()
            await asyncio.gather(writing, living, return_exceptions=True)
    verdict.kills, verdict.database_kills = servers.kills, servers.database_kills
    verdict.posts, verdict.troubles = crowd.posts, day.troubles.total()
    verdict.accepted_before = sum(1 for path, status in line.calls if path.endswith("/push") and status == 409)
    for fault in (*servers.faults, *line.faults, *telegram.faults):
        verdict.add(fault)
    judge(verdict, crowd.everybody, day.seen)
    judge_database(verdict, url.replace("postgresql:", "postgresql+psycopg:"), crowd.everybody)
    judge_log(verdict, servers.log.read_text(encoding="utf-8"), (SECRET, WORD, LINE_TOKEN, TELEGRAM_TOKEN))
    return verdict


async def _until_all_is_told(
    verdict: Verdict,
    servers: Replicas,
    crowd: Crowd,
    day: Day,
    living: asyncio.Task[None],
    writing: asyncio.Task[None],
    patience: float,
) -> None:
    """Until enough was killed, everything written is kept, and everybody has their replies."""
    seen, since = -1, time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if servers.over:
            crowd.over = day.over = True
        told = sum(len(arrivals) for arrivals in day.seen.values())
        if told != seen:
            seen, since = told, time.monotonic()
        if crowd.over and writing.done() and _all_told(crowd, day):
            return
        if living.done() or (writing.done() and writing.exception()) or time.monotonic() > since + patience:
            verdict.add("it came to a standstill: something never came")
            return


def _all_told(crowd: Crowd, day: Day) -> bool:
    return all(
        len({arrival.amount for arrival in day.seen.get(person.name, [])}) >= len(person.sums)
        for person in crowd.everybody
    )


def on_postgres(folder: Path, **options: Any) -> Verdict:
    """A run over a PostgreSQL server of its own, which may be killed."""
    with closing(Server()) as database:
        return asyncio.run(kill_servers(folder, database=database, **options))
