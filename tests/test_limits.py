"""Limits: who a request counts for, how often it may be refused, and how much one person may have waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.message import Message
from bot.store import Busy
from handlers.limits import CALL, MOST_ADDRESSES, Refusals, fairly
from handlers.peers import client_of, networks
from handlers.settings import Settings, SettingsFault, load_settings

PROXIES = networks("127.0.0.1, ::1, 10.0.0.0/8")


class Clock:
    """Stands still until it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("peer", "forwarded", "counts"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody we know says so
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # what stands before may be invented
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 127.0.0.1"], "6.6.6.6"),
        ("127.0.0.1", ["198.51.100.1:5000"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["[2001:db8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["<script>, 10.2.2.2"], "10.2.2.2"),
        ("127.0.0.1", [", ,"], "127.0.0.1"),
        ("", ["198.51.100.1"], "unknown"),
        (None, [], "unknown"),
    ],
)
def test_who_a_request_counts_for(peer: str | None, forwarded: list[str], counts: str) -> None:
    assert client_of(peer, forwarded, PROXIES) == counts


def test_without_a_setting_no_proxy_is_believed() -> None:
    trusted = networks(Settings().server.trusted_proxies)
    assert client_of("127.0.0.1", ["198.51.100.1"], trusted) == "127.0.0.1"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example.com", "10.0.0.0/99", "10.0.0.1; 10.0.0.2"])
def test_a_wrong_proxy_is_named_at_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOL_ADVISOR_SERVER__TRUSTED_PROXIES", text)
    with pytest.raises(SettingsFault, match=r"server\.trusted_proxies.*write for example"):
        load_settings()


def test_an_address_is_over_its_limit_until_it_has_been_quiet() -> None:
    clock = Clock()
    refusals = Refusals(60, clock)
    assert [refusals.add("a") for _ in range(60)] == [False] * 59 + [True]
    assert refusals.wait("a") == 1
    assert refusals.wait("b") == 0
    clock.now += 1
    assert refusals.wait("a") == 0
    assert not refusals.add("a")  # over again, and told already
    assert refusals.wait("a") == 1
    clock.now += 60
    assert refusals.wait("a") == 0
    assert [refusals.add("a") for _ in range(60)] == [False] * 59 + [True]


def test_however_much_is_refused_it_is_forgiven_within_a_minute() -> None:
    clock = Clock()
    refusals = Refusals(10, clock)
    for _ in range(100_000):
        refusals.add("a")
    assert 0 < refusals.wait("a") <= 60
    clock.now += refusals.wait("a")
    assert refusals.wait("a") == 0


def test_addresses_without_end_take_no_memory_without_end() -> None:
    refusals = Refusals(1, Clock())
    refusals.add("first")
    for number in range(MOST_ADDRESSES):
        assert refusals.wait(str(number)) == 0
        refusals.add(str(number))
    assert refusals.wait(str(MOST_ADDRESSES - 1)) > 0
    assert refusals.wait("first") == 0
    assert len(refusals._buckets) == MOST_ADDRESSES


def test_one_person_has_only_so_much_waiting() -> None:
    async def story() -> None:
        gate, kept = asyncio.Event(), []

        async def submit(message: Message, target: dict[str, object]) -> str:
            await gate.wait()
            kept.append(message.id)
            if message.id == "boom":
                raise ValueError("boom")
            return "new"

        one = fairly(submit, 3)

        def said(id: str, person: str) -> Message:
            return Message(id, person, "x", datetime.now(UTC))

        flood = [asyncio.ensure_future(one(said(f"a{n}", "line:a"), {})) for n in range(5)]
        other = asyncio.ensure_future(one(said("boom", "line:b"), {}))
        await asyncio.wait(flood, timeout=0, return_when=asyncio.FIRST_EXCEPTION)
        gate.set()
        told = await asyncio.gather(*flood, other, return_exceptions=True)
        assert told[:3] == ["new"] * 3
        assert [type(what) for what in told[3:]] == [Busy, Busy, ValueError]
        assert kept == ["a0", "a1", "a2", "boom"]
        # What was sent back is taken once there is room, whatever became of the others.
        assert [await one(said(f"a{n}", "line:a"), {}) for n in (3, 4)] == ["new", "new"]

    asyncio.run(story())


def test_the_messages_of_one_call_wait_together() -> None:
    async def story() -> None:
        async def submit(message: Message, target: dict[str, object]) -> str:
            await asyncio.sleep(0)
            return "new"

        one = fairly(submit, 1)

        async def call(name: str) -> list[str | BaseException]:
            CALL.set(name)
            said = [Message(f"{name}{n}", "line:a", "x", datetime.now(UTC)) for n in range(5)]
            return await asyncio.gather(*(one(message, {}) for message in said), return_exceptions=True)

        first, second = await asyncio.gather(asyncio.create_task(call("a")), asyncio.create_task(call("b")))
        assert first == ["new"] * 5
        assert [type(what) for what in second] == [Busy] * 5
        assert await asyncio.create_task(call("b")) == ["new"] * 5

    asyncio.run(story())
