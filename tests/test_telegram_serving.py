"""Telegram in the whole program: outages, groups that move, people who block, and exactly one poller."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web

from handlers import telegram_self, telegram_serving
from handlers.serving import Running, ServeFault, running
from handlers.settings import Settings
from handlers.telegram_setup import shipped_texts
from knowledge.load import shipped
from tests import store_scene
from tests.line_double import LineDouble
from tests.store_scene import rows
from tests.telegram_double import TOKEN, Telegram
from tests.test_serving import WORD, post_line, post_telegram, serving, text_event, update

postgres = store_scene.postgres
OLD, NEW = -77, -1_000_000_000_077
PATIENCE_SECONDS = 60.0  # a bound against hanging, not a claim of speed


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen():
            await asyncio.sleep(0.005)


async def sent_all(now: Running) -> None:
    """Until no reply waits any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await now.store.depth()).outbox:
            await asyncio.sleep(0.005)


def down(_: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>bad gateway</html>")


def group(number: int, chat: int, text: str = "", **more: Any) -> dict[str, Any]:
    """An update: something in a group."""
    whole = update(number, chat, text)
    whole["message"] |= {"chat": {"id": chat, "type": "supergroup" if chat < -(10**12) else "group"}, **more}
    whole["message"]["from"]["id"] = 7
    if not text:
        del whole["message"]["text"]
    return whole


def mention(number: int, chat: int, text: str) -> dict[str, Any]:
    whole = group(number, chat, f"@AdviserBot {text}")
    whole["message"]["entities"] = [{"type": "mention", "offset": 0, "length": 11}]
    return whole


def member(number: int, chat: int, before: str, after: str) -> dict[str, Any]:
    kind = "private" if chat > 0 else "supergroup" if chat < -(10**12) else "group"
    change = {"chat": {"id": chat, "type": kind}, "from": {"id": 7, "language_code": "en"},
              "date": int(datetime.now(UTC).timestamp()),
              "old_chat_member": {"status": before}, "new_chat_member": {"status": after}}  # fmt: skip
    return {"update_id": number, "my_chat_member": change}


def tap(number: int, chat: int, data: str) -> dict[str, Any]:
    message = {"message_id": 1, "date": 1_700_000_000, "chat": {"id": chat, "type": "group" if chat < 0 else "private"}}
    query = {"id": f"tap{number}", "data": data, "chat_instance": "1", "from": {"id": 7}, "message": message}
    return {"update_id": number, "callback_query": query}


def texts(telegram: Telegram, chat: int) -> str:
    return "\n".join(sent["text"] for sent in telegram.sent if sent["chat"]["id"] == chat)


def told(work: Callable[[Telegram], Awaitable[None]]) -> Telegram:
    """A story with a double; nothing it was sent may be against the published contract."""
    double = Telegram()

    async def story() -> None:
        async with double.serving():
            await work(double)

    asyncio.run(story())
    assert double.faults == []
    assert double.conflicts == 0
    return double


def test_an_outage_of_telegram_at_the_start_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINE answers meanwhile; when Telegram is back, it is polled, without a restart."""
    monkeypatch.setattr(telegram_self, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(telegram_self, "MOST_PAUSE_SECONDS", 0.02)

    async def story(telegram: Telegram) -> None:
        telegram.broken = [down] * 1_000
        telegram.add(update(1, 7, "hello"))
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, telegram) as now:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await post_line(now, text_event(1, "Uanna", "你好", line.issue("Uanna"))) != 200:
                    pass
            await until(lambda: bool(line.seen))
            await until(lambda: len(telegram.calls) > 3)
            assert {method for method, _ in telegram.calls} == {"getMe"}
            telegram.broken.clear()
            await until(lambda: bool(telegram.sent))

    told(story)


def test_a_webhook_is_told_to_come_again_until_the_name_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_self, "FIRST_PAUSE_SECONDS", 0.02)

    async def story(telegram: Telegram) -> None:
        telegram.broken = [down] * 1_000
        async with serving(tmp_path, None, telegram, mode="webhook", secret_token=WORD) as now:
            assert await post_telegram(now, mention(1, OLD, "hi")) == 503
            telegram.broken.clear()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await post_telegram(now, mention(1, OLD, "hi")) != 200:
                    await asyncio.sleep(0.01)
            await until(lambda: bool(telegram.sent))

    told(story)


def test_what_is_no_token_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    async def story(token: str) -> None:
        settings = Settings(telegram={"token": token, "base_url": "http://127.0.0.1:9"})
        async with running(settings, shipped(), f"sqlite:///{tmp_path / 'kept.db'}"):
            pass

    for token in ("hunter2", ":hunter2", "1x:hunter2", "9" * 30 + ":hunter2"):
        with pytest.raises(ServeFault, match=r"telegram\.token") as fault:
            asyncio.run(story(token))
        assert "hunter2" not in str(fault.value)


def test_something_else_in_telegrams_place_is_no_wrong_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A captive portal answers 404 to everything: that says nothing of the token."""

    async def story(telegram: Telegram) -> None:
        telegram.broken = [lambda _: web.Response(status=404, text="<html>")] * 1_000
        async with serving(tmp_path, None, telegram):
            pass

    told(story)
    assert "telegram.base_url" in caplog.text


def test_a_start_that_fails_ends(tmp_path: Path) -> None:
    """A port that is taken is said, and what was begun before comes down."""

    async def story(telegram: Telegram) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            settings = {"server": {"port": taken.getsockname()[1], "admin_port": 0},
                        "telegram": {"token": TOKEN, "base_url": telegram.base}}  # fmt: skip
            with pytest.raises(ServeFault, match="cannot listen"):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    async with running(Settings(**settings), shipped(), f"sqlite:///{tmp_path / 'kept.db'}"):
                        pass

    told(story)


def test_commands_and_descriptions_are_shown_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at first, and asked for quiet; set in the end, and left alone at the next start."""
    monkeypatch.setattr(telegram_serving, "TEXTS_PAUSE_SECONDS", 0.01)
    refused: list[str] = []

    async def story(telegram: Telegram) -> None:
        setting, refuse = telegram._set, [down, down]

        def set_(what: str, params: dict[str, Any], value: Any) -> bool:
            if refuse:
                telegram.broken.append(refuse.pop())
                refused.append(what)
            return setting(what, params, value)

        monkeypatch.setattr(telegram, "_set", set_)
        async with serving(tmp_path, None, telegram, mode="webhook", secret_token=WORD):
            await until(lambda: len(telegram.shown) == 3 * len(shipped_texts()))
        telegram.calls.clear()
        async with serving(tmp_path, None, telegram, mode="webhook", secret_token=WORD):
            await until(lambda: len(telegram.calls) == 1 + 3 * len(shipped_texts()))
        assert all(method.startswith("get") for method, _ in telegram.calls)

    told(story)
    assert len(refused) == 2


def test_texts_that_cannot_be_set_are_given_up_and_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telegram_serving, "TEXTS_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Telegram, "_get_my_commands", None)

    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram):
            await until(lambda: "kol-advisor telegram setup" in caplog.text)
            telegram.add(update(1, 7, "hello"))
            await until(lambda: bool(telegram.sent))

    told(story)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_group_that_moves_keeps_its_brief(tmp_path: Path, mode: str) -> None:
    """Told twice, and that we were added; nobody is greeted again; old buttons work; nothing stays behind."""

    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram, mode=mode, secret_token=WORD) as now:

            async def comes(*updates: dict[str, Any]) -> None:
                if mode == "polling":
                    return telegram.add(*updates)
                for one in updates:
                    assert await post_telegram(now, one) == 200
                return None

            await comes(mention(1, OLD, "保養品"), group(2, OLD, "誰要吃便當"))
            await until(lambda: "1/3" in texts(telegram, OLD))
            before = texts(telegram, OLD)
            telegram.migrated[OLD] = NEW
            await comes(
                group(3, OLD, migrate_to_chat_id=NEW),
                group(4, NEW, migrate_from_chat_id=OLD),
                member(5, NEW, "left", "member"),
                mention(6, NEW, "衝業績"),
            )
            await until(lambda: "3/3" in texts(telegram, NEW))
            assert "1/3" not in texts(telegram, NEW)
            telegram.taps = {"tap7": 0.0}
            await comes(tap(7, OLD, "v1|budget|decline"))
            await until(lambda: "KOS" in texts(telegram, NEW))
            await until(lambda: telegram.taps == {})
            assert texts(telegram, OLD) == before
            await sent_all(now)
            assert (await now.store.export(f"tg:{OLD}"))["state"] is None
            assert "便當" not in str(await now.store.export(f"tg:{NEW}"))
            assert await now.store.dead() == []

    told(story)


def test_a_reply_learns_that_the_group_moved(tmp_path: Path) -> None:
    """No update has told of it yet: what waits goes to the new chat all the same, once, in order, with the brief."""

    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram) as now:
            telegram.migrated[OLD] = NEW
            telegram.add(mention(1, OLD, "保養品新品,預算30萬,想衝業績,該找誰?"))
            await until(lambda: len(telegram.sent) >= 2)
            sent = [call["params"] for call in telegram.sent]
            await sent_all(now)
            assert {params["chat_id"] for params in sent} == {NEW}
            assert not any("reply_parameters" in params for params in sent)
            asked = [params["chat_id"] for method, params in telegram.calls if method == "sendMessage"]
            assert asked == [OLD] + [NEW] * len(telegram.sent)
            telegram.add(mention(2, NEW, "再加10萬"))
            await until(lambda: "NT$400,000" in texts(telegram, NEW))
            assert await now.store.dead() == []

    told(story)


async def heard(now: Running, goal: str) -> None:
    """Until person 7's goal is kept."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f'"goal": "{goal}"' not in (await now.store.export("tg:7"))["state"]:
            await asyncio.sleep(0.005)


def test_who_blocked_us_and_comes_back_goes_on(tmp_path: Path) -> None:
    """A reply that nobody can read is dropped and is no dead letter; the brief stays, and is gone on with."""

    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram) as now:
            telegram.add(update(1, 7, "保養品"))
            await until(lambda: "1/3" in texts(telegram, 7))
            telegram.blocked.add(7)
            telegram.add(update(2, 7, "衝業績"))
            await heard(now, "conversion")
            await sent_all(now)
            assert await now.store.dead() == [] and len(telegram.sent) == 1
            telegram.blocked.clear()
            telegram.add(member(3, 7, "kicked", "member"), update(4, 7, "30萬"))
            await until(lambda: "KOS" in texts(telegram, 7))
            assert "NT$300,000" in telegram.sent[1]["text"]  # the answer, not another greeting

    told(story)


def test_who_blocks_us_is_sent_nothing_that_waits(tmp_path: Path) -> None:
    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram) as now:
            telegram.add(update(1, 7, "保養品"))
            await until(lambda: "1/3" in texts(telegram, 7))
            telegram.limits["private"] = (1, 1_000.0)
            telegram.add(update(2, 7, "衝業績"))
            await heard(now, "conversion")
            assert (await now.store.depth()).outbox == 1
            telegram.add(member(3, 7, "member", "kicked"))
            await sent_all(now)
            assert await now.store.dead() == [] and len(telegram.sent) == 1
            assert (await now.store.export("tg:7"))["state"]

    told(story)


def test_a_group_we_left_is_sent_nothing_more(tmp_path: Path) -> None:
    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram) as now:
            telegram.left.add(NEW)
            telegram.add(mention(1, NEW, "保養品新品,預算30萬,想衝業績"), member(2, NEW, "member", "left"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (await now.store.export(f"tg:{NEW}"))["state"] or (await now.store.depth()).outbox:
                    await asyncio.sleep(0.005)
            assert telegram.sent == [] and await now.store.dead() == []

    told(story)


def test_words_under_a_picture_and_links_are_heard_and_reactions_are_not(tmp_path: Path) -> None:
    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram):
            picture = update(1, 7, "")
            picture["message"] |= {"photo": [{"file_id": "x"}], "caption": "保養品,衝業績,30萬"}
            del picture["message"]["text"]
            telegram.add(picture)
            await until(lambda: "NT$300,000" in texts(telegram, 7))
            telegram.add(update(2, 8, "保養品"), update(3, 9, "/start goal-trust"))
            await until(lambda: bool(texts(telegram, 8) and texts(telegram, 9)))
            assert "2/3" in texts(telegram, 9)
            reaction = {"update_id": 4, "edited_message": update(2, 8, "保養品")["message"]}
            telegram.add(reaction, update(5, 8, "衝業績"))
            await until(lambda: "3/3" in texts(telegram, 8))
            assert texts(telegram, 8).count("1/3") == 1
            edit = {"update_id": 6, "edited_message": update(5, 8, "建立信任")["message"]}
            telegram.add(edit)
            await until(lambda: texts(telegram, 8).count("3/3") == 2)

    told(story)


def test_a_tap_is_acknowledged_while_the_database_is_busy(tmp_path: Path) -> None:
    async def story(telegram: Telegram) -> None:
        async with serving(tmp_path, None, telegram, mode="webhook", secret_token=WORD) as now:
            release = asyncio.Event()
            loop = asyncio.get_running_loop()

            def hold(*_: object) -> None:
                asyncio.run_coroutine_threadsafe(release.wait(), loop).result(60)

            held = asyncio.create_task(now.store.do("tg:7", hold))
            telegram.taps = {"tap1": 0.0}
            posted = asyncio.create_task(post_telegram(now, tap(1, 7, "v1|goal|trust")))
            await until(lambda: telegram.taps == {})
            assert not posted.done()
            release.set()
            assert await posted == 200
            await held

    told(story)


def test_of_two_processes_one_polls_and_the_other_takes_over(postgres: str, tmp_path: Path) -> None:
    """Its database connections are ended: it goes on. It is killed: the other goes on. Never do two poll at once."""

    async def story(telegram: Telegram) -> None:
        replicas: list[Process] = []

        async def answered(number: int) -> Process:
            """Which of them polls, after an update was answered, once, by nobody else."""
            telegram.add(update(number, 6 + number, "hello"))
            await until(lambda: bool(texts(telegram, 6 + number)))
            await until(lambda: rows(postgres, "SELECT count(*) FROM outbox") == [(0,)])
            assert texts(telegram, 6 + number) == texts(telegram, 7)
            (polling,) = [one for one in replicas if one.polls and one.lives]
            return polling

        try:
            for number in range(2):
                replicas.append(await Process.begin(telegram, postgres, tmp_path / f"{number}.toml"))
            for one in replicas:
                await one.listening()
            first = await answered(1)
            assert rows(postgres, ENDING)[0][0] >= 2
            assert await answered(2) is first
            assert sum(one.polls for one in replicas) == 1
            first.process.send_signal(signal.SIGKILL)
            await first.process.wait()
            last = await answered(3)
            last.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(last.process.wait(), PATIENCE_SECONDS) == 0, last.log
        finally:
            for one in replicas:
                await one.end()
        assert not any("Traceback" in one.log or TOKEN in one.log for one in replicas)

    told(story)


# The connections of both replicas.
ENDING = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND application_name = current_schema()
"""


def named(url: str) -> str:
    """The address, with connections that bear the schema's name."""
    address = sa.make_url(url)
    schema = str(address.query["options"]).removeprefix("-csearch_path=")
    return address.update_query_dict({"application_name": schema}).render_as_string(hide_password=False)


class Process:
    """A server as the operator runs it; `log` is what it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.log = process, ""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def begin(cls, telegram: Telegram, url: str, config: Path) -> Process:
        config.write_text(
            f'[telegram]\ntoken = "{TOKEN}"\nbase_url = "{telegram.base}"\n'
            f'[server]\nport = 0\nadmin_port = 0\n[memory]\nurl = "{named(url)}"\n',
            encoding="utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "handlers", "serve", "--config", str(config)),
            env={**os.environ, "KOL_ADVISOR_CONFIG": ""},
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def listening(self) -> None:
        """Until it is up; fails if it ends before."""
        await until(lambda: "listening on" in self.log or not self.lives)
        assert self.lives, self.log

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log += line.decode()

    @property
    def lives(self) -> bool:
        return self.process.returncode is None

    @property
    def polls(self) -> bool:
        return bool(re.search("Telegram is polled from here", self.log))

    async def end(self) -> None:
        if self.lives:
            self.process.kill()
        await self.process.wait()
        await self._reading
