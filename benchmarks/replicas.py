"""Replicas: the same program once and twice over one PostgreSQL, the load shared between them."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from benchmarks.contenders import adviser
from benchmarks.measure import PEOPLE, WARM_UP, Field, Tell, started
from benchmarks.storage import postgres
from benchmarks.talk import Person

COUNTS = (1, 2)


def all_cores() -> set[int]:
    """Every core this run may use."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set()


async def by_count(
    field: Field, double: int, on: set[int], rounds: int, turns: int, tell: Tell
) -> dict[int, list[tuple[float, float]]]:
    """(turns/s, CPU ms a turn, database included) of every round, by how many replicas; they alternate.

    Replicas and database share the cores `on`. Every message goes to one of them by turns, so that both work on the
    same conversations. Raises `Absent` where there is no PostgreSQL.
    """
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in COUNTS}
    people = [Person(number) for number in range(PEOPLE)]
    async with AsyncExitStack() as stack:
        base = postgres(stack, on)
        for number in range(1, rounds + 1):
            for count in COUNTS:
                several = [adviser("line", base.url, double, on, storage=base.pids) for _ in range(count)]
                async with started(several):
                    driver = field.driver(several, people)
                    await driver.closed(WARM_UP * count)
                    load, spent, _ = await field.spending(driver, several, turns)
                    driver.close()
                if load.turns:
                    found[count].append((load.rate, spent / load.turns * 1000))
                tell(f"replicas, round {number} of {rounds}: {count} reach {load.rate:.0f} turns/s {load.faults or ''}")
    return found
