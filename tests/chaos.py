"""Chaos: the kill loop at length, for `make chaos`; prints what came of it and ends with 1 on any fault."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.test_store_kill import check, kill_loop


def main() -> int:
    """Run the loop on SQLite, or on the database named."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--kills", type=int, default=500)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--url", default="", help="a PostgreSQL address; left out: a SQLite file of its own")
    reader.add_argument("--replicas", type=int, default=1)
    given = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{Path(folder) / 'kept.db'}"
        tally = asyncio.run(kill_loop(url, kills=given.kills, seed=given.seed, replicas=given.replicas))
    sys.stdout.write(
        f"{tally.kills} kills, {tally.events} events, {tally.delivered} replies, {tally.repeated} sent again under "
        f"their key, {sum(tally.doubled.values())} seen twice on the platform without keys\n"
    )
    for fault in tally.faults:
        sys.stdout.write(f"FAULT {fault}\n")
    if tally.faults:
        return 1
    check(tally, given.kills)
    return 0


if __name__ == "__main__":
    sys.exit(main())
