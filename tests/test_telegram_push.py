"""The webhook as the real server delivers to it: order in each queue, repeats, and what grows too old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from handlers.telegram import SECRET_HEADER, Heard, from_telegram, verify
from tests.telegram_push import Pusher
from tests.test_telegram import NOW
from tests.test_telegram_poll import number_of, tap, text

Answer = Callable[[web.Request], Awaitable[web.Response]]


def pushed(work: Callable[[Pusher, list[float]], Awaitable[None]], answer: Answer, secret: str = "s3cret") -> Pusher:  # noqa: S107
    async def main() -> Pusher:
        app = web.Application()
        app.router.add_post("/telegram", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        now = [0.0]
        pusher = Pusher(f"http://127.0.0.1:{runner.addresses[0][1]}/telegram", secret, lambda: now[0])
        try:
            await work(pusher, now)
        finally:
            await runner.cleanup()
        return pusher

    return asyncio.run(main())


def hearing(heard: list[Heard], status: Callable[[Heard], int] = lambda heard: 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        if not verify(request.headers.get(SECRET_HEADER), "s3cret"):
            return web.Response(status=403)
        this = from_telegram(await request.json(), "AdviserBot", 4242, NOW)
        assert this is not None
        code = status(this)
        if code == 200:
            heard.append(this)
        return web.Response(status=code, headers=headers)

    return answer


def test_a_queue_waits_for_its_head_and_others_do_not() -> None:
    heard: list[Heard] = []
    refusals = {1: 3}

    def status(this: Heard) -> int:
        refusals[number_of(this)] = refusals.get(number_of(this), 0) - 1
        return 503 if refusals[number_of(this)] >= 0 else 200

    async def work(pusher: Pusher, now: list[float]) -> None:
        pusher.add(text(1, 1), text(2, 1), tap(3, 1), text(4, 2))
        await pusher.pump()
        # At once and once more; the tap of the same person and the other person went through.
        assert pusher.log.count((1, 503)) == 2
        assert sorted(number_of(this) for this in heard) == [3, 4]
        for later, waiting in ((1.9, 2), (2.0, 2), (5.9, 2), (6.0, 0)):
            now[0] = later
            await pusher.pump()
            assert pusher.waiting == waiting, later
        texts = [number_of(this) for this in heard if this.chat_id == 1 and this.kind == "text"]
        assert texts == [1, 2]

    pushed(work, hearing(heard, status))


def test_retry_after_is_obeyed_and_old_updates_are_dropped() -> None:
    async def work(pusher: Pusher, now: list[float]) -> None:
        pusher.add(text(1, 1), tap(2, 1))
        await pusher.pump()
        assert len(pusher.log) == 2
        now[0] = 119.0
        await pusher.pump()
        assert len(pusher.log) == 2
        now[0] = 151.0
        await pusher.pump()
        assert pusher.dropped == [2] and len(pusher.log) == 3
        now[0] = 24 * 3600 + 1.0
        await pusher.pump()
        assert pusher.dropped == [2, 1] and pusher.waiting == 0

    pushed(work, hearing([], lambda heard: 503, **{"Retry-After": "120"}))


def test_without_the_right_secret_nothing_is_heard() -> None:
    for secret in ("", "wrong"):
        heard: list[Heard] = []

        async def work(pusher: Pusher, now: list[float]) -> None:
            pusher.add(text(1))
            await pusher.pump()
            assert {status for _, status in pusher.log} == {403}

        pushed(work, hearing(heard), secret)
        assert heard == []
