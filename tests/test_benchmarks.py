"""The benchmark measures what it says: signed messages, turns that end with their last reply, stored conversations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.doubles import LINE_SECRET, LINE_TOKEN, TELEGRAM_TOKEN, TELEGRAM_WORD, Doubles
from benchmarks.load import Driver, Load
from benchmarks.stored import fill, states, talkers
from benchmarks.talk import CYCLES, TALKS, Person, Talk, replies_of
from benchmarks.wire import listen
from bot.conversation import Conversation
from bot.message import Message
from bot.sql import SqlMemory
from handlers import line
from handlers.serving import running
from handlers.settings import Settings
from knowledge.load import shipped


def _settings(platform: str, port: int) -> Settings:
    base = f"http://127.0.0.1:{port}"
    server = {"port": 0, "admin_port": 0, "public_url": "https://bot.invalid"}
    if platform == "line":
        channel = {"channel_secret": LINE_SECRET, "channel_access_token": LINE_TOKEN, "api_base": base}
        return Settings(server=server, line=channel)  # type: ignore[arg-type]
    bot = {"token": TELEGRAM_TOKEN, "base_url": base, "mode": "webhook"}
    return Settings(server=server, telegram=bot | {"secret_token": TELEGRAM_WORD})  # type: ignore[arg-type]


async def _load(platform: str, tmp_path: Path, turns: int) -> tuple[Load, Doubles]:
    """The real server under a small load, in this process."""
    doubles = Doubles()
    server, port = await listen(doubles.answer)
    async with running(_settings(platform, port), shipped(), f"sqlite:///{tmp_path / 'kept.db'}") as now:
        calls = replies_of(shipped())[platform].calls
        people = [Person(number) for number in range(6)]
        driver = Driver(Talk(platform, f"/{platform}", calls), doubles, [int(now.address.rpartition(":")[2])], people)
        load = await driver.closed(turns, at_once=3)
        driver.close()
    server.close()
    return load, doubles


def test_every_line_turn_ends_with_its_reply(tmp_path: Path) -> None:
    load, doubles = asyncio.run(_load("line", tmp_path, 26))
    assert (load.turns, load.faults, doubles.unexpected) == (26, {}, 0)
    assert len(load.took) == doubles.calls == 26


def test_every_telegram_turn_ends_with_its_last_message(tmp_path: Path) -> None:
    load, doubles = asyncio.run(_load("telegram", tmp_path, 3))
    assert (load.turns, load.faults, doubles.unexpected) == (3, {}, 0)
    assert doubles.calls > 3  # an answer is several messages there


def test_a_message_of_the_benchmark_is_signed_as_line_signs() -> None:
    raw, replies = Talk("line", "/line", None).next(Person(0))
    head, _, body = raw.partition(b"\r\n\r\n")
    signature = head.partition(b"X-Line-Signature: ")[2].split(b"\r\n")[0].decode()
    assert replies == 1
    assert line.verify(body, signature, LINE_SECRET)
    assert not line.verify(body + b" ", signature, LINE_SECRET)
    heard = line.from_line(line.read_post(body).events[0], received_at=datetime.now(UTC))
    assert heard is not None
    assert heard.text == TALKS[0][0]


def test_the_adviser_answers_every_message_of_the_talks() -> None:
    for replies in replies_of(shipped()).values():
        assert [len(counts) for counts in replies.calls] == [CYCLES * len(talk) for talk in TALKS]
        assert all(count >= 1 for counts in replies.calls for count in counts)


def test_what_is_filled_in_is_what_the_server_would_have_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    kept = states(shipped())
    fill(url, 50, kept)

    async def story() -> None:
        memory = await SqlMemory.open(url)
        for person in talkers(50):
            message = Message(f"look:{person.number}", f"line:{person.line}", "", datetime.now(UTC))
            found = await memory.transact(message, lambda conversation: (conversation, conversation))
            assert found is not None
            assert found == Conversation.load(kept[person.talk][person.said - 1])
            assert found.brief.goal
        await memory.close()

    asyncio.run(story())


def test_a_turn_whose_reply_never_comes_is_a_fault_and_no_turn() -> None:
    async def story() -> Load:
        doubles = Doubles()
        nobody, port = await listen(doubles.answer)
        nobody.close()  # nothing listens there any more
        driver = Driver(Talk("line", "/line", None), doubles, [port], [Person(0)])
        return await driver.closed(3, at_once=1)

    load = asyncio.run(story())
    assert load.turns == 0
    assert sum(load.faults.values()) == 3


def test_tables_line_up() -> None:
    lines = report.table(["who", "n"], [["保養品", "1"], ["a", "100"]]).splitlines()
    assert lines[2:] == ["保養品    1", "a       100"]
