"""The doctor: each thing it looks at, well and not well, and that looking changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.delivery import Delivered, Dropped, Outcome, Outgoing, Retry
from bot.look import letters, look
from bot.memory import MemoryFault
from bot.sql import SqlMemory
from bot.store import Store
from handlers import doctor, outside
from handlers.finding import Finding
from handlers.settings import Settings
from knowledge.load import shipped
from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_double import LineDouble
from tests.store_scene import Clock, Platform, play, rows, settled, url, work
from tests.telegram_double import Telegram
from tests.test_cli import run
from tests.test_serving import SECRET, serving

__all__ = ["url"]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in found}


@asynccontextmanager
async def answering(status: int, text: str = "", **headers: str) -> AsyncIterator[str]:
    """A server that always answers the same."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def configured(base: str, public: str, admin: str = "", **telegram: Any) -> Settings:
    server: dict[str, Any] = {"public_url": public, "admin_port": int(admin.rpartition(":")[2] or 0)}
    line = {"channel_secret": SECRET, "channel_access_token": LINE_TOKEN, "api_base": base}
    return Settings(line=line, server=server, telegram=telegram)


def examined(story: Callable[[], Awaitable[list[Finding]]]) -> dict[str, Finding]:
    return by_name(asyncio.run(story()))  # type: ignore[arg-type]


# ---- from outside


def test_a_server_that_runs_is_reached(tmp_path: Path) -> None:
    async def story() -> list[Finding]:
        telegram = Telegram()
        async with LineDouble() as line, telegram.serving():
            word = "word-of-the-webhook"
            async with serving(tmp_path, line, telegram, mode="webhook", secret_token=word) as now:
                told = {"token": "4242:loopback", "base_url": telegram.base, "mode": "webhook", "secret_token": word}
                return await outside.examine(configured(line.base, now.address, now.admin, **told))

    found = examined(story)
    assert all(one.well for one in found.values()), found
    assert "runs and takes messages" in found["server"].text
    assert "reaches this program" in found["line address"].text
    assert "reaches this program" in found["telegram address"].text


def test_a_server_that_takes_no_messages_is_bad(tmp_path: Path) -> None:
    async def story() -> list[Finding]:
        async with LineDouble() as line, serving(tmp_path, line, None) as now:
            now.stop.set()
            return await outside.examine(configured(line.base, "", now.admin))

    found = examined(story)
    assert not found["server"].well
    assert "its log says why" in found["server"].text


@pytest.mark.parametrize(
    ("status", "text", "headers", "hint"),
    [
        (401, "Password, please", {}, "asks for a password: forward /line to 127.0.0.1:8080 without one"),
        (403, "", {}, "asks for a password"),
        (301, "", {"Location": "https://elsewhere.invalid/"}, "set server.public_url to where it leads"),
        (502, "Bad Gateway", {}, "start the server, and forward /line to 127.0.0.1:8080"),
        (404, "Not Found", {}, "that is not this program: forward /line"),
        (200, "Welcome", {}, "that is not this program"),
    ],
)
def test_what_stands_in_the_way_is_named(status: int, text: str, headers: dict[str, str], hint: str) -> None:
    async def story() -> list[Finding]:
        async with LineDouble() as line, answering(status, text, **headers) as proxy:
            return await outside.examine(configured(line.base, proxy, proxy))

    found = examined(story)
    assert not found["line address"].well
    assert hint in found["line address"].text
    assert str(status) in found["line address"].text
    assert not found["server"].well
    assert "choose another server.admin_port" in found["server"].text


@pytest.mark.parametrize(
    ("public", "hint"),
    [
        ("http://127.0.0.1:1", "check the firewall and the reverse proxy"),
        ("ftp://bot", "write https://name"),
        ("https://", "write https://name"),
        ("bot.example.org", "write https://name"),
    ],
)
def test_an_address_that_leads_nowhere(public: str, hint: str) -> None:
    async def story() -> list[Finding]:
        async with LineDouble() as line:
            return await outside.examine(configured(line.base, public, ":1"))

    found = examined(story)
    assert not found["line address"].well
    assert hint in found["line address"].text
    assert found["server"].well  # the doctor may be asked before the server is started
    assert "none runs here" in found["server"].text


def test_polling_needs_no_public_address() -> None:
    async def story() -> list[Finding]:
        telegram = Telegram()
        async with telegram.serving():
            told = {"token": "4242:loopback", "base_url": telegram.base}
            settings = Settings(telegram=told, server={"public_url": "http://127.0.0.1:1", "admin_port": 0})
            return await outside.examine(settings)

    assert set(examined(story)) == {"clock"}


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0, None), (30, None), (-30, None), (32, "32 s ahead of LINE's"), (-95, "95 s behind LINE's")],
)
def test_our_clock_beside_the_platforms(seconds: float, says: str | None) -> None:
    async def story() -> list[Finding]:
        async with answering(404, Date=format_datetime(NOON, usegmt=True)) as platform:
            ours = NOON.timestamp() + seconds
            return await outside.examine(configured(platform, ""), now=lambda: ours)

    found = examined(story)["clock"]
    assert found.well is (says is None)
    assert says is None or (says in found.text and "timedatectl" in found.text)


def test_a_platform_without_a_clock_is_no_fault() -> None:
    async def story() -> list[Finding]:
        async with answering(404, Date="soon") as platform:
            return await outside.examine(configured(platform, ""))

    assert examined(story)["clock"].well
    assert asyncio.run(outside.examine(configured("http://127.0.0.1:1", ""))) == []


# ---- the database


async def _wait(outgoing: Outgoing) -> Outcome:
    return Retry(3600.0, "later")


async def _refuse(outgoing: Outgoing) -> Outcome:
    return Dropped("LINE 400: no")


async def _left_by(store_url: str, send: Callable[[Outgoing], Awaitable[Outcome]], replies: int) -> None:
    """What a server that ran and stopped has left."""
    store = Store(store_url, work, send, owner="server")
    await store.start()
    await store.submit("e1", "line:Uanna", "hello")
    await settled(store, replies)
    await store.stop(5)


def test_a_look_sees_and_changes_nothing(url: str) -> None:
    asyncio.run(_left_by(url, _wait, 1))
    tables = ("conversation", "event", "outbox", "dead", "migration")
    before = [rows(url, f"SELECT * FROM {table}") for table in tables]  # noqa: S608
    seen = look(url)
    assert (seen.waiting, seen.dead, seen.in_use) == (1, 0, False)
    assert seen.oldest >= 0
    assert seen.database.split()[0] == ("SQLite" if url.startswith("sqlite") else "PostgreSQL")
    assert seen.database.split()[1][0].isdigit()
    assert [rows(url, f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608


def test_a_look_at_nothing_makes_no_tables(url: str) -> None:
    assert look(url).waiting == 0
    sqlite = "SELECT name FROM sqlite_master WHERE type = 'table'"
    postgres = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    assert rows(url, sqlite if url.startswith("sqlite") else postgres) == []


def test_a_server_that_runs_is_not_disturbed(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers["hello1"] = [Dropped("LINE 400: no")]
        await store.submit("e1", "line:Uanna", "hello")
        await settled(store)
        seen = await asyncio.to_thread(look, url)
        assert seen.in_use is url.startswith("sqlite")
        assert seen.dead == 1
        assert [letter.reason for letter in await asyncio.to_thread(letters, url, 9)] == ["LINE 400: no"]
        await store.submit("e2", "line:Uanna", "again")
        assert await platform.came(2) == ["hello1", "again2"]

    play(url, scene)


def test_a_chat_leaves_the_servers_replies_alone(url: str) -> None:
    """A chat sends nothing: replies that are due on the same database wait for a server."""

    async def story() -> None:
        async def later(outgoing: Outgoing) -> Outcome:
            return Retry(0.0, "later")

        await _left_by(url, later, 1)
        store = Store(url, work, _wait, owner="chat", in_flight=0, tick=0.001)
        await store.start()
        for _ in range(20):
            await store.depth()
            await asyncio.sleep(0.005)
        assert (await store.depth()).sending == 0
        await store.stop(1)
        memory = await SqlMemory.open(url)
        await memory.close()
        assert rows(url, "SELECT COUNT(*) FROM outbox") == [(1,)]
        assert rows(url, "SELECT COUNT(*) FROM dead") == [(0,)]
        sent: list[str] = []

        async def send(outgoing: Outgoing) -> Outcome:
            sent.append(outgoing.body)
            return Delivered()

        server = Store(url, work, send, owner="server", tick=0.001)
        await server.start()
        await settled(server)
        await server.stop(5)
        assert sent == ["hello1"]

    asyncio.run(story())


def findings(capsys: pytest.CaptureFixture[str], where: str, file: Path | None = None) -> tuple[bool, dict[str, str]]:
    """What the doctor prints, by its subject; each with its mark."""
    well = doctor.examine(where, shipped(), (), file)
    told = capsys.readouterr().out.splitlines()
    return well, {line[5:].partition(":")[0]: f"{line[:4]}{line[5:].partition(':')[2]}" for line in told}


def test_waiting_replies_and_dead_letters_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = f"sqlite:///{tmp_path / 'kept.db'}"
    asyncio.run(_left_by(where, _wait, 1))
    well, told = findings(capsys, where)
    assert well
    assert told["outbox"].startswith("ok   1 replies wait, the oldest for ")
    with sqlite3.connect(tmp_path / "kept.db") as connection:
        connection.execute("UPDATE outbox SET at = at - ?", (doctor.MOST_WAITING_SECONDS + 60,))
    connection.close()
    well, told = findings(capsys, where)
    assert not well
    assert told["outbox"].startswith("BAD ")
    assert "does the server run" in told["outbox"]


def test_dead_letters_are_listed_without_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = f"sqlite:///{tmp_path / 'kept.db'}"
    asyncio.run(_left_by(where, _refuse, 0))
    _, told = findings(capsys, where)
    assert "1 dead letters: kol-advisor letters" in told["dead letters"]
    config = tmp_path / "config.toml"
    config.write_text(f'[memory]\nurl = "{where}"\n', encoding="utf-8")
    done = run("letters", "--config", str(config))
    assert done.returncode == 0
    assert "reply of line:Uanna: LINE 400: no" in done.stdout
    assert "hello1" not in done.stdout
    assert "hello1" in run("letters", "--texts", "--config", str(config)).stdout


def test_no_dead_letters_is_said(tmp_path: Path) -> None:
    done = run("letters", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no dead letters\n")


def test_a_database_that_cannot_be_opened_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    well, told = findings(capsys, "postgresql://me:hunter2@127.0.0.1:1/x")
    assert not well
    assert told["memory"].startswith("BAD ")
    assert "hunter2" not in str(told)
    with pytest.raises(MemoryFault, match="folder"):
        look(f"sqlite:///{tmp_path / 'nowhere' / 'kept.db'}")


# ---- who may read the secrets


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ('[telegram]\ntoken = "1:hunter2"\n', 0o644, "BAD "),
        ('[telegram]\ntoken = "1:hunter2"\n', 0o640, "BAD "),
        ('[telegram]\ntoken = "1:hunter2"\n', 0o600, "ok  "),
        ('[telegram]\ntoken = ""\n[server]\nport = 1\n', 0o644, None),
    ],
)
def test_a_configuration_that_others_may_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, mode: int, says: str | None
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    config.chmod(mode)
    well, told = findings(capsys, f"sqlite:///{tmp_path / 'kept.db'}", config)
    assert told.get("secrets", "")[:4] == (says or "")
    assert well is (says != "BAD ")
    assert "hunter2" not in str(told)
    if says == "BAD ":
        assert f"telegram.token and may be read by others on this machine: chmod 600 {config}" in told["secrets"]


def test_the_command_looks_at_its_own_file(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[log]\nkey = "0123456789abcdef"\n', encoding="utf-8")
    config.chmod(0o604)
    done: subprocess.CompletedProcess[str] = run("doctor", "--config", str(config), home=tmp_path)
    assert done.returncode == 1
    assert "BAD  secrets:" in done.stdout
    assert "0123456789abcdef" not in done.stdout
