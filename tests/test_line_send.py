"""LINE, written to: every reply arrives once, whatever breaks on the way; the SDK's client speaks to the double."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest

from bot.bubble import Bubble, Button
from bot.delivery import Delivered, Dropped, Outgoing, Retry
from handlers.line import LineClient, LineFault, body_of, to_line
from handlers.line_setup import examine
from tests.line_double import CONTRACT, TOKEN, Clock, LineDouble
from tests.line_posts import person, play

ANN = person(1)
GROUP = "C" + "1" * 32
HELLO = to_line((Bubble("hello", (Button("Why?", "v1|why"),)),))


def outgoing(line: LineDouble, *, token: str | None = None, to: str = ANN, tries: int = 0, key: str = "") -> Outgoing:
    """A reply made now; `token` issued now."""
    now = line.clock()
    body = body_of(HELLO, reply_token=token, token_at=now)
    return Outgoing(f"line:{to}", key or str(uuid4()), body, tries, now.timestamp())


def once_more(one: Outgoing) -> Outgoing:
    """The same reply at its next try."""
    return Outgoing(one.conversation, one.key, one.body, one.tries + 1, one.at)


def how(line: LineDouble) -> list[str]:
    """How each delivery went, in order."""
    return [seen.how for seen in line.seen]


def test_reply_while_the_token_is_young_then_push() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        assert await client.send(outgoing(line, token=line.issue(ANN))) == Delivered()
        late = outgoing(line, token=line.issue(ANN))
        clock.pass_by(seconds=50)
        assert await client.send(late) == Delivered()
        assert await client.send(outgoing(line)) == Delivered()
        assert how(line) == ["reply", "push", "push"]
        assert {seen.to for seen in line.seen} == {ANN}
        assert line.seen[0].messages == tuple(HELLO)

    play(work)


def test_a_token_that_is_refused_at_first_becomes_a_push_and_stays_one() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        spent = line.issue(ANN)
        assert await client.send(outgoing(line, token=spent)) == Delivered()
        second = outgoing(line, token=spent)
        line.trouble += ["", "refuse"]
        assert isinstance(await client.send(second), Retry)
        # "Invalid reply token" now says nothing about this reply: it was refused before anything was sent.
        assert await client.send(once_more(second)) == Delivered()
        assert how(line) == ["reply", "push"]

    play(work)


@pytest.mark.parametrize("trouble", ["lose", "garbage", "cut", "refuse", "html", "rate", "word"])
@pytest.mark.parametrize("reply", [True, False])
def test_whatever_breaks_it_arrives_once(trouble: str, reply: bool) -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        one = outgoing(line, token=line.issue(ANN) if reply else None)
        line.trouble.append(trouble)
        outcome = await client.send(one)
        if trouble == "word":
            assert outcome == Delivered()
            return
        assert isinstance(outcome, Retry)
        assert outcome.everyone is (trouble == "rate")
        assert len(line.seen) == (trouble in ("lose", "garbage"))
        clock.pass_by(seconds=2)
        assert await client.send(once_more(one)) == Delivered()
        assert how(line) == ["reply" if reply else "push"]
        if not reply and trouble in ("lose", "garbage"):
            assert line.calls[-1] == ("/v2/bot/message/push", 409)

    play(work)


def test_no_answer_is_tried_again_with_the_same_key() -> None:
    async def scene() -> None:
        clock = Clock()
        async with LineDouble(clock) as line, LineClient(TOKEN, line.base, now=clock) as client:
            one = outgoing(line)
            line.trouble.append("silent")
            waiting = asyncio.create_task(client.send(one))
            while not line.calls and not waiting.done():
                await asyncio.sleep(0)
            # A program that dies or is stopped here knows nothing of the answer.
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
            assert await client.send(once_more(one)) == Delivered()
            assert len(line.seen) == 1

    asyncio.run(scene())


def test_a_time_out_is_a_reason_to_try_again() -> None:
    async def scene() -> None:
        async with LineDouble() as line, LineClient(TOKEN, line.base, seconds=0.05) as client:
            line.trouble += ["silent"] * 2
            outcome = await client.send(outgoing(line))
            assert isinstance(outcome, Retry)
            assert "Timeout" in outcome.reason

    asyncio.run(scene())


def test_an_unclear_reply_whose_minute_is_over_becomes_a_push() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        one = outgoing(line, token=line.issue(ANN))
        line.trouble.append("cut")
        assert isinstance(await client.send(one), Retry)
        clock.pass_by(minutes=5)
        assert await client.send(once_more(one)) == Delivered()
        assert how(line) == ["push"]

    play(work)


def test_quota_is_told_from_rate(caplog: pytest.LogCaptureFixture) -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        line.quota = 1
        assert await client.send(outgoing(line)) == Delivered()
        one = outgoing(line)
        used_up = "LINE 429: You have reached your monthly limit."
        assert await client.send(one) == Retry(10.0, used_up), "not for everyone: reply tokens cost nothing"
        assert await client.send(outgoing(line, token=line.issue(ANN))) == Delivered()
        clock.pass_by(seconds=10)
        assert await client.send(once_more(one)) == Dropped(used_up), "what waits behind it must not grow old"
        assert len(caplog.records) == 1
        clock.pass_by(hours=1)
        assert await client.send(once_more(outgoing(line))) == Dropped(used_up)
        assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
        assert "larger plan" in caplog.text
        assert TOKEN not in caplog.text
        line.trouble.append("rate")
        assert await client.send(outgoing(line)) == Retry(
            1.0, "LINE 429: The API rate limit has been exceeded. Try again later.", everyone=True
        )

    play(work)


def test_what_line_will_never_take_is_dropped_with_its_reason() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        now = clock().timestamp()
        for body in ("", "7", "null", "{}", '{"messages": [], "token_at": "x"}'):
            assert isinstance(await client.send(Outgoing(f"line:{ANN}", "k", body, 0, now)), Dropped)
        assert not line.calls
        if CONTRACT is not None:
            long = body_of([{"type": "text", "text": "x" * 5_001}])
            outcome = await client.send(Outgoing(f"line:{ANN}", str(uuid4()), long, 0, now))
            assert outcome == Dropped("LINE 400: The request body has invalid properties")
            line.faults.clear()
        outcome = await client.send(outgoing(line, key="no-uuid"))
        assert outcome == Dropped("LINE 400: Invalid retry key")
        line.access_token = "another"  # noqa: S105
        outcome = await client.send(outgoing(line))
        assert isinstance(outcome, Retry)
        assert outcome.everyone
        assert TOKEN not in repr(outcome)

    play(work)


def test_nobody_there() -> None:
    async def scene() -> None:
        async with LineDouble() as line:
            base = line.base
        async with LineClient(TOKEN, base) as client:
            outcome = await client.send(outgoing(line))
            assert outcome == Retry(None, "ClientConnectorError")
            found = await examine(client)
            assert [one.well for one in found] == [False]
            assert TOKEN not in repr(found)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("token", "base"),
    [("", ""), ("two words", ""), ("new\nline", ""), ("é", ""), (TOKEN, "ftp://x"), (TOKEN, "http://[")],
)
def test_settings_that_cannot_be(token: str, base: str) -> None:
    with pytest.raises(LineFault) as caught:
        asyncio.run(LineClient(token, base or "https://api.line.me").open())
    assert "two words" not in str(caught.value)


def test_what_is_said_in_groups_is_told_by_its_ids() -> None:
    async def scene() -> None:
        ids: list[str] = []
        async with LineDouble() as line, LineClient(TOKEN, line.base, now=line.clock, sent=ids.extend) as client:
            assert await client.send(outgoing(line, to=GROUP)) == Delivered()
            assert await client.send(outgoing(line)) == Delivered()
            assert ids == ["10"], "one to one everything is for us"

    asyncio.run(scene())


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    test_reply_while_the_token_is_young_then_push()


def test_the_library_is_not_imported_until_a_client_opens() -> None:
    code = "import sys, handlers.line, handlers.line_setup; sys.exit(len({'linebot', 'aiohttp'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
