"""The whole server under SIGKILL, in short; `make chaos` is the long one. And the judge, who must be able to say no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.server_doubles import Arrival
from tests.server_judge import Verdict, judge
from tests.server_kill import kill_servers, on_postgres
from tests.server_people import Person

# A bound against hanging, not a claim of speed: few kills make for short waits.
PATIENCE_SECONDS = 120.0


SHORT: dict[str, Any] = {"kills": 3, "people": 4, "steps": 30, "cold": 0.0, "silent": 0.0, "patience": PATIENCE_SECONDS}


def test_nothing_is_lost_on_sqlite_whatever_is_killed(tmp_path: Path) -> None:
    verdict = asyncio.run(kill_servers(tmp_path, **SHORT))
    assert verdict.faults == []
    assert verdict.kills == 3
    assert verdict.replies == verdict.events >= 8


def test_nothing_is_lost_among_replicas_whatever_is_killed(tmp_path: Path) -> None:
    """Three servers over one PostgreSQL, which is killed as well."""
    verdict = on_postgres(tmp_path, mode="webhook", replicas=3, database_kills=1, **SHORT)
    assert verdict.faults == []
    assert (verdict.kills, verdict.database_kills) == (3, 1)
    assert verdict.replies == verdict.events >= 8


@pytest.mark.parametrize(
    ("name", "arrivals", "count"),
    [
        ("line:a", [Arrival(1, "reply", "", 0), Arrival(2, "push", "", 0)], ""),
        ("line:a", [Arrival(1, "reply", "", 0)], "lost_replies"),
        ("line:a", [Arrival(1, "reply", "", 0), Arrival(2, "push", "", 0), Arrival(4, "push", "", 0)], "strange"),
        ("line:a", [Arrival(2, "reply", "", 0), Arrival(1, "push", "", 0)], "misordered"),
        (
            "line:a",
            [Arrival(1, "push", "", 0), Arrival(1, "push", "", 0, before="push"), Arrival(2, "push", "", 0)],
            "doubled_on_line",
        ),
        (
            "line:a",
            [Arrival(1, "reply", "", 0), Arrival(1, "push", "", 0, before="reply"), Arrival(2, "push", "", 0)],
            "",
        ),
        (
            "tg:1",
            [Arrival(1, "send", "", 0), Arrival(1, "send", "", 0, before="send"), Arrival(2, "send", "", 0)],
            "",
        ),
        (
            "tg:1",
            [
                Arrival(1, "send", "", 0),
                Arrival(1, "send", "", 0, before="send", caused=False),
                Arrival(2, "send", "", 0),
            ],
            "faults",
        ),
    ],
)
def test_the_judge_sees_it(name: str, arrivals: list[Arrival], count: str) -> None:
    verdict = Verdict()
    judge(verdict, [Person(name, events=[{}, {}], sums=[1, 2])], {name: arrivals})
    assert bool(verdict.faults) == bool(count)
    if count:
        assert getattr(verdict, count)
