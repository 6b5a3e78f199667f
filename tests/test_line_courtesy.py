"""Courtesies beside the answer: asked of the double over real HTTP, counted, let go, never in the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from handlers.line import Heard, LineClient, from_line
from handlers.line_courtesy import AT_ONCE, CHAT_OFF_SECONDS, LOADING_SECONDS, PER_SECOND, Courtesies
from tests.line_double import RATES, TOKEN, Clock, LineDouble
from tests.line_posts import event, person, said, said_in

ANN = person(1)
GROUP = "C" + "1" * 32
LOADING, MARK, PROFILE = "/v2/bot/chat/loading/start", "/v2/bot/chat/markAsRead", "/v2/bot/profile/"


class Scene:
    """A double, its client, and courtesies whose seconds the test counts."""

    def __init__(self, line: LineDouble, client: LineClient, **options: Any) -> None:
        self.line, self.now = line, 0.0
        self.courtesies = Courtesies(client, clock=lambda: self.now, **options)

    def heard(self, one: dict[str, Any]) -> Heard:
        found = from_line(one, received_at=self.line.clock())
        assert found is not None
        return found

    async def counted(self, **counts: int) -> None:
        """Until so many have been counted; names with _ for the space."""
        wanted = {name.replace("_", " "): number for name, number in counts.items()}
        async with asyncio.timeout(30):
            while any(self.courtesies.counts[name] < number for name, number in wanted.items()):
                await asyncio.sleep(0)
        assert {name: self.courtesies.counts[name] for name in wanted} == wanted


@asynccontextmanager
async def scene(**options: Any) -> AsyncIterator[Scene]:
    async with LineDouble(Clock()) as line, LineClient(TOKEN, line.base, now=line.clock) as client:
        it = Scene(line, client, **options)
        try:
            yield it
        finally:
            await it.courtesies.close()
        assert line.faults == []


def run(work: Callable[[Scene], Awaitable[None]], **options: Any) -> None:
    async def whole() -> None:
        async with scene(**options) as it:
            await work(it)

    asyncio.run(whole())


def test_what_is_kept_is_marked_as_read() -> None:
    async def work(it: Scene) -> None:
        one, two = said(it.line, ANN, "hi"), said(it.line, ANN, "hi")
        del two["message"]["markAsReadToken"]
        it.courtesies.durable(it.heard(one))
        it.courtesies.durable(it.heard(two))
        await it.counted(mark_done=1)
        assert it.line.read == [one["message"]["markAsReadToken"]]

    run(work)


def test_marks_can_be_switched_off() -> None:
    async def work(it: Scene) -> None:
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.courtesies.close()
        assert it.line.calls == []

    run(work, mark_as_read=False)


def test_with_chat_off_it_is_asked_again_only_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async def work(it: Scene) -> None:
        it.line.chat = False
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_failed=1)
        it.now += CHAT_OFF_SECONDS - 1
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        assert it.courtesies.under_way == 0
        it.line.chat = True
        it.now += 1
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_done=1)

    with caplog.at_level(logging.DEBUG, "kol_advisor.line"):
        run(work)
    assert "400 Please ensure that chat is enabled" in caplog.text
    assert {record.levelname for record in caplog.records if record.name == "kol_advisor.line"} == {"DEBUG"}
    assert TOKEN not in caplog.text


def test_a_mark_that_line_does_not_know_stops_no_other() -> None:
    async def work(it: Scene) -> None:
        one = said(it.line, ANN, "hi")
        one["message"]["markAsReadToken"] = "of-another-bot"
        it.courtesies.durable(it.heard(one))
        await it.counted(mark_failed=1)
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_done=1)

    run(work)


@pytest.mark.parametrize("trouble", ["refuse", "cut", "html", "rate", "garbage", "word"])
def test_a_courtesy_that_fails_is_counted_and_silent(trouble: str) -> None:
    async def work(it: Scene) -> None:
        it.line.trouble.append(trouble)
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(**{"mark_done" if trouble == "word" else "mark_failed": 1})

    run(work)


def test_under_load_they_are_let_go() -> None:
    """So many at once while LINE is slow, so many in a second while it is quick; then it goes on."""

    async def work(it: Scene) -> None:
        gate = it.line.held[MARK] = asyncio.Event()
        for _ in range(AT_ONCE + 5):
            it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_let_go=5)
        gate.set()
        await it.counted(mark_done=AT_ONCE)
        for done in range(AT_ONCE + 1, PER_SECOND + 1):
            it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
            await it.counted(mark_done=done)
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_let_go=6)
        it.now += 1
        it.courtesies.durable(it.heard(said(it.line, ANN, "hi")))
        await it.counted(mark_done=PER_SECOND + 1)

    run(work)
    assert RATES[LOADING] > PER_SECOND


def test_dots_are_shown_to_one_who_waits() -> None:
    async def work(it: Scene) -> None:
        it.courtesies.expect(it.heard(said(it.line, ANN, "hi")))
        it.courtesies.expect(it.heard(said(it.line, ANN, "and")))
        await it.counted(loading_done=1)
        assert it.line.loading == [(ANN, LOADING_SECONDS)]
        it.courtesies.expect(it.heard(said(it.line, ANN, "later")))
        await it.counted(loading_done=2)

    run(work, patience=0.001)


def test_no_dots_where_the_answer_is_there_or_none_will_come() -> None:
    async def work(it: Scene) -> None:
        it.courtesies.expect(it.heard(said(it.line, ANN, "hi")))
        it.courtesies.settled(f"line:{ANN}")
        it.courtesies.settled(f"line:{ANN}")
        it.courtesies.expect(it.heard(said_in(it.line, GROUP, ANN, "hi", named=True)))
        source = {"type": "user", "userId": ANN}
        it.courtesies.expect(it.heard(event("unfollow", source, it.line.clock())))
        it.courtesies.expect(it.heard(event("unsend", source, it.line.clock(), unsend={"messageId": "1"})))
        it.courtesies.expect(it.heard(said(it.line, person(2), "hi")))
        await it.counted(loading_done=1)
        assert it.line.loading == [(person(2), LOADING_SECONDS)]

    run(work, patience=0.001)


def test_the_language_of_a_profile() -> None:
    async def work(it: Scene) -> None:
        it.line.profiles[ANN] = {"userId": ANN, "displayName": "Ann", "language": "zh-TW"}
        assert await it.courtesies.language(f"line:{ANN}") == "zh-TW"
        assert await it.courtesies.language(f"line:{person(2)}") is None
        assert await it.courtesies.language("line:../../info") is None
        for trouble in ("cut", "html", "refuse", "rate", "word"):
            # A question is put a second time by itself when the connection breaks; an answer never is.
            it.line.trouble += [trouble] * (2 if trouble == "cut" else 1)
            assert await it.courtesies.language(f"line:{ANN}") is None

    run(work)


def test_a_slow_profile_is_not_waited_for_and_not_asked_for_without_end() -> None:
    async def work(it: Scene) -> None:
        it.line.held[PROFILE + ANN] = asyncio.Event()
        asked = [it.courtesies.language(f"line:{ANN}") for _ in range(AT_ONCE + 2)]
        assert await asyncio.gather(*asked) == [None] * (AT_ONCE + 2)
        assert it.courtesies.counts == {"language unknown": AT_ONCE, "language let go": 2}
        it.line.held.clear()
        it.line.profiles[ANN] = {"userId": ANN, "displayName": "Ann", "language": "vi"}

    run(work, language_seconds=0.05)


def test_the_double_counts_calls_a_second() -> None:
    async def work(it: Scene) -> None:
        client = it.courtesies._client
        body = {"chatId": ANN, "loadingSeconds": 20}
        for _ in range(RATES[LOADING]):
            assert (await client.call("POST", LOADING, body)).status == 202
        assert (await client.call("POST", LOADING, body)).status == 429
        it.line.clock.pass_by(seconds=1)  # type: ignore[attr-defined]
        assert (await client.call("POST", LOADING, body)).status == 202
        for wrong in ({"chatId": GROUP}, {"chatId": ANN, "loadingSeconds": 7}, {"chatId": ANN, "loadingSeconds": 65}):
            assert (await client.call("POST", LOADING, wrong)).status == 400
        it.line.faults.clear()

    run(work)
