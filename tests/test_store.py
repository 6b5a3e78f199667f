"""The store: what it promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery import TRIES, Dropped, Retry, back_off
from bot.store import Busy, Store
from tests import store_scene
from tests.store_scene import Clock, Platform, play, settled, work

url = store_scene.url
postgres = store_scene.postgres


def test_an_event_is_answered_once(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        assert await store.submit("e1", "line:a", "hi there") == "new"
        assert await store.submit("e1", "line:a", "hi there") == "seen"
        both = await asyncio.gather(store.submit("e2", "line:a", "x"), store.submit("e2", "line:a", "x"))
        assert sorted(both) == ["new", "seen"]
        assert await platform.came(3) == ["hi1", "there1", "x2"]
        await settled(store)
        assert (await store.export("line:a"))["state"] == "2"

    platform = play(url, scene)
    assert len({outgoing.key for outgoing in platform.sent}) == 3
    assert all(outgoing.tries == 0 and outgoing.at == 1_000_000.0 for outgoing in platform.sent)


def test_turns_of_one_batch_see_each_other_and_keep_their_order(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        names = ("line:a", "telegram:b", "line:c")
        await asyncio.gather(*(store.submit(f"{name}{n}", name, "m") for n in range(60) for name in names))
        await platform.came(180)
        await settled(store)
        for name in names:
            mine = [outgoing.body for outgoing in platform.sent if outgoing.conversation == name]
            assert mine == [f"m{n}" for n in range(1, 61)]

    play(url, scene, lanes=2)


def test_what_cannot_be_answered_blocks_nobody(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        asked = ["a", "boom", "nul", "half", "b"]
        told = await asyncio.gather(*(store.submit(f"e{n}", "line:a", said) for n, said in enumerate(asked)))
        assert told == ["new"] * 5
        assert await platform.came(2) == ["a1", "b2"]
        letters = list(reversed(await store.dead()))
        assert [(letter.kind, letter.key, letter.body) for letter in letters] == [
            ("event", "e1", "boom"), ("event", "e2", "nul"), ("event", "e3", "half")
        ]  # fmt: skip
        assert letters[0].reason.startswith("ValueError in work, line ")
        assert await store.submit("e1", "line:a", "boom") == "seen"
        with pytest.raises(ValueError, match="NUL"):
            await store.submit("e\0", "line:a", "x")
        await store.submit("e9", "line:a", "nul \0 \ud800")
        await settled(store)

    play(url, scene)


def test_a_retry_waits_its_time_and_keeps_the_order(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(100.0, "429"), Retry(100.0)]}
        await store.submit("e1", "line:a", "a b")
        await platform.came(1)
        await store.submit("e2", "line:z", "other")
        await platform.came(2)
        await settled(store, 2)
        clock.now += 99
        await store.submit("e3", "line:z", "more")
        assert await platform.came(3) == ["a1", "other1", "more2"]
        clock.now += 2
        await platform.came(4)
        await settled(store, 2)
        clock.now += 101
        assert (await platform.came(6))[3:] == ["a1", "a1", "b1"]
        assert [outgoing.tries for outgoing in platform.sent if outgoing.body == "a1"] == [0, 1, 2]
        assert len({outgoing.key for outgoing in platform.sent if outgoing.body == "a1"}) == 1

    play(url, scene)


def test_a_global_429_lets_a_whole_platform_wait_and_no_other(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(60.0, "429", everyone=True)]}
        await store.submit("e1", "telegram:a", "a")
        await platform.came(1)
        await settled(store, 1)
        await store.submit("e2", "telegram:b", "b c")
        await store.submit("e3", "line:c", "d")
        assert await platform.came(2) == ["a1", "d1"]
        await settled(store, 3)
        clock.now += 61
        assert sorted((await platform.came(5))[2:]) == ["a1", "b1", "c1"]
        assert all(outgoing.tries == 0 for outgoing in platform.sent)

    play(url, scene)


def test_what_cannot_be_delivered_lets_the_next_pass(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Dropped("blocked by the person")]}
        await store.submit("e1", "line:a", "a b")
        assert await platform.came(2) == ["a1", "b1"]
        await settled(store)
        [letter] = await store.dead()
        assert (letter.kind, letter.body, letter.reason) == ("reply", "a1", "blocked by the person")
        assert letter.key == platform.sent[0].key

    play(url, scene)


def test_a_reply_that_always_fails_is_given_up(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [RuntimeError("token 12345")] * TRIES}
        await store.submit("e1", "line:a", "a b")
        for tried in range(1, TRIES + 1):
            await platform.came(tried)
            if tried < TRIES:
                await settled(store, 2)
                clock.now += back_off(tried, platform.sent[0].key) + 0.1
        assert (await platform.came(TRIES + 1))[-1] == "b1"
        [letter] = await store.dead()
        assert letter.reason == f"given up after {TRIES} tries: RuntimeError"

    play(url, scene)


def test_a_full_inbox_says_so(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        told = await asyncio.gather(*(store.submit(f"e{n}", "line:a", "x") for n in range(5)), return_exceptions=True)
        assert told[:2] == ["new", "new"]
        assert all(isinstance(found, Busy) for found in told[2:])
        assert await store.submit("e9", "line:a", "x") == "new"
        await settled(store)

    play(url, scene, waiting=2)


def test_only_so_many_are_sent_at_a_time(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await asyncio.gather(*(store.submit(f"e{n}", f"line:{n}", "x y") for n in range(20)))
        await platform.came(3)
        assert (await store.depth()).sending == 3
        platform.gate.set()
        await platform.came(40)
        await settled(store)
        assert platform.most == 3

    play(url, scene, in_flight=3)


def test_a_turn_whose_answer_is_returned(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        def count(state: str | None) -> tuple[str | None, str]:
            return str(int(state or 0) + 1), f"was {state}"

        def fail(_: str | None) -> tuple[str | None, str]:
            raise ZeroDivisionError

        assert await store.transact("e1", "local:a", count) == "was None"
        assert await store.transact("e1", "local:a", count) is None
        with pytest.raises(ZeroDivisionError):
            await store.transact("e2", "local:a", fail)
        assert await store.transact("e2", "local:a", count) == "was 1"
        assert await store.transact("e3", "local:a", lambda _: (None, "gone")) == "gone"
        assert (await store.export("local:a"))["state"] is None

    play(url, scene)


def test_replicas_share_the_work_and_take_over_from_a_dead_one(postgres: str) -> None:
    """Leases keep them apart; what a replica cannot finish is sent by another when its lease ends."""

    async def whole() -> None:
        clock, hanging, well = Clock(), Platform(), Platform()
        dead = Store(postgres, work, hanging.send, owner="a", clock=clock, tick=0.005, lease=30)
        other = Store(postgres, work, well.send, owner="b", clock=clock, tick=0.005, lease=30, lanes=2)
        await asyncio.gather(dead.start(), other.start())
        hanging.gate.clear()
        await dead.submit("e1", "line:a", "a b")
        await hanging.came(1)
        assert await other.submit("e1", "line:a", "a b") == "seen"
        assert await other.submit("e2", "line:a", "c") == "new"
        await settled(other, 3)
        assert well.bodies == []
        clock.now += 31
        assert await well.came(3) == ["a1", "b1", "c2"]
        assert well.sent[0].key == hanging.sent[0].key
        assert [outgoing.tries for outgoing in well.sent] == [1, 0, 0]
        await settled(other)
        hanging.gate.set()  # its answer comes too late to count
        await settled(dead)
        await asyncio.gather(dead.stop(5), other.stop(5))

    asyncio.run(whole())


def test_first_contact_on_two_replicas_at_once(postgres: str) -> None:
    """Everybody new, everybody on both: no turn is lost or done twice, and none deadlocks."""

    async def whole() -> None:
        platform = Platform()
        stores = [Store(postgres, work, platform.send, owner=name, lanes=2, tick=0.005) for name in "ab"]
        await asyncio.gather(*(store.start() for store in stores))
        names = [f"line:{n}" for n in range(40)]
        told = await asyncio.gather(
            *(store.submit(f"{n}{name}", name, "x") for n in range(5) for name in names for store in stores)
        )
        assert told.count("new") == told.count("seen") == 200
        await asyncio.gather(*(settled(store) for store in stores))
        await settled(stores[0])
        for name in names:
            mine = [outgoing.body for outgoing in platform.sent if outgoing.conversation == name]
            assert mine == [f"x{n}" for n in range(1, 6)]
        await asyncio.gather(*(store.stop(5) for store in stores))

    asyncio.run(whole())
