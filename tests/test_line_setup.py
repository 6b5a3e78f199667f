"""LINE, set up and examined; and the double itself, held to the rules it stands for."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from random import Random
from uuid import uuid4

from aiohttp import ClientSession, web

from bot.bubble import Bubble, Button
from handlers.line import LineClient, from_line, read_post, to_line, verify
from handlers.line_setup import Finding, examine, set_up
from tests.line_double import TOKEN, Clock, LineDouble
from tests.line_posts import SECRET, Deliverer, person, play, said

ANN = person(1)
HELLO = to_line((Bubble("hello", (Button("Why?", "v1|why"),)),))
ADDRESS = "https://bot.example.org/line"


# ---- setting up and examining


def wrong(found: tuple[Finding, ...]) -> list[str]:
    """What is not well."""
    return [one.what for one in found if not one.well]


def test_set_up_twice_changes_once() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        assert wrong(await set_up(client, ADDRESS)) == ["line webhook use"]
        assert line.webhook == {"endpoint": ADDRESS, "active": False}
        line.webhook["active"] = True
        assert wrong(await set_up(client, ADDRESS)) == []
        assert [path for path, _ in line.calls].count("/v2/bot/channel/webhook/test") == 2
        line.reaches_webhook = False
        found = await set_up(client, ADDRESS)
        assert wrong(found) == ["line webhook test"]
        assert "COULD_NOT_CONNECT" in found[-1].text
        for address in ("http://bot.example.org", "bot", "https://", "https://[", "https://x/" + "x" * 500):
            assert wrong(await set_up(client, address)) == ["webhook"]

    play(work)


def test_examine_says_what_to_do() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        assert wrong(await examine(client)) == ["line webhook"]
        line.webhook = {"endpoint": ADDRESS, "active": True}
        assert wrong(await examine(client, ADDRESS)) == []
        assert wrong(await examine(client, ADDRESS + "2")) == ["line webhook"]
        line.webhook["active"] = False
        line.quota, line.used = 200, 180
        assert wrong(await examine(client, ADDRESS)) == ["line webhook use", "line quota"]
        assert "once they are used up" in (await examine(client, ADDRESS))[-2].text
        line.used = 200
        assert "late answers are lost now" in (await examine(client, ADDRESS))[-2].text
        line.unlimited = True
        assert "line quota" not in wrong(await examine(client, ADDRESS))
        line.access_token = "another"  # noqa: S105
        found = await examine(client, ADDRESS)
        assert wrong(found) == ["line token"]
        assert TOKEN not in repr(found)

    play(work)


# ---- the double's own webhook side


def test_the_double_delivers_twice_and_out_of_order_until_it_is_taken() -> None:
    async def scene() -> None:
        clock, random = Clock(), Random(7)  # noqa: S311
        heard: list[tuple[str, bool]] = []

        async def webhook(request: web.Request) -> web.Response:
            raw = await request.read()
            assert verify(raw, request.headers.get("X-Line-Signature"), SECRET)
            if random.random() < 0.3:
                return web.Response(status=503)
            for one in read_post(raw).events:
                got = from_line(one, received_at=clock())
                assert got is not None
                heard.append((got.id, got.redelivered))
            return web.Response()

        app = web.Application()
        app.router.add_post("/line", webhook)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with LineDouble(clock) as line, ClientSession() as session:
            events = []
            for number in range(40):
                clock.at += timedelta(seconds=1)
                events.append(said(line, person(number % 4), f"message {number}"))
            await Deliverer(session, f"http://{host}:{port}/line", random).deliver(events, twice=0.3)
        await runner.cleanup()
        ids = [one for one, _ in heard]
        assert len(set(ids)) == 40
        assert len(ids) > 40
        assert any(again for _, again in heard)
        first = [f"line::{one['webhookEventId']}" for one in events]
        assert list(dict.fromkeys(ids)) != first

    asyncio.run(scene())


def test_the_double_refuses_a_retry_key_on_a_reply_and_another_body_under_the_same_key() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        key = str(uuid4())
        body = {"replyToken": line.issue(ANN), "messages": HELLO}
        assert (await client.call("POST", "/v2/bot/message/reply", body, retry_key=key)).status == 400
        push = {"to": ANN, "messages": HELLO}
        for status in (200, 409):
            assert (await client.call("POST", "/v2/bot/message/push", push, retry_key=key)).status == status
        other = json.loads(json.dumps(push)) | {"to": person(2)}
        assert (await client.call("POST", "/v2/bot/message/push", other, retry_key=key)).status == 400
        clock.pass_by(hours=25)
        assert (await client.call("POST", "/v2/bot/message/push", push, retry_key=key)).status == 200
        body = {"replyToken": line.issue(ANN), "messages": HELLO}
        clock.pass_by(seconds=61)
        assert (await client.call("POST", "/v2/bot/message/reply", body)).said == "Invalid reply token"

    play(work)
