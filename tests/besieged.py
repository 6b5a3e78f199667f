"""The program with both platforms and limits of a test's own, strangers at it, and what its log must never hold."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handlers.serving import Running, running
from handlers.settings import Settings
from knowledge.load import shipped
from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_double import LineDouble
from tests.raw_http import Answer, ask, request, signature
from tests.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.telegram_double import Telegram
from tests.test_serving import text_event, until, update

SETTLING_SECONDS = 30.0  # a bound against hanging, not a claim of speed
SECRET = "channel-secret-of-the-test"  # noqa: S105
WORD = "webhook-word-of-the-test"
WORD_HEADER = f"X-Telegram-Bot-Api-Secret-Token: {WORD}"


@dataclass
class Place:
    """What runs: the program, and the doubles it talks to."""

    now: Running
    line: LineDouble
    telegram: Telegram

    async def post_line(self, body: bytes) -> Answer:
        """Post as LINE does."""
        return await ask(self.now.address, request("/line", body, signature(body, SECRET)))

    async def settled(self) -> None:
        """Until nothing is on its way any more."""
        async with asyncio.timeout(SETTLING_SECONDS):
            while (depth := await self.now.store.depth()).outbox or depth.sending:
                await asyncio.sleep(0)

    def told(self, chat: int) -> str:
        """Everything a Telegram chat was sent."""
        return "\n".join(one["text"] for one in self.telegram.sent if one["chat"]["id"] == chat)

    async def post_telegram(self, body: bytes) -> Answer:
        """Post as Telegram does."""
        return await ask(self.now.address, request("/telegram", body, WORD_HEADER))


@asynccontextmanager
async def besieged(tmp_path: Path, *, proxies: str = "", **limits: Any) -> AsyncIterator[Place]:
    """Run it on a database of its own."""
    double = Telegram()
    double.limits = dict.fromkeys(double.limits, (10**9, 1.0))  # its pace is no part of these tests
    async with LineDouble(lambda: datetime.now(UTC)) as line, double.serving() as telegram:
        settings: dict[str, Any] = {
            "server": {"port": 0, "admin_port": 0, "public_url": "https://bot.invalid", "trusted_proxies": proxies},
            "line": {"channel_secret": SECRET, "channel_access_token": LINE_TOKEN, "api_base": line.base},
            "telegram": {
                "token": TELEGRAM_TOKEN,
                "base_url": telegram.base,
                "mode": "webhook",
                "secret_token": WORD,
            },
            "limits": limits,
        }
        async with running(Settings(**settings), shipped(), f"sqlite:///{tmp_path / 'kept.db'}") as now:
            yield Place(now, line, telegram)


Story = Callable[[Place], Awaitable[None]]
TRIES = 30


def assert_quiet(log: pytest.LogCaptureFixture) -> None:
    """Nothing unhandled was logged, by whomever."""
    loud = [one for one in log.records if one.exc_info or one.levelno >= logging.ERROR]
    assert not loud, "\n".join(f"{one.name}: {one.getMessage()}" for one in loud)


def play(tmp_path: Path, caplog: pytest.LogCaptureFixture, story: Story, **limits: Any) -> None:
    """Run a story; afterwards an ordinary conversation works on both platforms, and the log is quiet."""

    async def whole() -> None:
        async with besieged(tmp_path, **limits) as place:
            await story(place)
            said = "保養品新品,預算30萬,想衝業績,該找誰?"
            event = text_event(9_999, "Uordinary", said, place.line.issue("Uordinary"))
            await delivered(place.post_line, body_of(event))
            await delivered(place.post_telegram, json.dumps(update(9_999, 777, said)).encode())
            await until(lambda: "KOS" in "\n".join(place.line.texts("Uordinary")))
            await until(lambda: "KOS" in place.told(777))

    asyncio.run(whole())
    assert_quiet(caplog)


async def delivered(post: Callable[[bytes], Awaitable[Answer]], raw: bytes) -> None:
    """Deliver again while it is answered 503 or not at all, as platforms do; a busy machine may be slow."""
    for _ in range(TRIES):
        answer = await post(raw)
        if answer.status not in (0, 503):
            break
    assert answer.status == 200


def body_of(*events: dict[str, Any]) -> bytes:
    """A call of LINE's with these events."""
    return json.dumps({"destination": "Ubot", "events": events}).encode()


HELLO = body_of(text_event(1, "Uanna", "你好", "t"))
SIGNED = signature(HELLO, SECRET)
