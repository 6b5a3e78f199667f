"""Security: nobody but the platforms is heard, nothing twice, and nobody floods; over real HTTP."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from tests.besieged import HELLO, SECRET, SIGNED, TRIES, WORD, WORD_HEADER, Place, body_of, delivered, play
from tests.raw_http import ask, line_to, request, signature
from tests.test_serving import text_event, until, update

MEGABYTE = 1_000_000


UNSIGNED: list[list[str]] = [
    [],
    ["X-Line-Signature:"],
    ["X-Line-Signature: AAAA"],
    [signature(HELLO, "another secret")],
    [signature(HELLO + b" ", SECRET)],
    [SIGNED[:-2]],
    [SIGNED.swapcase()],
    [SIGNED + "="],
    [SIGNED, SIGNED],  # whom to believe is not decided by order
    [SIGNED, signature(HELLO, "another secret")],
    [signature(HELLO, "another secret"), SIGNED],
    ["X-Line-Signature: " + "ä" * 44],
    ["X-Line-Signature: " + "\udcff" * 44],
    [f"X-Line-Signature: {SECRET:=<44}"],
    [WORD_HEADER],
]
NAME = "X-Telegram-Bot-Api-Secret-Token: "
UNKNOWN: list[list[str]] = [
    *([NAME + word] for word in ("", "wrong", WORD[:-1], WORD + "x", WORD.upper(), "\udcff", f"{WORD}, {WORD}")),
    [],
    [WORD_HEADER, WORD_HEADER],
    [SIGNED],
]


def test_nobody_is_heard_but_the_platforms(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for headers in UNSIGNED:
            answer = await ask(place.now.address, request("/line", HELLO, *headers))
            assert (answer.status, answer.text) == (401, "signature missing or wrong"), headers
        raw = json.dumps(update(1, 7, "hello")).encode()
        for headers in UNKNOWN:
            answer = await ask(place.now.address, request("/telegram", raw, *headers))
            assert (answer.status, answer.text) == (401, "secret token missing or wrong"), headers
        for who in ("line:Uanna", "tg:7"):
            assert (await place.now.store.export(who))["state"] is None
        assert place.line.seen == place.telegram.sent == []

    play(tmp_path, caplog, story)


def test_a_body_cut_short_is_not_what_was_signed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        answer = await ask(place.now.address, request("/line", HELLO[:-1], SIGNED))
        assert answer.status == 401
        async with line_to(place.now.address) as line:  # gone in the middle of it
            await line.say(request("/line", HELLO, SIGNED)[:-10])
        broken = request("/line", b"", SIGNED, "Transfer-Encoding: chunked", length=False) + b"5\r\nhe"
        async with line_to(place.now.address) as line:
            await line.say(broken)
        answer = await ask(place.now.address, broken + b"XXXXXXX\r\n")
        assert answer.status in (0, 400)
        assert (await place.now.store.export("line:Uanna"))["state"] is None

    play(tmp_path, caplog, story)


def test_a_replay_is_answered_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        raw = body_of(text_event(1, "Uanna", "預算30萬", place.line.issue("Uanna")))
        more = body_of(text_event(2, "Uanna", "再加10萬", place.line.issue("Uanna")))
        tap = json.dumps(update(1, 7, "/start")).encode()
        for one in (raw, more):
            await delivered(place.post_line, one)
        assert (await place.post_telegram(tap)).status == 200
        await place.settled()
        reached = (len(place.line.seen), len(place.telegram.sent))
        assert reached[0] == 2
        assert reached[1] > 0
        kept = await place.now.store.export("line:Uanna")
        for _ in range(20):
            for one in (more, raw):
                await delivered(place.post_line, one)
            assert (await place.post_telegram(tap)).status == 200
        await place.settled()
        assert await place.now.store.export("line:Uanna") == kept
        assert (len(place.line.seen), len(place.telegram.sent)) == reached

    play(tmp_path, caplog, story)


def test_forgers_are_told_to_wait_and_the_platform_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All come from one address here, as behind a proxy that nobody declared."""

    async def story(place: Place) -> None:
        forged = request("/line", HELLO, signature(HELLO, "another secret"))
        for number in range(10, 20):  # what is signed does not count
            await delivered(place.post_telegram, json.dumps(update(number, 7, "hello")).encode())
        assert [(await ask(place.now.address, forged)).status for _ in range(5)] == [401] * 5
        for raw in (forged, request("/line", HELLO), request("/telegram", HELLO, "X-Telegram-Bot-Api-Secret-Token: x")):
            answer = await ask(place.now.address, raw)
            assert answer.status == 429
            assert 0 < int(answer.headers["retry-after"]) <= 60
        async with line_to(place.now.address) as line:  # the answer does not wait for the body
            await line.say(request("/line", b"", "X-Line-Signature: x", "Content-Length: 900000", length=False))
            answer = await line.answer()
            assert (answer.status, answer.headers["connection"]) == (429, "close")
        for number in range(20):  # however long the platform's signed requests go on
            raw = body_of(text_event(number, "Uanna", "你好", place.line.issue("Uanna")))
            await delivered(place.post_line, raw)
            await delivered(place.post_telegram, json.dumps(update(number, 7, "hello")).encode())
        assert (await ask(place.now.address, forged)).status == 429

    play(tmp_path, caplog, story, refused_per_minute=5)
    told = [one.getMessage() for one in caplog.records if "keeps sending" in one.getMessage()]
    assert len(told) == 1
    assert "127.0.0.1 keeps sending" in told[0]
    assert "trusted_proxies" in told[0]


def test_what_the_head_shows_is_answered_before_the_body(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for status, path, header in (
            (401, "/line", "X-Line-Signature: x"),
            (401, "/telegram", "X-Telegram-Bot-Api-Secret-Token: x"),
            (413, "/line", SIGNED),
            (413, "/telegram", WORD_HEADER),
        ):
            length = 2 * MEGABYTE if status == 413 else MEGABYTE
            async with line_to(place.now.address) as line:
                await line.say(request(path, b"", header, f"Content-Length: {length}", length=False))
                answer = await line.answer()
                assert (answer.status, answer.headers["connection"]) == (status, "close")
                assert await line.closed()

    play(tmp_path, caplog, story, body_seconds=3600.0)


def test_who_breaks_off_counts_as_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for _ in range(3):
            async with line_to(place.now.address) as line:
                await line.say(request("/line", HELLO, signature(HELLO, "another secret"))[:-10])
                await line.half_closed()
        for _ in range(TRIES):  # until the last of them has been noticed
            answer = await ask(place.now.address, request("/nowhere"))
            assert answer.status == 404
        assert (await ask(place.now.address, request("/line", HELLO))).status == 429

    play(tmp_path, caplog, story, refused_per_minute=3)


def test_behind_a_declared_proxy_each_address_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(place: Place) -> None:
        def forged(*forwarded: str) -> bytes:
            return request("/line", HELLO, *(f"X-Forwarded-For: {one}" for one in forwarded))

        for number in range(5):
            # What the forger claims to be stands before what the proxy adds.
            assert (await ask(place.now.address, forged(f"9.9.9.{number}", "198.51.100.1"))).status == 401
        assert (await ask(place.now.address, forged("9.9.9.77", "198.51.100.1"))).status == 429
        assert (await ask(place.now.address, forged("198.51.100.2"))).status == 401

    play(tmp_path, caplog, story, refused_per_minute=5, proxies="127.0.0.0/8")


def test_behind_an_undeclared_proxy_nobody_chooses_an_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        told = [
            (await ask(place.now.address, request("/line", HELLO, f"X-Forwarded-For: 9.9.9.{number}"))).status
            for number in range(7)
        ]
        assert told == [401] * 5 + [429] * 2

    play(tmp_path, caplog, story, refused_per_minute=5)


def test_a_persons_flood_leaves_room_for_everybody_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the database is slow, only so many calls of one person wait; the others are delivered again."""

    async def story(place: Place) -> None:
        blocker = sqlite3.connect(tmp_path / "kept.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        bodies = [json.dumps(update(number, 7, "hello")).encode() for number in range(30)]
        flood = [asyncio.create_task(place.post_telegram(raw)) for raw in bodies]
        while sum(task.done() for task in flood) < 20:
            await asyncio.sleep(0)
        other = asyncio.create_task(place.post_telegram(json.dumps(update(100, 8, "hello")).encode()))
        blocker.execute("ROLLBACK")
        blocker.close()
        assert (await other).status == 200
        told = [await task for task in flood]
        assert sorted(answer.status for answer in told) == [200] * 10 + [503] * 20
        assert all(answer.headers["retry-after"] == "2" for answer in told if answer.status == 503)
        assert [(await place.post_telegram(raw)).status for raw in bodies] == [200] * 30
        await until(lambda: bool(place.told(8)))

    play(tmp_path, caplog, story, waiting_per_person=10)


def test_one_call_may_bring_more_of_a_person_than_may_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Else LINE would deliver it again and again, and never come to the end of it."""

    async def story(place: Place) -> None:
        events = [text_event(n, "Uflood", "你好", place.line.issue("Uflood")) for n in range(30)]
        await delivered(place.post_line, body_of(*events))
        await until(lambda: len(place.line.seen) >= 30)

    play(tmp_path, caplog, story, waiting_per_person=2)
