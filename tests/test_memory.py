"""Memory: one message is one transaction, answered once, kept across restarts."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.conversation import Conversation
from bot.memory import MemoryFault
from bot.message import Message
from bot.sql import IN_PROCESS, SqlMemory
from bot.turn import take_turn, turn
from knowledge.brief import Brief
from knowledge.load import shipped
from tests import store_scene
from tests.cases import message

KNOWLEDGE = shipped()
url = store_scene.url


def said(number: int, text: str, person: str = "test:a") -> Message:
    plain = message(text)
    return Message(f"test:{number}", person, text, plain.sent_at)


def test_what_was_said_is_kept_for_each_person(url: str) -> None:
    async def first() -> None:
        memory = await SqlMemory.open(url)
        assert await take_turn(said(1, "賣面膜"), memory, KNOWLEDGE)
        assert await take_turn(said(2, "bán tai nghe", "test:b"), memory, KNOWLEDGE)
        await memory.close()

    async def second() -> None:
        memory = await SqlMemory.open(url)
        done = await turn(said(3, "衝業績"), memory, KNOWLEDGE)
        assert done is not None
        assert done.conversation.brief.category == "skincare"
        assert done.conversation.brief.goal == "conversion"
        await memory.close()

    asyncio.run(first())
    asyncio.run(second())


def test_a_message_is_answered_once() -> None:
    async def twice() -> None:
        memory = await SqlMemory.open(IN_PROCESS)
        await take_turn(said(1, "預算30萬"), memory, KNOWLEDGE)
        assert await take_turn(said(2, "再加10萬"), memory, KNOWLEDGE)
        assert await take_turn(said(2, "再加10萬"), memory, KNOWLEDGE) == ()
        done = await turn(said(3, "賣面膜"), memory, KNOWLEDGE)
        assert done is not None
        assert done.conversation.brief.budget is not None
        assert done.conversation.brief.budget.most.amount == 400_000
        await memory.close()

    asyncio.run(twice())


def test_turns_of_one_person_do_not_overlap() -> None:
    """Fifty messages at once, each adding to one budget: none is lost."""

    async def together() -> None:
        memory = await SqlMemory.open(IN_PROCESS)
        await take_turn(said(0, "預算10萬"), memory, KNOWLEDGE)
        await asyncio.gather(*(take_turn(said(n, "再加1萬"), memory, KNOWLEDGE) for n in range(1, 51)))
        done = await turn(said(99, "賣面膜"), memory, KNOWLEDGE)
        assert done is not None
        assert done.conversation.brief.budget is not None
        assert done.conversation.brief.budget.most.amount == 600_000
        await memory.close()

    asyncio.run(together())


def test_a_failing_step_leaves_nothing_behind() -> None:
    async def failing() -> None:
        memory = await SqlMemory.open(IN_PROCESS)

        def work(_: Conversation) -> tuple[Conversation, None]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await memory.transact(said(1, "x"), work)
        assert await take_turn(said(1, "你好"), memory, KNOWLEDGE)  # its id was not kept either
        await memory.close()

    asyncio.run(failing())


def test_unreadable_state_starts_anew() -> None:
    for text in ("", "{", "[]", "null", '{"language": 1}', '{"version": 99}'):
        assert Conversation.load(text) == Conversation()


def test_state_survives_writing() -> None:
    kept = Conversation("vi", True, "vi", Brief("trust", "food", None, "VN", frozenset({"kop"})), 2, ("v1|why",))
    assert Conversation.load(kept.dump()) == kept


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite:////nowhere/at/all.db", "oracle://x", "postgresql://me:hunter2@x/y"]
)
def test_a_bad_address_is_said_plainly(url: str) -> None:
    with pytest.raises(MemoryFault) as caught:
        asyncio.run(SqlMemory.open(url))
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are notes, not a database " * 100, encoding="utf-8")
    with pytest.raises(MemoryFault, match="not a database"):
        asyncio.run(SqlMemory.open(f"sqlite:///{file}"))


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "newer.db"

    async def once() -> None:
        await (await SqlMemory.open(f"sqlite:///{file}")).close()

    asyncio.run(once())
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO migration VALUES (99)")
    connection.close()
    with pytest.raises(MemoryFault):
        asyncio.run(once())


def test_two_programs_do_not_share_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"

    async def both() -> None:
        first = await SqlMemory.open(url)
        with pytest.raises(MemoryFault):
            await SqlMemory.open(url)
        await first.close()
        await (await SqlMemory.open(url)).close()

    asyncio.run(both())
