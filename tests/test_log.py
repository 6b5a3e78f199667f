"""The log: one form for every line, no secret in any, nobody's words, and no way to tell later who it was."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.message import Message
from handlers.exchange import answering, payload_of
from handlers.flood import MOST_LINES, FloodGate
from handlers.log import failure, logger, set_up
from handlers.metrics import Metrics
from handlers.pseudonym import DAY_SECONDS, Pseudonym
from handlers.secret_values import HIDDEN, scrubber, values
from handlers.serving import running
from handlers.settings import LogSettings, Settings
from handlers.watch import Watch
from knowledge.load import shipped
from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_double import LineDouble
from tests.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.telegram_double import Telegram
from tests.test_serving import BRIEF, SECRET, post_line, text_event, until, update
from tests.test_serving_process import STARTING_SECONDS

PASSWORD = "p@ss word/ü\"'"  # noqa: S105
TOKEN = "4242:AAF-very_secret"  # noqa: S105


@contextmanager
def logged(secrets: tuple[str, ...] = (), **settings: Any) -> Iterator[Callable[[], list[str]]]:
    """The log set up for a while; what is yielded gives its lines so far."""
    stream = io.StringIO()
    undo = set_up(LogSettings(**settings), secrets, stream)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        undo()


def lines_of(told: list[str], event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, told) if line["event"] == event]


def test_text_is_one_line_for_people() -> None:
    with logged() as told:
        logger().info("listening", address="http://127.0.0.1:1", note='two words "quoted"', empty="")
        line = told()[0]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z info    listening address=http://127\.0\.0\.1:1 ", line)
    assert line.endswith('note="two words \\"quoted\\"" empty=""')


def test_json_is_one_object_a_line() -> None:
    with logged(format="json") as told:
        logger().warning("a reply waits", tries=2, reason="忙")
        logging.getLogger("aiohttp.server").error("odd %s", "thing")
        ours, theirs = map(json.loads, told())
    assert list(ours) == ["time", "level", "logger", "event", "tries", "reason"]
    assert (ours["level"], ours["event"], ours["tries"], ours["reason"]) == ("warning", "a reply waits", 2, "忙")
    assert (theirs["logger"], theirs["event"]) == ("aiohttp.server", "odd thing")


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_can_forge_a_line(form: str) -> None:
    with logged(format=form) as told:
        logger().info("came\n2026-01-01 info stopping", said="x\r\n\x1b[2Jy\u2028z")
        assert len(told()) == 1
        assert "\x1b" not in told()[0]


def test_what_is_below_the_level_is_silent_and_libraries_stay_so() -> None:
    with logged(level="debug") as told:
        logger().debug("turn")
        for name in ("httpx", "httpcore", "sqlalchemy.engine", "telegram.ext", "linebot.v3", "aiohttp.access"):
            logging.getLogger(name).info("POST https://api.telegram.org/bot%s/sendMessage", TOKEN)
            logging.getLogger(name).debug("row %s", "somebody's words")
        assert len(told()) == 1
    with logged(level="error") as told:
        logger().warning("less")
        logging.getLogger("aiohttp.server").warning("less")
        assert told() == []


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, "密碼-very-secret", "back\\slash\nline", "channel-secret"])
def test_secrets_are_scrubbed_wherever_they_come_from(form: str, secret: str) -> None:
    with logged((secret,), format=form, level="debug") as told:
        logger().info(f"at {secret}", field=secret, nested={"in": [secret]}, address=f"https://a/bot{quote(secret)}/x")
        logging.getLogger("httpx").warning("GET https://api/bot%s/getMe %r", quote(secret, safe=""), secret)
        logging.getLogger("aiohttp.server").error("value %s", {"token": secret})
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"old {secret}", UserWarning, stacklevel=1)
        try:
            raise ValueError(secret)
        except ValueError:
            logger().error("failed", exc_info=True)
        shown = "\n".join(told())
    whole = shown if form == "text" else "\n".join(str(list(json.loads(line).values())) for line in told())
    for form_of in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert form_of not in shown
        assert form_of not in whole
    assert shown.count(HIDDEN) >= 5


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives_scrubbing(secret: str, before: str, after: str) -> None:
    scrub = scrubber([secret])
    for written in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(repr(secret))):
        left = scrub(f"{before}|{written}|{after}").replace(HIDDEN, "")
        assert secret not in left
        assert written[1:-1] not in left or len(written[1:-1]) < 4


def test_every_secret_setting_is_known_to_the_scrubber() -> None:
    settings = Settings(
        line={"channel_secret": "line-secret", "channel_access_token": "line-token"},
        telegram={"token": TOKEN, "secret_token": "telegram-word"},
        memory={"url": "postgresql://me:data%40base@host/x"},
        log={"key": "0123456789abcdef"},
    )
    found = values(settings)
    assert {"line-secret", "line-token", TOKEN, "AAF-very_secret", "telegram-word", "data%40base"} <= set(found)
    assert {"data@base", "0123456789abcdef", "postgresql://me:data%40base@host/x"} <= set(found)


def _boom(words: str) -> None:
    raise KeyError(words)


def test_an_exception_shows_where_and_not_what() -> None:
    with logged(format="json") as told:
        for tell in (
            lambda: logging.getLogger("aiohttp.server").exception("Error handling request from %s", "127.0.0.1"),
            lambda: logger().error("failed", exc_info=True),
        ):
            try:
                _boom("somebody's words")
            except KeyError:
                tell()
        shown = told()
    assert "somebody's words" not in "".join(shown)
    for line in shown:
        assert json.loads(line)["failure"].startswith("KeyError < tests/test_log.py:")
        assert "_boom" in line
    assert "\n" not in failure(ValueError("x"))


def test_what_asyncio_says_of_a_lost_task_has_no_values() -> None:
    async def lose() -> None:
        task = asyncio.create_task(asyncio.to_thread(_boom, "somebody's words"))
        await asyncio.wait({task})
        del task

    with logged() as told:
        asyncio.run(lose())
        import gc

        gc.collect()
        shown = told()
    assert len(shown) == 1
    assert "Task exception was never retrieved" in shown[0]
    assert "KeyError" in shown[0]
    assert "somebody's words" not in shown[0]


# ---- names of persons


def test_a_person_has_one_name_a_day() -> None:
    day = [10.0 * DAY_SECONDS]
    name = Pseudonym(now=lambda: day[0])
    first = name("line:Uanna")
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert name("line:Uanna") == first != name("line:Ubert")
    day[0] += DAY_SECONDS
    second = name("line:Uanna")
    day[0] -= DAY_SECONDS
    assert second != first
    assert name("line:Uanna") not in (first, second)  # the key of that day is gone for good


def test_somebody_forgotten_has_another_name_at_once() -> None:
    name = Pseudonym(now=lambda: 0)
    watch = Watch(Metrics(shipped()), name)
    work = watch.work(answering(shipped()))
    before = name("line:Uanna")
    for text, same in (("serum", True), ("/forget", False)):
        work(None, payload_of(Message(text, "line:Uanna", text, datetime(2026, 11, 23, tzinfo=UTC)), {}))
        assert (name("line:Uanna") == before) is same


def test_nobody_can_compute_a_name_without_the_key() -> None:
    assert Pseudonym(now=lambda: 0)("line:Uanna") != Pseudonym(now=lambda: 0)("line:Uanna")


def test_replicas_with_a_key_agree_and_still_change_names_daily() -> None:
    one, other = Pseudonym("k" * 16, lambda: 0), Pseudonym("k" * 16, lambda: 0)
    assert one("line:Uanna") == other("line:Uanna")
    assert one("line:Uanna") != Pseudonym("k" * 16, lambda: DAY_SECONDS)("line:Uanna")
    assert one("line:Uanna") != Pseudonym("l" * 16, lambda: 0)("line:Uanna")


# ---- floods


def test_a_flood_is_cut_and_counted() -> None:
    clock = [0.0]
    stream = io.StringIO()
    undo = set_up(LogSettings(format="json"), (), stream, FloodGate(clock=lambda: clock[0]))
    try:
        log = logger()
        for number in range(1000):
            log.warning("a request was refused", status=401, number=number)
            logging.getLogger("aiohttp.server").error("Error handling request from %s", number)
        log.warning("another kind")
        log.info("not limited")
        clock[0] = 61.0
        log.warning("a request was refused", status=401)
        told = stream.getvalue().splitlines()
    finally:
        undo()
    refused = lines_of(told, "a request was refused")
    assert len(refused) == MOST_LINES + 1
    assert refused[-1]["left_out"] == 1000 - MOST_LINES
    assert len([line for line in told if "Error handling" in line]) == MOST_LINES
    assert len(lines_of(told, "another kind")) == len(lines_of(told, "not limited")) == 1


# ---- the server


def _serve(tmp_path: Path, line: LineDouble, **log: Any) -> Any:
    settings = Settings(
        server={"port": 0, "admin_port": 0},
        line={"channel_secret": SECRET, "channel_access_token": LINE_TOKEN, "api_base": line.base},
        log=log,
    )
    return running(settings, shipped(), f"sqlite:///{tmp_path / 'kept.db'}")


@pytest.mark.parametrize("texts", [False, True])
def test_a_turn_is_a_line_without_person_and_words(tmp_path: Path, texts: bool) -> None:
    async def story() -> list[str]:
        async with LineDouble(lambda: datetime.now(UTC)) as line:
            with logged((SECRET, LINE_TOKEN), format="json", level="debug") as told:
                async with _serve(tmp_path, line, texts=texts) as now:
                    await post_line(now, text_event(1, "Uanna", BRIEF, line.issue("Uanna")))
                    await post_line(now, text_event(2, "Uanna", "為什麼?", line.issue("Uanna")))
                    await until(lambda: len(line.seen) >= 2)
                return told()

    told = asyncio.run(story())
    start = lines_of(told, "starting")[0]
    assert (start["platforms"], start["database"]) == ("line", "sqlite")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", start["knowledge_checked"])
    first, second = lines_of(told, "turn")
    assert (first["platform"], first["kind"], first["intent"]) == ("line", "text", "brief")
    assert first["language"] == "zh-Hant"
    assert first["took_ms"] > 0
    assert first["person"] == second["person"]
    assert first["message"] != second["message"]
    whole = "\n".join(told)
    assert "Uanna" not in whole
    assert "01EVENT" not in whole
    assert first.get("said") == (BRIEF if texts else None)
    assert texts or not (BRIEF in whole or json.dumps(BRIEF)[1:-1] in whole)
    assert SECRET not in whole


def test_forged_requests_do_not_flood_the_log(tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with LineDouble() as line:
            with logged(format="json") as told:
                async with _serve(tmp_path, line) as now:
                    for _ in range(3 * MOST_LINES):
                        assert await post_line(now, signature="forged") in (401, 429)
                return told()

    refused = lines_of(asyncio.run(story()), "a request was refused")
    assert len(refused) == MOST_LINES
    assert refused[0]["status"] == 401


def test_the_process_writes_json_and_no_token(tmp_path: Path) -> None:
    """As the operator runs it: every line of standard error is an object, from the start to the stop."""

    async def story() -> bytes:
        double = Telegram()
        async with double.serving() as telegram:
            config = tmp_path / "config.toml"
            config.write_text(
                f'[telegram]\ntoken = "{TELEGRAM_TOKEN}"\nbase_url = "{telegram.base}"\n'
                f'[server]\nport = 0\nadmin_port = 0\n[memory]\nurl = "sqlite:///{tmp_path / "kept.db"}"\n'
                '[log]\nformat = "json"\nlevel = "debug"\n',
                encoding="utf-8",
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-X", "dev", "-W", "default", "-m", "handlers", "serve", "--config", str(config)),
                env={**os.environ, "KOL_ADVISOR_CONFIG": ""},
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stderr is not None
            shown = b""
            while b"listening on" not in shown:
                line = await asyncio.wait_for(process.stderr.readline(), STARTING_SECONDS)
                assert line, shown.decode()
                shown += line
            telegram.add(update(1, 7, BRIEF))
            await until(lambda: bool(telegram.sent))
            process.send_signal(signal.SIGTERM)
            shown += await asyncio.wait_for(process.stderr.read(), STARTING_SECONDS)
            assert await asyncio.wait_for(process.wait(), STARTING_SECONDS) == 0, shown.decode()
            return shown

    told = asyncio.run(story()).decode().splitlines()
    events = [json.loads(line)["event"] for line in told if line.startswith("{")]
    assert events[0] == "starting"
    assert events[-1] == "stopped"
    assert "turn" in events
    assert TELEGRAM_TOKEN not in "".join(told)
    assert BRIEF not in "".join(told)
    assert len(events) == len(told), [line for line in told if not line.startswith("{")]
