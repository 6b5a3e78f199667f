"""Serving: the whole program between two platform doubles, over real HTTP, with a real database."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from handlers.serving import Running, ServeFault, running
from handlers.settings import Settings
from knowledge.load import shipped
from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_double import LineDouble
from tests.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.telegram_double import Telegram

SECRET = "channel-secret-of-the-test"  # noqa: S105
WORD = "webhook-word-of-the-test"
BRIEF = "保養品新品,預算30萬,想衝業績,該找誰?"
STEPS = 2_000  # looks at what arrived, each after everything else had its turn


@asynccontextmanager
async def serving(
    tmp_path: Path, line: LineDouble | None, telegram: Telegram | None, **more: Any
) -> AsyncIterator[Running]:
    """The program with whichever doubles are given."""
    settings: dict[str, Any] = {"server": {"port": 0, "admin_port": 0, "public_url": "https://bot.invalid"}}
    if line is not None:
        settings["line"] = {"channel_secret": SECRET, "channel_access_token": LINE_TOKEN, "api_base": line.base}
    if telegram is not None:
        settings["telegram"] = {"token": TELEGRAM_TOKEN, "base_url": telegram.base, **more}
    async with running(Settings(**settings), shipped(), f"sqlite:///{tmp_path / 'kept.db'}") as now:
        yield now


async def until(seen: Callable[[], bool]) -> None:
    """Let everything else run until something is seen; fails rather than hang."""
    for _ in range(STEPS):
        if seen():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


def text_event(number: int, person: str, text: str, token: str) -> dict[str, Any]:
    return {
        "type": "message",
        "mode": "active",
        "timestamp": int(datetime.now(UTC).timestamp() * 1000),
        "source": {"type": "user", "userId": person},
        "webhookEventId": f"01EVENT{number:019d}",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": token,
        "message": {"type": "text", "id": str(number), "quoteToken": "q", "text": text},
    }


async def post_line(
    now: Running, *events: dict[str, Any], signature: str | None = None, raw: bytes | None = None
) -> int:
    body = raw if raw is not None else json.dumps({"destination": "Ubot", "events": events}).encode()
    signed = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"X-Line-Signature": signed if signature is None else signature}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{now.address}/line", data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status


async def post_telegram(now: Running, update: object, word: str = WORD) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": word}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{now.address}/telegram", data=json.dumps(update), headers=headers) as answer,
    ):
        return answer.status


def test_line_answers_once_and_remembers(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line:
            async with serving(tmp_path, line, None) as now:
                event = text_event(1, "Uanna", BRIEF, line.issue("Uanna"))
                assert await post_line(now, event) == 200
                assert await post_line(now, event) == 200  # delivered twice
                await until(lambda: bool(line.seen))
                assert "KOS" in "\n".join(line.texts("Uanna"))
            async with serving(tmp_path, line, None) as now:  # restarted
                assert await post_line(now, text_event(2, "Uanna", "再加10萬", line.issue("Uanna"))) == 200
                await until(lambda: len(line.seen) >= 2)
            assert len(line.seen) == 2
            assert "NT$400,000" in "\n".join(line.texts("Uanna"))
            assert line.faults == []

    asyncio.run(story())


def test_line_refuses_what_is_not_signed(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            event = text_event(1, "Uanna", BRIEF, line.issue("Uanna"))
            assert await post_line(now, event, signature="") == 401
            assert await post_line(now, event, signature="AAAA") == 401
            assert await post_line(now, raw=b"no json") == 400
            assert await post_line(now) == 200  # the console's Verify button: no events
            assert await post_line(now, raw=b"x" * 2_000_000) == 413
            await now.store.depth()
            assert line.seen == []

    asyncio.run(story())


def test_line_events_of_many_people_are_all_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            events: list[dict[str, Any]] = [
                text_event(number, f"U{number}", "你好", line.issue(f"U{number}")) for number in range(20)
            ]
            events.insert(3, {"type": "newThing", "webhookEventId": "x"})
            assert await post_line(now, *events) == 200
            await until(lambda: len(line.seen) >= 20)
            assert {seen.to for seen in line.seen} == {f"U{number}" for number in range(20)}

    asyncio.run(story())


def update(number: int, chat: int, text: str) -> dict[str, Any]:
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "A", "language_code": "vi"},
            "text": text,
        },
    }


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_telegram_answers_in_order(tmp_path: Path, mode: str) -> None:
    async def story() -> None:
        double = Telegram()
        async with double.serving() as telegram, serving(tmp_path, None, telegram, mode=mode, secret_token=WORD) as now:
            said = [update(1, 7, "ban kem chong nang"), update(2, 7, "tang don"), update(3, 7, "15 cu")]
            if mode == "polling":
                telegram.add(*said)
            else:
                for one in (*said, said[0]):
                    assert await post_telegram(now, one) == 200
                assert await post_telegram(now, said[0], word="wrong") == 401
            await until(lambda: "KOS" in "".join(sent.get("text", "") for sent in telegram.sent))
            texts = [sent.get("text", "") for sent in telegram.sent]
            assert next(i for i, t in enumerate(texts) if "(1/3)" in t) < next(
                i for i, t in enumerate(texts) if "(3/3)" in t
            )
            assert sum("(1/3)" in text for text in texts) == 1
            assert telegram.faults == []

    asyncio.run(story())


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            await post_line(now, text_event(1, "Uanna", BRIEF, line.issue("Uanna")))
            assert (await now.store.export("line:Uanna"))["state"]
            await post_line(now, text_event(2, "Uanna", "/forget", line.issue("Uanna")))
            await until(lambda: len(line.seen) >= 2)
            assert not (await now.store.export("line:Uanna"))["state"]

    asyncio.run(story())


def test_the_operator_sees_whether_it_works(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            assert now.admin.startswith("http://127.0.0.1:")
            async with aiohttp.ClientSession() as client:
                for path in ("/healthz", "/readyz"):
                    async with client.get(now.admin + path) as answer:
                        assert answer.status == 200
                now.stop.set()
                async with client.get(f"{now.admin}/readyz") as answer:
                    assert answer.status == 503

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"line": {"channel_secret": "x"}}, "channel_access_token"),
        ({"telegram": {"token": "1:x", "mode": "webhook"}}, "secret_token"),
        ({"telegram": {"token": "1:x", "mode": "webhook", "secret_token": "y"}}, "public_url"),
    ],
)
def test_half_a_configuration_is_named(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    async def story() -> None:
        async with running(Settings(**settings), shipped(), f"sqlite:///{tmp_path / 'kept.db'}"):
            pass

    with pytest.raises(ServeFault, match=says):
        asyncio.run(story())


def test_a_wrong_telegram_token_is_named_and_not_shown(tmp_path: Path) -> None:
    async def story(made: Callable[[], Awaitable[None]] | None = None) -> None:
        double = Telegram()
        async with double.serving() as telegram:
            wrong = {"token": "777:hunter2", "base_url": telegram.base}
            async with running(Settings(telegram=wrong), shipped(), f"sqlite:///{tmp_path / 'kept.db'}"):
                pass

    with pytest.raises(ServeFault, match=r"telegram\.token") as caught:
        asyncio.run(story())
    assert "hunter2" not in str(caught.value)
