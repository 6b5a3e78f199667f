"""The store erases one message's text on demand, and notes names that outlive a restart; on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from bot.memory import MemoryFault
from bot.store import Store
from tests import store_scene
from tests.store_scene import Clock, Platform, play, rows, settled

url = store_scene.url


def work(state: str | None, payload: str) -> tuple[str | None, tuple[str, ...]]:
    """Count what is heard; `boom` fails, `taken back` is not answered and keeps what there was."""
    if "boom" in payload:
        raise ValueError("the person's secret")
    if payload == "taken back":
        return state, ()
    return str(int(state or 0) + 1), (payload,)


async def store_at(url: str, clock: Clock, owner: str = "a") -> tuple[Store, Platform]:
    platform = Platform()
    store = Store(url, work, platform.send, owner=owner, clock=clock, tick=0.005, lanes=2)
    await store.start()
    return store, platform


async def letters(store: Store) -> list[str]:
    return sorted(letter.body for letter in await store.dead())


def test_an_unsent_message_leaves_the_dead_letters_and_nothing_else_does(url: str) -> None:
    async def scene() -> None:
        store, platform = await store_at(url, Clock())
        await store.submit("e1", "line:a", 'boom "ref": "1"')
        await store.submit("e2", "line:a", 'boom "ref": "12"')
        await store.submit("e3", "line:b", 'boom "ref": "1"')
        await store.submit("e4", "line:a", "hello")
        assert await store.submit("u1", "line:a", "taken back", erases='"ref": "1"') == "new"
        assert await letters(store) == ['boom "ref": "1"', 'boom "ref": "12"']
        assert await store.submit("u1", "line:a", "taken back", erases='"ref": "12"') == "seen"
        assert len(await letters(store)) == 2, "an event is taken once"
        assert (await store.export("line:a"))["state"] == "1"
        assert await platform.came(1) == ["hello"]
        await settled(store)
        await store.stop(5)

    asyncio.run(scene())
    assert rows(url, "SELECT conversation, key FROM dead ORDER BY key") == [("line:a", "e2"), ("line:b", "e3")]


def test_a_message_and_its_unsending_in_one_commit(url: str) -> None:
    async def scene() -> None:
        store, _ = await store_at(url, Clock())
        told = await asyncio.gather(
            store.submit("e1", "line:a", 'boom "ref": "1"'),
            store.submit("e2", "line:a", 'boom "ref": "2"'),
            store.submit("u1", "line:a", "taken back", erases='"ref": "1"'),
            store.submit("e3", "line:b", 'boom "ref": "1"'),
        )
        assert told == ["new"] * 4
        assert await letters(store) == ['boom "ref": "1"', 'boom "ref": "2"']
        await store.stop(5)

    asyncio.run(scene())
    assert rows(url, "SELECT conversation, key FROM dead ORDER BY key") == [("line:a", "e2"), ("line:b", "e3")]


def test_signs_that_a_pattern_would_take_for_others_are_themselves(url: str) -> None:
    async def scene() -> None:
        store, _ = await store_at(url, Clock())
        for number, text in enumerate(("boom a_c", "boom abc", "boom a%c", "boom A_C")):
            await store.submit(f"e{number}", "line:a", text)
        await store.submit("u1", "line:a", "taken back", erases="a_c")
        assert await letters(store) == ["boom A_C", "boom a%c", "boom abc"]
        await store.stop(5)

    asyncio.run(scene())


def test_unsending_to_somebody_unknown_forgets_nothing(url: str) -> None:
    """A farewell that waits is still said, and no row stays behind."""

    async def scene() -> None:
        clock = Clock()
        store, platform = await store_at(url, clock)
        platform.gate.clear()
        await store.submit("e1", "line:a", "bye")
        await platform.came(1)
        await store.submit("e2", "line:a", 'boom "ref": "2"')
        await store.submit("u1", "line:z", "taken back", erases='"ref": "1"')
        await store.submit("u2", "line:a", "taken back", erases='"ref": "1"')
        assert len(await letters(store)) == 1
        platform.gate.set()
        await settled(store)
        await store.stop(5)

    asyncio.run(scene())
    assert rows(url, "SELECT person FROM conversation") == [("line:a",)]


def test_noted_names_are_known_after_a_restart_and_to_others(url: str) -> None:
    async def scene() -> None:
        clock = Clock()
        store, _ = await store_at(url, clock)
        await store.note(["line:sent:1", "line:sent:2"])
        await store.note(["line:sent:2"])
        await store.note([])
        assert await store.noted("line:sent:2")
        assert not await store.noted("line:sent:3")
        assert await store.submit("line:1", "line:a", "hello") == "new"
        await store.stop(5)
        store, _ = await store_at(url, clock, "b")
        assert await store.noted("line:sent:1")
        clock.now += 100
        await store.note(["line:sent:4"])
        await store.purge(clock.now - 50)
        assert not await store.noted("line:sent:1")
        assert await store.noted("line:sent:4")
        with pytest.raises(ValueError, match="NUL"):
            await store.note(["\0"])
        await store.stop(5)
        with pytest.raises(MemoryFault):
            await store.note(["line:sent:5"])

    asyncio.run(scene())


def test_without_erasing_a_turn_that_keeps_nothing_forgets(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.submit("e1", "line:a", "boom")
        await store.submit("e2", "line:a", "forget")
        assert await store.dead() == []
        await settled(store)

    play(url, scene)
