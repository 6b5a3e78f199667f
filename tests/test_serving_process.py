"""The server as the operator runs it: a process of its own, stopped by SIGTERM, and bodies of every kind."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
from pathlib import Path

from tests.line_double import LineDouble
from tests.telegram_double import TOKEN, Telegram
from tests.test_serving import post_line, post_telegram, serving, text_event, until, update

STARTING_SECONDS = 60.0  # a bound against hanging, not a claim of speed
BODIES = 400


def test_the_process_answers_and_stops_quietly(tmp_path: Path) -> None:
    async def story() -> None:
        double = Telegram()
        async with double.serving() as telegram:
            config = tmp_path / "config.toml"
            config.write_text(
                f'[telegram]\ntoken = "{TOKEN}"\nbase_url = "{telegram.base}"\n'
                f'[server]\nport = 0\nadmin_port = 0\n[memory]\nurl = "sqlite:///{tmp_path / "kept.db"}"\n',
                encoding="utf-8",
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "handlers", "serve", "--config", str(config)),
                env={**os.environ, "KOL_ADVISOR_CONFIG": ""},
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stderr is not None
            shown = b""
            while b"listening on" not in shown:
                line = await asyncio.wait_for(process.stderr.readline(), STARTING_SECONDS)
                assert line, shown.decode()
                shown += line
            telegram.add(update(1, 7, "kem chống nắng, 15 triệu, muốn ra đơn"))
            await until(lambda: bool(telegram.sent))
            process.send_signal(signal.SIGTERM)
            rest = await asyncio.wait_for(process.stderr.read(), STARTING_SECONDS)
            assert await asyncio.wait_for(process.wait(), STARTING_SECONDS) == 0, (shown + rest).decode()
            log = (shown + rest).decode()
            assert TOKEN not in log
            assert "Traceback" not in log
            assert "kem chống nắng" not in log  # nobody's words
            assert re.search(r"for the operator on http://127\.0\.0\.1:\d+", log)

    asyncio.run(story())


def _mangled(chance: random.Random, whole: object) -> object:
    """A copy with one place at random taken out, replaced by something odd, or nested deep."""
    odd = (None, True, -1, 1e308, "", "x" * 300, "\ud800", [], {}, [[[[]]]], {"type": "text"}, "\u202e", 10**30)
    if isinstance(whole, dict) and whole and chance.random() < 0.85:
        key = chance.choice(list(whole))
        changed = dict(whole)
        if chance.random() < 0.2:
            del changed[key]
        else:
            changed[key] = _mangled(chance, whole[key])
        return changed
    if isinstance(whole, list) and whole and chance.random() < 0.85:
        return [_mangled(chance, whole[0]), *whole[1:]]
    return chance.choice(odd)


def test_no_signed_body_is_ever_a_500(tmp_path: Path) -> None:
    """Mangled events, each signed as LINE would: kept or refused, never an unhandled exception."""

    async def story() -> None:
        chance = random.Random(20261122)  # noqa: S311 - the same bodies every time
        async with LineDouble() as line, serving(tmp_path, line, None) as now:
            for number in range(BODIES):
                event = text_event(number, "Uanna", "hello", "0" * 32)
                body: object = {"destination": "Ubot", "events": [event]}
                for _ in range(chance.randint(1, 3)):
                    body = _mangled(chance, body)
                raw = json.dumps(body).encode("utf-8", "surrogatepass")
                assert await post_line(now, raw=raw) in (200, 400)

    asyncio.run(story())


def test_no_update_is_ever_a_500(tmp_path: Path) -> None:
    async def story() -> None:
        chance = random.Random(20261123)  # noqa: S311 - the same bodies every time
        double = Telegram()
        word = "webhook-word-of-the-test"
        async with (
            double.serving() as telegram,
            serving(tmp_path, None, telegram, mode="webhook", secret_token=word) as now,
        ):
            for number in range(BODIES):
                body: object = update(number, 7, "hello")
                for _ in range(chance.randint(1, 3)):
                    body = _mangled(chance, body)
                assert await post_telegram(now, body) in (200, 400)

    asyncio.run(story())
