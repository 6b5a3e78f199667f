"""The store's chores: it stops, starts again, forgets, exports and purges."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa

from bot.database import open_database
from bot.delivery import TRIES, Dropped, Outgoing, Pauses, Retry
from bot.outbox import Handed, Terms, take
from bot.store import Busy, Store
from bot.store_chores import take_up
from bot.store_tables import migrate, outbox
from tests import store_scene
from tests.store_scene import Clock, Platform, play, rows, settled, work

url = store_scene.url


def test_stopping_finishes_sends_and_hands_back_the_rest(url: str) -> None:
    """A send that hangs is cut off; the next start sends the same reply with the same key, then what follows."""
    seen: list[Outgoing] = []

    async def whole() -> None:
        first, clock = Platform(), Clock()
        store = Store(url, work, first.send, owner="a", clock=clock, tick=0.005)
        await store.start()
        first.gate.clear()
        await store.submit("e1", "line:a", "a b")
        await first.came(1)
        await store.stop(0)
        assert first.now == 0
        assert store.fault
        with pytest.raises(Busy):
            await store.submit("e2", "line:a", "c")
        await store.stop(0)
        second = Platform()
        clock.now += 1
        store = Store(url, work, second.send, owner="b", clock=clock, tick=0.005)
        await store.start()
        assert await store.submit("e1", "line:a", "a b") == "seen"
        assert await second.came(2) == ["a1", "b1"]
        await settled(store)
        await store.stop(5)
        seen.extend([first.sent[0], second.sent[0]])

    asyncio.run(whole())
    assert seen[0].key == seen[1].key
    assert [outgoing.tries for outgoing in seen] == [0, 1]


def test_a_stop_waits_for_what_is_being_sent(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await store.submit("e1", "line:a", "a b")
        await platform.came(1)
        stopping = asyncio.create_task(store.stop(30))
        await asyncio.sleep(0)
        platform.gate.set()
        await stopping

    assert play(url, scene).bodies == ["a1"]
    assert rows(url, "SELECT body, tries, owner FROM outbox") == [("b1", 0, None)]


def test_a_turn_may_forget_its_conversation(url: str) -> None:
    """What is being sent is not sent again, what waits is gone, and the last word is still said."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        platform.answers = {"a1": [Retry(1.0)]}
        await store.submit("e1", "line:a", "a b c")
        await store.submit("e2", "line:a", "boom")
        await platform.came(1)
        await asyncio.gather(store.submit("e3", "line:a", "x"), store.submit("e4", "line:a", "forget"))
        assert await store.dead() == []
        platform.gate.set()
        assert await platform.came(2) == ["a1", "forgotten"]
        await settled(store)
        assert (await store.export("line:a")) == {
            "conversation": "line:a", "state": None, "at": None, "waiting": [], "dead": []
        }  # fmt: skip
        await store.submit("e5", "line:a", "x")
        assert (await platform.came(3))[-1] == "x1"
        await settled(store)
        await store.submit("e6", "line:a", "forget")
        await settled(store)

    play(url, scene)
    assert rows(url, "SELECT person FROM conversation") == []


def test_forgetting_and_exporting_from_outside(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.forget("line:nobody")
        platform.gate.clear()
        platform.answers = {"a1": [Dropped("blocked")]}
        await store.submit("e1", "line:a", "a b")
        await store.submit("e2", "line:a", "boom")
        await store.submit("e3", "line:z", "z")
        await platform.came(2)
        kept = await store.export("line:a")
        assert json.loads(json.dumps(kept)) == kept
        assert kept["state"] == "1"
        assert [reply["body"] for reply in kept["waiting"]] == ["a1", "b1"]
        assert [letter["body"] for letter in kept["dead"]] == ["boom"]
        await store.forget("line:a")
        platform.gate.set()
        await settled(store)
        assert await store.dead() == []
        assert (await store.export("line:z"))["state"] == "1"

    assert sorted(play(url, scene).bodies) == ["a1", "z1"]
    assert rows(url, "SELECT person FROM conversation") == [("line:z",)]


def test_purging_keeps_what_is_young_or_on_the_way(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store_chores.STEP", 7)

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"wait1": [Retry(10_000_000.0)]}
        await asyncio.gather(*(store.submit(f"old{n}", f"line:{n}", "x") for n in range(30)))
        await store.submit("boom", "line:a", "boom")
        await store.submit("wait", "line:w", "wait")
        await platform.came(31)
        await settled(store, 1)
        clock.now += 1000
        await store.submit("young", "line:5", "x")
        await platform.came(32)
        await settled(store, 1)
        assert await store.purge(clock.now - 2000) == 0
        assert await store.purge(clock.now - 500) == 32
        assert await store.submit("young", "line:5", "x") == "seen"
        assert await store.purge(clock.now - 500, clock.now - 500) == 1 + 29
        assert (await store.export("line:5"))["state"] == "2"
        assert (await store.export("line:w"))["state"] == "1"
        assert await store.submit("old1", "line:1", "x") == "new"

    play(url, scene)


def test_kills_are_no_failed_tries(url: str) -> None:
    """However often a process dies with a reply in hand, the platform's first failure is the first."""
    engine = open_database(url)
    with engine.begin() as connection:
        migrate(connection, 0.0)
        row = {"conversation": "line:a", "key": "k", "body": "x", "at": 0.0, "tries": 0, "due": 1.0, "owner": "a/0"}
        connection.execute(sa.insert(outbox), row | {"erase": 0})
        for _ in range(TRIES + 2):
            take_up(connection, "a", 5.0)
            terms = Terms("a/0", 30.0, Pauses(), 8, frozenset(), take=True)
            take(connection, 5.0, terms, Handed())  # taken up by the next start
            take(connection, 90.0, terms, done := Handed())  # or by another, after the lease
            assert [leased.outgoing.tries for leased in done.leased] == [1]
    engine.dispose()
