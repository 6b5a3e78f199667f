"""Sending to Telegram over real HTTP: what becomes of a reply, and how the pace is kept."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.bubble import Bubble, Button
from bot.conversation import Conversation
from bot.delivery import Delivered, Dropped, Outcome, Outgoing, Retry
from handlers.telegram import TelegramClient, to_telegram
from handlers.telegram_moves import MOVING
from handlers.telegram_pace import GROUP, OVERALL, PRIVATE, Pace, Window
from knowledge.brief import Brief
from tests.telegram_double import TOKEN, Telegram


class Clock:
    """Seconds that only a test moves; sleeping moves them."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


Work = Callable[[Telegram, TelegramClient, Clock], Awaitable[None]]


def with_telegram(work: Work, token: str = TOKEN, **options: Any) -> Telegram:
    """Run `work` between a client and the double; every body must keep the published contract."""

    async def main() -> Telegram:
        clock = Clock()
        async with Telegram(clock).serving() as double:
            client = TelegramClient(token, double.base, clock=clock, sleep=clock.sleep, **options)
            async with client:
                await work(double, client, clock)
        assert double.faults == []
        return double

    return asyncio.run(main())


def outgoing(text: str = "hi", chat: int = 55, **params: Any) -> Outgoing:
    (call,) = to_telegram([Bubble(text, (Button("Why?", "v1|why"),))], chat)
    call["params"] |= params
    return Outgoing(f"tg:{chat}", "key", json.dumps(call), 0, 0.0)


def outcome_of(prepare: Callable[[Telegram], None], **options: Any) -> Outcome:
    found: list[Outcome] = []

    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        prepare(double)
        found.append(await client.send(outgoing()))

    with_telegram(work, **options)
    return found[0]


def test_a_reply_arrives_as_it_was_built() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        assert await client.send(outgoing("R&D <3")) == Delivered()
        (sent,) = double.sent
        assert sent["text"] == "R&D <3"
        assert sent["params"]["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "v1|why"
        assert sent["params"]["link_preview_options"] == {"is_disabled": True}

    with_telegram(work)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda d: d.blocked.add(55), "blocked"),
        (lambda d: d.unknown.add(55), "hat not found"),
        (lambda d: d.left.add(55), "kicked"),
    ],
)
def test_a_chat_that_cannot_be_written_to_is_dropped(prepare: Callable[[Telegram], None], reason: str) -> None:
    outcome = outcome_of(prepare)
    assert isinstance(outcome, Dropped) and reason in outcome.reason and outcome.unread


def test_a_reply_that_telegram_cannot_read_is_a_dead_letter() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        call = json.loads(outgoing().body)
        call["params"]["text"] = "<b>never closed"
        outcome = await client.send(Outgoing("tg:55", "key", json.dumps(call), 0, 0.0))
        assert isinstance(outcome, Dropped) and "parse entities" in outcome.reason and not outcome.unread

    with_telegram(work)


def _text(body: str, status: int) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(text=body, status=status)


async def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    "answer",
    [_text("oops", 500), _text("<html>", 502), _text("<html>", 403), _text("<html>", 400),
     _text('{"error":"the proxy forbids it"}', 403), _text("not json", 200), _text("[1]", 200), _text("[1]", 500),
     _text('{"ok":true}', 200), _text('{"ok":true,"result":{"message_id":"x"}}', 200),
     _text('{"ok":false,"error_code":429,"description":"Too Many Requests"}', 429), _hang_up],
)  # fmt: skip
def test_what_is_unclear_is_tried_again(answer: Any) -> None:
    outcome = outcome_of(lambda double: double.broken.append(answer))
    assert isinstance(outcome, Retry) and outcome.after is None and TOKEN not in outcome.reason


def test_an_answer_that_never_comes_is_tried_again() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        release = asyncio.Event()

        async def silent(_: web.Request) -> web.Response:
            await release.wait()
            return web.Response()

        double.broken.append(silent)
        assert await client.send(outgoing()) == Retry(None, "TimedOut")
        release.set()

    with_telegram(work, read_seconds=0.05)


def test_a_refused_token_loses_no_reply_and_is_not_told() -> None:
    outcome = outcome_of(lambda double: None, token="77:wrong")  # noqa: S106 - of the double
    assert isinstance(outcome, Retry) and "77:wrong" not in outcome.reason


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"method":"getMe","params":{}}', '{"method":"sendMessage"}'])
def test_what_is_no_call_of_ours_is_dropped(body: str) -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        assert isinstance(await client.send(Outgoing("tg:55", "key", body, 0, 0.0)), Dropped)
        assert double.calls == []

    with_telegram(work)


def test_a_chat_that_moved_is_not_written_to_and_where_it_went_is_told() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.migrated[-100] = -1001
        outcome = await client.send(outgoing("one", -100))
        assert isinstance(outcome, Retry) and outcome.moved_to == "tg:-1001" and not outcome.everyone
        assert [params["chat_id"] for _, params in double.calls] == [-100]
        assert double.sent == []

    with_telegram(work)


def test_a_reply_that_moves_is_addressed_anew() -> None:
    """It keeps its words and buttons; what it answered, and its topic, are not in the other chat."""
    reply_to = {"message_id": 7, "allow_sending_without_reply": True}
    before = outgoing("one", -100, message_thread_id=3, reply_parameters=reply_to).body
    after = json.loads(MOVING.body(before, "tg:-1001"))
    params = json.loads(before)["params"]
    del params["message_thread_id"], params["reply_parameters"]
    assert after == {"method": "sendMessage", "params": params | {"chat_id": -1001}}


def test_the_state_with_a_brief_goes_on() -> None:
    empty = Conversation(language="vi", offered=("v1|goal|trust",)).dump()
    old, new = (Conversation(brief=Brief("trust", category)).dump() for category in ("skincare", "makeup"))
    assert MOVING.state(None, None) is None
    assert MOVING.state(old, None) == MOVING.state(old, empty) == old
    assert MOVING.state(None, empty) == empty
    assert MOVING.state(old, new) == new


def test_a_429_halts_its_chat_and_no_other() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.limits["private"] = (1, 7.0)
        assert await client.send(outgoing()) == Delivered()
        assert await client.send(outgoing()) == Retry(7.0, "too many requests", everyone=False)
        calls = len(double.calls)
        assert isinstance(await client.send(outgoing()), Retry)
        assert len(double.calls) == calls  # not even asked
        assert await client.send(outgoing(chat=56)) == Delivered()
        clock.now += 7
        assert await client.send(outgoing()) == Delivered()

    with_telegram(work)


def test_a_429_in_two_chats_at_once_halts_the_bot() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.limits["all"] = (1, 9.0)
        assert await client.send(outgoing(chat=1)) == Delivered()
        assert await client.send(outgoing(chat=2)) == Retry(9.0, "too many requests", everyone=False)
        assert await client.send(outgoing(chat=3)) == Retry(9.0, "too many requests", everyone=True)
        calls = len(double.calls)
        assert await client.send(outgoing(chat=4)) == Retry(9.0, "too many messages for now", everyone=True)
        assert not await client.answer("tap")
        assert len(double.calls) == calls
        clock.now += 9
        assert await client.send(outgoing(chat=4)) == Delivered()

    with_telegram(work)


def test_the_pace_keeps_the_double_content() -> None:
    """The double allows what Telegram does; fifty groups and people at once meet no 429."""

    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        for _ in range(8):
            for chat in (1, 2, -3, *range(10, 40)):
                while isinstance(outcome := await client.send(outgoing(chat=chat)), Retry):
                    assert outcome.reason == "too many messages for now"
                    clock.now += outcome.after or 1
        assert len(double.sent) == len(double.calls) == 8 * 33

    with_telegram(work)


@pytest.mark.parametrize(("chat", "windows"), [(5, PRIVATE), (-5, GROUP)])
def test_no_window_of_a_chat_is_broken(chat: int, windows: tuple[Window, ...]) -> None:
    clock = Clock()
    pace = Pace(clock)
    sent = []
    while len(sent) < 60:
        wait = pace.book(chat, 2.0)
        if wait <= 2.0:
            sent.append(clock.now + wait)
        clock.now += wait if wait > 2.0 else 0.1
    for window in windows:
        for first, last in zip(sent, sent[window.count :], strict=False):
            assert last - first >= window.seconds - 1e-6


def test_no_window_of_all_is_broken_and_chats_are_forgotten() -> None:
    clock = Clock()
    pace = Pace(clock)
    sent = []
    for number in range(5_000):
        while (wait := pace.book(number + 1, 5.0)) > 5.0:
            clock.now += 1.0
        sent.append(clock.now + wait)
        clock.now += 0.01
    sent.sort()
    for first, last in zip(sent, sent[OVERALL[0].count :], strict=False):
        assert last - first >= OVERALL[0].seconds - 1e-6
    assert len(pace._sent) < 3_000


def test_a_tap_is_acknowledged_once_and_failing_is_harmless() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.taps = {"1": clock.now, "2": clock.now}
        assert await client.answer("1")
        assert not await client.answer("1")
        assert not await client.answer("never")
        assert not await client.answer(None)
        clock.now += 60
        assert not await client.answer("2")

    with_telegram(work)


def test_an_edit_that_changes_nothing_is_no_fault() -> None:
    """What the double says to it is what the client takes for success."""

    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        from telegram.error import BadRequest

        assert await client.send(outgoing("same")) == Delivered()
        markup = {"reply_markup": double.sent[0]["params"]["reply_markup"]}
        with pytest.raises(BadRequest) as refused:
            await client.bot.edit_message_text("same", 55, 1, api_kwargs=markup)
        assert client._failed(refused.value, 55) == Delivered()
        await client.bot.edit_message_text("other", 55, 1, api_kwargs=markup)
        assert double.sent[0]["text"] == "other"

    with_telegram(work)


def test_no_proxy_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outcome_of(lambda double: None) == Delivered()


def test_the_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for broken in ([], [_text("oops", 500)], [_hang_up]):
            outcome_of(lambda double, broken=broken: double.broken.extend(broken))  # type: ignore[misc]
    assert TOKEN not in caplog.text and TOKEN.partition(":")[2] not in caplog.text


def test_an_empty_token_is_said_and_a_closed_client_too() -> None:
    with pytest.raises(ValueError, match="token is empty"):
        asyncio.run(TelegramClient("").open())
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(TelegramClient(TOKEN).updates(None))


def test_the_library_is_imported_only_when_opened() -> None:
    import subprocess
    import sys

    names = "handlers.telegram, handlers.telegram_serving, handlers.serving"
    code = f"import sys, {names}; print('telegram' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[1])  # fmt: skip
    assert done.stdout.strip() == "False"
