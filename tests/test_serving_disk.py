"""A disk that is full or may not be written, under the running server: it says so, loses nothing, recovers alone."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.besieged import SECRET, Place, besieged, body_of, delivered
from tests.line_double import TOKEN, LineDouble
from tests.raw_http import ask, request, signature
from tests.test_serving import text_event, until

PLENTY = 1_000_000
WAITING_SECONDS = 60.0  # a bound against hanging, not a claim of speed
# How many bytes the largest file may still grow, one round after the other: less and more than a page, and odd.
ROOMS = (0, 1_000, 4_095, 5_000, 20_001, 100_003)
PEOPLE = ("U0", "U1", "U2")
BRIEF = "保養品新品,預算30萬,想衝業績,該找誰?"


async def ready(admin: str) -> int:
    """What /readyz says."""
    return (await ask(admin, request("/readyz", method="GET"))).status


async def until_ready(admin: str, status: int) -> None:
    async with asyncio.timeout(WAITING_SECONDS):
        while await ready(admin) != status:
            await asyncio.sleep(0.01)


def sound(file: Path) -> None:
    """The file is whole."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize(
    ("broken", "mended", "says"),
    [
        ("PRAGMA max_page_count=1", f"PRAGMA max_page_count={PLENTY}", "the disk is full: free some space"),
        ("PRAGMA query_only=ON", "PRAGMA query_only=OFF", "the database is read-only: check who may write the file"),
    ],
    ids=["full", "read-only"],
)
def test_the_server_says_so_and_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str, mended: str, says: str
) -> None:
    """SQLite's own refusals, made by its own means, so that root sees them like anybody."""
    order = mended

    def prepared(connection: Any, *_: object) -> None:
        connection.execute(order)

    async def story(place: Place) -> None:
        nonlocal order
        events = [text_event(n, f"U{n % 4}", BRIEF, place.line.issue(f"U{n % 4}")) for n in range(40)]
        await delivered(place.post_line, body_of(*events[:10]))
        await place.settled()
        assert await ready(place.now.admin) == 200
        with closing(sqlite3.connect(tmp_path / "kept.db")) as other:
            other.execute("VACUUM")  # no free pages inside the file, which would be room for a while
        assert place.now.store._engine is not None
        sa.event.listen(place.now.store._engine, "checkout", prepared)
        order = broken
        for _ in range(3):
            answer = await place.post_line(body_of(*events[10:]))
            assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        # It stays so for as long as nothing can be written, though empty commits succeed all the time.
        looks = [await ready(place.now.admin) for _ in range(50) if not await asyncio.sleep(0.02)]
        assert set(looks) == {503}
        assert says in (place.now.store.fault or "")
        await until(lambda: says in caplog.text)
        order = mended
        await until_ready(place.now.admin, 200)  # without anybody's message
        await delivered(place.post_line, body_of(*events))  # all of them again, as LINE does
        await until(lambda: len(place.line.seen) >= 40)
        await place.settled()
        assert len(place.line.seen) == 40
        assert await place.now.store.dead() == []

    async def whole() -> None:
        async with besieged(tmp_path) as place:
            await story(place)

    asyncio.run(whole())
    sound(tmp_path / "kept.db")


async def rationed(tmp_path: Path, line: LineDouble, story: Callable[[str, str, Any], Awaitable[None]]) -> str:
    """Run a story with the server in a process of its own: address, operator's address, and `limit(bytes)`."""
    settings = {
        "server": {"port": 0, "admin_port": 0},
        "line": {"channel_secret": SECRET, "channel_access_token": TOKEN, "api_base": line.base},
    }
    pipe = asyncio.subprocess.PIPE
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.rationed_server"), stdin=pipe, stdout=pipe, stderr=log
        )
    assert process.stdin is not None
    assert process.stdout is not None

    async def say(text: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{text}\n".encode())
        return (await asyncio.wait_for(process.stdout.readline(), WAITING_SECONDS)).decode()

    async def limit(most: int | None) -> None:
        assert await say("" if most is None else str(most)) == "ok\n"

    try:
        address, admin = json.loads(
            await say(json.dumps({"settings": settings, "url": f"sqlite:///{tmp_path / 'kept.db'}"}))
        )
        async with asyncio.timeout(3 * WAITING_SECONDS):
            await story(address, admin, limit)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), WAITING_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return (tmp_path / "log").read_text(encoding="utf-8")


def test_the_kernel_refuses_to_write(tmp_path: Path) -> None:
    """A write that fails in the middle, at another place each time: nothing is corrupt, nothing taken is lost."""
    taken = 0

    async def post(address: str, line: LineDouble, number: int) -> int:
        who = PEOPLE[number % len(PEOPLE)]
        raw = body_of(text_event(number, who, BRIEF if number < len(PEOPLE) else "再加1萬", line.issue(who)))
        return (await ask(address, request("/line", raw, signature(raw, SECRET)))).status

    async def whole() -> str:
        async with LineDouble() as line:

            async def story(address: str, admin: str, limit: Any) -> None:
                nonlocal taken
                for room in ROOMS:
                    while await post(address, line, taken) != 200:
                        pass
                    taken += 1
                    await limit(max(file.stat().st_size for file in tmp_path.glob("kept.db*")) + room)
                    while await post(address, line, taken) == 200:
                        taken += 1
                    await until_ready(admin, 503)
                    await limit(None)
                    await until_ready(admin, 200)
                while len(line.seen) < taken:
                    await asyncio.sleep(0.01)
                assert len(line.seen) == taken

            return await rationed(tmp_path, line, story)

    log = asyncio.run(whole())
    sound(tmp_path / "kept.db")
    assert "the disk takes nothing: check its space" in log
    assert "Traceback" not in log
    with closing(sqlite3.connect(tmp_path / "kept.db")) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (taken,)
        assert connection.execute("SELECT count(*) FROM conversation").fetchone() == (len(PEOPLE),)
