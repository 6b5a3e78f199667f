"""Chaos: the kill loop of the whole server at length, for `make chaos`; a table, and 1 on any fault."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.server_judge import Verdict
from tests.server_kill import kill_servers, on_postgres

PEOPLE = 24
REPLICAS = 3
KILLS_PER_DATABASE_KILL = 20
COLUMNS = {
    "kills": "kills", "database_kills": "database kills", "events": "events", "posts": "webhook calls",
    "replies": "replies", "troubles": "calls that went wrong", "lost_events": "events lost", "strange": "taken twice",
    "misordered": "out of order", "lost_replies": "replies lost", "doubled_on_line": "doubled on LINE",
    "again_as_push": "LINE reply, again as push", "accepted_before": "LINE said 409",
    "twice_on_telegram": "twice on Telegram",
}  # fmt: skip


def main() -> int:
    """On SQLite, then three replicas on PostgreSQL, each half with Telegram by polling and half by webhook."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--kills", type=int, default=500, help="on each database")
    reader.add_argument("--seed", type=int, default=1)
    given = reader.parse_args()
    halves = (("polling", given.kills // 2), ("webhook", given.kills - given.kills // 2))
    found: list[Verdict] = []
    for mode, kills in halves:
        with tempfile.TemporaryDirectory() as folder:
            scene = kill_servers(Path(folder), mode=mode, kills=kills, people=PEOPLE, seed=given.seed)
            found.append(asyncio.run(scene))
    for mode, kills in halves:
        options = {"database_kills": kills // KILLS_PER_DATABASE_KILL + 1, "people": PEOPLE, "seed": given.seed}
        with tempfile.TemporaryDirectory() as folder:
            found.append(on_postgres(Path(folder), mode=mode, replicas=REPLICAS, kills=kills, **options))
    sys.stdout.write(table(found))
    return 1 if any(verdict.faults for verdict in found) else 0


def table(found: list[Verdict]) -> str:
    """The runs side by side, and every fault."""
    width = max(len(verdict.name) for verdict in found)
    lines = [" " * 26 + "  ".join(verdict.name.rjust(width) for verdict in found)]
    for field, title in COLUMNS.items():
        lines.append(title.ljust(26) + "  ".join(f"{getattr(verdict, field):,}".rjust(width) for verdict in found))
    lines += [f"FAULT {verdict.name}: {fault}" for verdict in found for fault in verdict.faults]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
