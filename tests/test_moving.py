"""A conversation that goes on under another name: whole, once, in order, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery import Dropped, Retry
from bot.memory import Busy
from bot.moving import Moves, Moving
from bot.store import Store
from tests import store_scene
from tests.store_scene import Clock, Platform, play, rows, settled

url = store_scene.url
OLD, NEW, OTHER = "tg:-1", "tg:-1001", "tg:7"
MOVING = Moving(lambda old, new: new or old, lambda body, name: f"{body.partition('@')[0]}@{name}")


def test_state_replies_and_dead_letters_move_once_in_order(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(1_000.0)], "y1": [Retry(1_000.0)]}
        await store.submit("e1", OLD, "a b c")
        await store.submit("e2", OLD, "boom")
        await store.submit("e3", OTHER, "y z")
        await platform.came(2)
        await settled(store, 5)
        assert await store.moves.move("e4", OLD, NEW) == "new"
        assert await store.moves.move("e4", OLD, NEW) == "seen"
        assert await store.moves.move("e5", OLD, NEW) == "new"  # told again, in the other chat: nothing is left to move
        # What held the first one back was said of the old chat.
        assert (await platform.came(5))[2:] == [f"a1@{NEW}", f"b1@{NEW}", f"c1@{NEW}"]
        await settled(store, 2)
        assert (await store.export(NEW))["state"] == "1"
        assert [letter["body"] for letter in (await store.export(NEW))["dead"]] == ["boom"]
        assert (await store.export(OLD)) == {"conversation": OLD, "state": None, "at": None, "waiting": [], "dead": []}
        await store.submit("e6", NEW, "d")
        assert (await platform.came(6))[-1] == "d2"
        assert [await store.moves.place_of(name) for name in (OLD, NEW, OTHER)] == [NEW, NEW, OTHER]

    platform = play(url, scene, moving=MOVING, lanes=2)
    assert platform.sent[0].key == platform.sent[2].key
    assert rows(url, "SELECT person FROM conversation ORDER BY person") == [(NEW,), (OTHER,)]
    assert rows(url, "SELECT conversation, body FROM outbox ORDER BY id") == [(OTHER, "y1"), (OTHER, "z1")]


@pytest.mark.parametrize("new_first", [False, True])
def test_replies_of_both_names_are_one_line(url: str, new_first: bool) -> None:
    """What came first under either name goes first, whichever head had a time; and never two at once."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(1_000.0)], "n1": [Retry(1_000.0)]}
        said = [("e1", OLD, "a b"), ("e2", NEW, "n m")]
        for event, name, words in reversed(said) if new_first else said:
            await store.submit(event, name, words)
        await platform.came(2)
        await settled(store, 4)
        await store.moves.move("e3", OLD, NEW)
        assert (await store.export(NEW))["state"] == "1"
        if new_first:
            clock.now += 2_000
        first, second = [f"a1@{NEW}", f"b1@{NEW}"], ["n1", "m1"]
        assert (await platform.came(6))[2:] == ([*second, *first] if new_first else [*first, *second])
        await settled(store)

    assert play(url, scene, moving=MOVING, lanes=2).most <= 2


def test_a_reply_on_its_way_is_waited_for(url: str) -> None:
    """Under the old name: the move waits. Under the new one: what moved waits behind it."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await store.submit("e1", OLD, "a b")
        await store.submit("e2", NEW, "n")
        await platform.came(2)
        moving = asyncio.create_task(store.moves.move("e3", OLD, NEW))
        await store.depth()
        assert not moving.done()
        assert (await store.export(OLD))["state"] == "1"
        platform.gate.set()
        assert await moving == "new"
        assert (await store.export(NEW))["state"] == "1"
        # The next of a line goes as soon as the one before has gone, so this one was still under the old name.
        assert sorted(await platform.came(3)) == ["a1", "b1", "n1"]
        await settled(store)

    play(url, scene, moving=MOVING)


def test_what_moves_waits_behind_what_is_sent_under_the_new_name(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(1_000.0)]}
        await store.submit("e1", OLD, "a b")
        await platform.came(1)
        await settled(store, 2)
        platform.gate.clear()
        await store.submit("e2", NEW, "n")
        await platform.came(2)
        assert await store.moves.move("e3", OLD, NEW) == "new"
        assert platform.bodies == ["a1", "n1"]
        platform.gate.set()
        assert await platform.came(4) == ["a1", "n1", f"a1@{NEW}", f"b1@{NEW}"]
        await settled(store)

    play(url, scene, moving=MOVING)


def test_a_move_that_cannot_be_made_yet_is_told_to_come_again(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await store.submit("e1", OLD, "a")
        await platform.came(1)
        with pytest.raises(Busy):
            await Moves(store.do, MOVING, patience=0.0, tick=0.0).move("e2", OLD, NEW)
        platform.gate.set()
        await settled(store)
        assert await store.moves.move("e2", OLD, NEW) == "new"

    play(url, scene, moving=MOVING)


def test_a_reply_that_learns_of_the_move_takes_the_conversation_along(url: str) -> None:
    """Nobody told of it: the first reply that fails does, and is delivered with all behind it under the new name."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(50.0, "moved", moved_to=NEW)]}
        await store.submit("e1", OLD, "a b")
        assert await platform.came(3) == ["a1", f"a1@{NEW}", f"b1@{NEW}"]
        await settled(store)
        assert (await store.export(NEW))["state"] == "1"
        # Said under the old name all the same, as by the button of an old message.
        platform.answers = {"x1": [Retry(50.0, "moved", moved_to=NEW)]}
        await store.submit("e2", OLD, "x")
        assert (await platform.came(5))[3:] == ["x1", f"x1@{NEW}"]
        await settled(store)
        assert (await store.export(NEW))["state"] == "1"

    platform = play(url, scene, moving=MOVING, lanes=2)
    assert [outgoing.conversation for outgoing in platform.sent] == [OLD, NEW, NEW, OLD, NEW]
    assert rows(url, "SELECT person FROM conversation") == [(NEW,)]


def test_a_move_back_and_on_leaves_no_circle(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.submit("e1", OLD, "a")
        await settled(store)
        assert await store.moves.move(None, OLD, OLD) == "seen"
        for old, new in ((OLD, NEW), (NEW, OTHER), (OTHER, OLD)):
            assert await store.moves.move(None, old, new) == "new"
        assert [await store.moves.place_of(name) for name in (OLD, NEW, OTHER)] == [OLD, OLD, OLD]
        assert (await store.export(OLD))["state"] == "1"

    play(url, scene, moving=MOVING)


def test_who_is_forgotten_came_from_nowhere_and_old_moves_are_purged(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        await store.moves.move(None, OLD, NEW)
        assert await store.moves.moved_here(NEW, 10.0)
        clock.now += 11
        assert not await store.moves.moved_here(NEW, 10.0)
        await store.forget(NEW)
        assert await store.moves.place_of(OLD) == OLD
        await store.moves.move(None, OLD, NEW)
        await store.submit("e1", NEW, "forget")
        assert await store.moves.place_of(OLD) == OLD
        await store.moves.move(None, OLD, OTHER)
        await store.purge(0, clock.now - 1)
        assert await store.moves.place_of(OLD) == OTHER
        await store.purge(0, clock.now + 1)
        assert await store.moves.place_of(OLD) == OLD

    play(url, scene, moving=MOVING)


def test_many_moves_at_once_beside_turns_lose_nothing(url: str) -> None:
    """Both names talk, and both updates tell of the move, all at the same time in several lanes."""

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        names = [(f"tg:-{number}", f"tg:-100{number}") for number in range(12)]
        await asyncio.gather(
            *(store.submit(f"{old} {turn}", old, f"{old}/{turn}/") for old, _ in names for turn in range(4)),
            *(store.moves.move(f"{old} to", old, new) for old, new in names),
            *(store.submit(f"{new} {turn}", new, f"{old}/{turn + 4}/") for old, new in names for turn in range(4)),
            *(store.moves.move(f"{old} from", old, new) for old, new in names),
        )
        await platform.came(12 * 8)
        await settled(store)

    platform = play(url, scene, moving=MOVING, lanes=3)
    said = [body.rpartition("/")[0] for body in platform.bodies]
    assert len(said) == len(set(said)) == 12 * 8
    assert rows(url, "SELECT count(*) FROM outbox") == [(0,)]


def test_a_store_that_was_not_told_moves_nothing(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(5.0, moved_to=NEW)]}
        await store.submit("e1", OLD, "a")
        with pytest.raises(ValueError, match="moves no"):
            await store.moves.move("e2", OLD, NEW)
        await settled(store, 1)
        clock.now += 6
        assert await platform.came(2) == ["a1", "a1"]
        await settled(store)

    play(url, scene)


def test_who_blocked_us_is_sent_nothing_more_and_is_no_dead_letter(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.answers = {"a1": [Retry(1_000.0)], "z1": [Dropped("blocked", unread=True)]}
        await store.submit("e1", OLD, "a b")
        await platform.came(1)
        await settled(store, 2)
        platform.gate.clear()
        await store.submit("e2", OTHER, "z y")
        await platform.came(2)
        assert await store.moves.silence("e3", OLD) == "new"
        assert await store.moves.silence("e3", OLD) == "seen"
        await store.moves.silence("e4", OTHER)
        platform.gate.set()
        await settled(store)
        assert (await store.export(OLD))["state"] == "1"
        await store.submit("e5", OLD, "again")
        assert await platform.came(3) == ["a1", "z1", "again2"]
        platform.answers = {"x2": [Dropped("kicked", unread=True)], "w2": [Dropped("too long")]}
        await store.submit("e6", OTHER, "x w")
        await platform.came(5)
        await settled(store)
        assert [letter.reason for letter in await store.dead()] == ["too long"]

    play(url, scene)
