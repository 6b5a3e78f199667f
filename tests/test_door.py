"""The door: whoever is slow, silent or too many takes nothing from those who have something to say."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.besieged import HELLO, SECRET, WORD_HEADER, Place, assert_quiet, besieged, delivered, play
from tests.raw_http import Answer, Line, ask, line_to, request, signature
from tests.test_serving import until

LONG = 3600.0  # seconds; a time that a test never waits for
SHORT = 0.05
MANY = 40
PLACES = 8
HEAD = b"POST /line HTTP/1.1\r\nHost: bot.invalid\r\nX-Slow: "


async def besiege(stack: AsyncExitStack, address: str, said: bytes, count: int = MANY) -> list[Line]:
    """So many connections, each having said this and no more."""
    lines = [await stack.enter_async_context(line_to(address)) for _ in range(count)]
    for line in lines:
        await line.say(said)
    return lines


@pytest.mark.parametrize("said", [b"", b"P", HEAD], ids=["nothing", "a byte", "half a head"])
def test_who_does_not_come_to_the_point_is_sent_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    async def story(place: Place) -> None:
        for address in (place.now.address, place.now.admin):
            async with AsyncExitStack() as stack:
                for line in await besiege(stack, address, said):
                    assert await line.closed()

    play(tmp_path, caplog, story, head_seconds=SHORT)


def test_a_head_that_never_ends_is_cut_off_though_it_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A byte now and then does not buy more time."""

    async def story(place: Place) -> None:
        async with line_to(place.now.address) as line:
            await line.say(HEAD)
            gone = asyncio.create_task(line.closed())
            while not gone.done():
                await line.say(b"x")
                await asyncio.sleep(SHORT / 10)
            assert gone.result()

    play(tmp_path, caplog, story, head_seconds=SHORT)


def test_the_time_for_a_head_begins_with_its_first_byte(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A reverse proxy keeps connections open; but the second request has no more time than the first."""

    async def story(place: Place) -> None:
        async with line_to(place.now.address) as line, line_to(place.now.address) as other:
            for one in (line, other):
                await one.say(request("/telegram", b"{}", WORD_HEADER))
                assert (await one.answer()).status == 200
            await other.say(HEAD)
            assert await other.closed()  # so much time has gone by, and more
            await line.say(request("/telegram", b"{}", WORD_HEADER))
            assert (await line.answer()).status == 200

    play(tmp_path, caplog, story, head_seconds=1.0)


def test_an_idle_connection_is_closed_in_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        async with line_to(place.now.address) as line:
            await line.say(request("/telegram", b"{}", WORD_HEADER))
            assert (await line.answer()).status == 200
            assert await line.closed()

    play(tmp_path, caplog, story, idle_seconds=SHORT)


def test_a_body_that_never_comes_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        signed = request("/line", HELLO, signature(HELLO, SECRET))
        known = request("/telegram", HELLO, WORD_HEADER)
        for raw in (signed, known):
            async with line_to(place.now.address) as line:
                await line.say(raw[:-1])
                answer = await line.answer()
                assert (answer.status, answer.headers["connection"]) == (408, "close")
                assert await line.closed()

    play(tmp_path, caplog, story, body_seconds=SHORT)


@pytest.mark.parametrize(
    "said",
    [b"", HEAD, request("/line", HELLO, signature(HELLO, "another secret"))[:-1]],
    ids=["silent", "slow heads", "slow bodies"],
)
def test_when_all_places_are_taken_the_platform_still_gets_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    """No time passes here: whoever has come no further for the longest makes room."""

    async def story(place: Place) -> None:
        async with AsyncExitStack() as stack:
            lines = await besiege(stack, place.now.address, said)
            await delivered(place.post_line, HELLO)
            for line in lines[: MANY - PLACES]:
                assert await line.closed()
            admin = await besiege(stack, place.now.admin, said)
            assert (await ask(place.now.admin, request("/healthz", method="GET"))).status == 200
            for line in admin[: MANY - PLACES]:
                assert await line.closed()

    play(tmp_path, caplog, story, connections=PLACES, head_seconds=LONG, body_seconds=LONG)


def test_a_request_of_the_platform_is_never_turned_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When all places are held by such, the next is told to come again."""

    async def story(place: Place) -> None:
        async with AsyncExitStack() as stack:
            known = request("/telegram", b"{}", WORD_HEADER)
            held = await besiege(stack, place.now.address, known[:-1], PLACES)
            async with asyncio.timeout(30):
                answer = Answer(0, {}, "")
                while answer.status != 503:  # until the last of them is known for what it is
                    answer = await ask(place.now.address, request("/nowhere"))
            assert answer.headers["retry-after"] == "2"
            assert (await ask(place.now.admin, request("/healthz", method="GET"))).status == 200
            for line in held:
                await line.say(known[-1:])
                assert (await line.answer()).status == 200

    play(tmp_path, caplog, story, connections=PLACES, head_seconds=LONG, body_seconds=LONG)


def test_nothing_of_a_siege_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever was sent away, gave up or was answered holds no place."""

    async def story(place: Place) -> None:
        for said in (b"", HEAD, request("/line", HELLO)[:-1], request("/nowhere"), b"\x00\r\n\r\n"):
            async with AsyncExitStack() as stack:
                await besiege(stack, place.now.address, said)
        async with AsyncExitStack() as stack:  # all places hold a request of the platform, so all were free
            known = request("/telegram", b"{}", WORD_HEADER)
            held = await besiege(stack, place.now.address, known[:-1], PLACES)
            for line in held:
                await line.say(known[-1:])
            assert [(await line.answer()).status for line in held] == [200] * PLACES

    play(tmp_path, caplog, story, connections=PLACES)


def test_a_siege_does_not_hold_up_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as outside:
            async with besieged(tmp_path, head_seconds=LONG, body_seconds=LONG) as place:
                lines: list[Line] = []
                for said in (b"", HEAD, request("/line", HELLO, signature(HELLO, SECRET))[:-1]):
                    lines += await besiege(outside, place.now.address, said, 3)
                await delivered(place.post_line, HELLO)
                await until(lambda: bool(place.line.calls))
            for line in lines:
                assert await line.closed()

    asyncio.run(whole())
    assert_quiet(caplog)
