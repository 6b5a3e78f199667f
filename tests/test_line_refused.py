"""LINE refuses a reply token: when that proves that the reply arrived, and when it does not and nothing may be lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.delivery import Delivered, Outgoing, Retry
from handlers.incoming import line_message
from handlers.line import LineClient, body_of, from_line
from tests.line_double import Clock, LineDouble
from tests.line_posts import BOT, again, person, play, said

ANN = person(1)
HELLO = [{"type": "text", "text": "hello"}]


def outgoing(line: LineDouble, token: str, tries: int = 0) -> Outgoing:
    now = line.clock()
    body = body_of(HELLO, reply_token=token, token_at=now)
    return Outgoing(f"line:{ANN}", "7b6f0d3c-9f3a-4a44-9a5e-1f2f3f4f5f6f", body, tries, now.timestamp())


def how(line: LineDouble) -> list[str]:
    return [seen.how for seen in line.seen]


def test_after_our_own_unclear_try_it_arrived() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        token = line.issue(ANN)
        line.trouble.append("lose")
        assert isinstance(await client.send(outgoing(line, token)), Retry)
        assert await client.send(outgoing(line, token, tries=1)) == Delivered()
        assert how(line) == ["reply"]

    play(work)


@pytest.mark.parametrize("trouble", ["", "cut"])
def test_after_a_try_of_somebody_who_was_killed_it_goes_as_a_push(trouble: str) -> None:
    """They may have been killed before sending, and the token be refused for another reason."""

    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        refused = "no-token-that-line-knows"
        if trouble:
            line.trouble.append(trouble)
            assert isinstance(await client.send(outgoing(line, refused, tries=1)), Retry)
        assert await client.send(outgoing(line, refused, tries=2)) == Delivered()
        assert await client.send(outgoing(line, refused, tries=3)) == Delivered()
        assert how(line) == ["push"]

    play(work)


def test_a_refusal_that_cannot_be_read_becomes_a_push() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        line.trouble.append("word")
        assert await client.send(outgoing(line, "no-token-that-line-knows")) == Delivered()
        assert how(line) == ["push"]

    play(work)


def test_the_token_of_an_event_that_comes_again_is_not_used() -> None:
    async def work(line: LineDouble, client: LineClient, clock: Clock) -> None:
        event = said(line, ANN, "hello")
        for one, used in ((event, event["replyToken"]), (again(event), None)):
            heard = from_line(one, received_at=datetime.now(UTC), destination=BOT)
            assert heard is not None
            found = line_message(heard)
            assert found is not None
            assert found[1]["reply_token"] == used

    play(work)
