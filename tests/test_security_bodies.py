"""Security: bodies, texts, paths and HTTP of every odd kind, against the running program."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from handlers.guard import LARGE_AT_ONCE, LARGE_BYTES
from tests.besieged import HELLO, SECRET, SIGNED, WORD_HEADER, Place, body_of, delivered, play
from tests.raw_http import Answer, ask, chunked, line_to, request, signature
from tests.test_serving import text_event, until, update

MEGABYTE = 1_000_000


def test_ten_megabytes_are_refused_and_not_read_into_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = b"x" * (10 * MEGABYTE)
    in_chunks = chunked(whole)
    signed = signature(whole, SECRET)

    async def story(place: Place) -> None:
        for path, header in (("/line", signed), ("/telegram", WORD_HEADER)):
            for raw in (
                request(path, whole, header),
                request(path, b"", header, "Transfer-Encoding: chunked", length=False) + in_chunks,
            ):
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                answer = await ask(place.now.address, raw)
                grown = tracemalloc.get_traced_memory()[1] - before
                assert (answer.status, answer.text) == (413, "the body is larger than 1000000 bytes")
                # The test's own copy on its way out is in here too, as far as the system does not take it at once.
                assert grown < len(raw) + 3 * MEGABYTE
            beyond = request(path, b"", header, f"Content-Length: {10**30}", length=False)
            assert (await ask(place.now.address, beyond)).status == 400

    tracemalloc.start()
    try:
        play(tmp_path, caplog, story)
    finally:
        tracemalloc.stop()


def test_only_so_many_large_bodies_are_held_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    large = b"x" * (LARGE_BYTES * 2)

    async def story(place: Place) -> None:
        async with asyncio.TaskGroup() as group:
            done = asyncio.Event()
            inside = asyncio.Semaphore(0)

            async def hold() -> None:
                async with line_to(place.now.address) as line:
                    await line.say(request("/line", large, signature(large, "another secret"))[:-1])
                    inside.release()
                    await done.wait()

            for _ in range(LARGE_AT_ONCE):
                group.create_task(hold())
            for _ in range(LARGE_AT_ONCE):
                await inside.acquire()
            whole = request("/line", large, signature(large, "another secret"))
            told: Answer | None = None
            for _ in range(1000):  # until the last of them has come that far
                told = await ask(place.now.address, whole)
                if told.status == 503:
                    break
            assert told is not None
            assert (told.status, told.headers["retry-after"]) == (503, "2")
            await delivered(place.post_line, HELLO)  # what is small goes by
            done.set()

    play(tmp_path, caplog, story)


DEEP = 100_000
ODD: dict[str, bytes] = {
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep lists, open": b"[" * DEEP,
    "deep objects": b'{"e":' * DEEP + b"[]" + b"}" * DEEP,
    "deep inside an event": b'{"events": [{"type": "message", "source": ' + b"[" * DEEP + b"]" * DEEP + b"}]}",
    "a number of 5,000 digits": b'{"update_id": ' + b"9" * 5000 + b', "events": [' + b"9" * 5000 + b"]}",
    "a number beyond any": b'{"update_id": 1e999, "events": [{"timestamp": 1e999, "type": "message"}]}',
    "no number": b'{"update_id": NaN, "events": [{"timestamp": -Infinity}]}',
    "lone surrogates": b'{"update_id": 5, "events": [{"type": "\\ud800", "webhookEventId": "\\udfff"}], "\\ud801": 1}',
    "nul": b'{"update_id": 6, "events": [{"type": "message\\u0000"}]}\x00',
    "no utf-8": b'{"update_id": 7, "events": ["\xff\xfe\x80"]}',
    "utf-16": '{"update_id": 8, "events": []}'.encode("utf-16"),
    "a mark in front": b'\xef\xbb\xbf{"update_id": 9, "events": []}',
    "twice the same key": b'{"events": [1], "events": [], "update_id": 1, "update_id": 2}',
    "nothing": b"",
    "a word": b"hello",
    "null": b"null",
    "many empty lists": b'{"events": [' + b"[]," * 300_000 + b"[]]}",
}


def test_odd_bodies_are_answered_plainly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for name, body in ODD.items():
            assert (await place.post_line(body)).status in (200, 400), name
            assert (await place.post_telegram(body)).status in (200, 400), name

    play(tmp_path, caplog, story)


def odd_texts() -> list[str]:
    return ["a\x00b", "\ud800", "x" * 5000, "9" * 5000, "\u202e" * 5000, "e\u0301" * 2500, "👩‍👩‍👧" * 600, "/" * 5000]


def test_odd_texts_are_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Signed by the platform, so somebody wrote them: each is answered like anything else."""

    async def story(place: Place) -> None:
        for number, text in enumerate(odd_texts()):
            event = text_event(number, f"U{number}", text, place.line.issue(f"U{number}"))
            await delivered(place.post_line, body_of(event))
            await delivered(place.post_telegram, json.dumps(update(number + 1, number + 1, text)).encode())
        await until(lambda: len({one.to for one in place.line.seen}) == len(odd_texts()))
        await until(lambda: all(place.told(number + 1) for number in range(len(odd_texts()))))
        assert await place.now.store.dead() == []

    play(tmp_path, caplog, story)


ASTRAY = [
    *((405, method, path) for path in ("/line", "/telegram") for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE")),
    *((404, "POST", path) for path in ("/", "/line/", "/LINE", "//line", "/%00", "/line%2f", "/healthz")),
    (400, "POST", "*"),
    *((404, "GET", path) for path in ("/", "/readyz", "/healthz", "/metrics", "/.env", "/../../etc/passwd")),
]


def test_wrong_ways_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for status, method, path in ASTRAY:
            raw = request(path, HELLO, SIGNED, WORD_HEADER, method=method)
            assert (await ask(place.now.address, raw)).status == status, (method, path)
        assert place.line.seen == []

    play(tmp_path, caplog, story)


NO_HTTP: dict[str, bytes] = {
    "a long line": request("/line?" + "x" * 100_000, HELLO, SIGNED),
    "a long header": request("/line", HELLO, "X-Bomb: " + "x" * 100_000, SIGNED),
    "a long name": request("/line", HELLO, "x" * 100_000 + ": 1", SIGNED),
    "many headers": request("/line", HELLO, *(f"X-{number}: 1" for number in range(10_000)), SIGNED),
    "two lengths": request("/line", HELLO, "Content-Length: 1", SIGNED),
    "length and chunks": request("/line", HELLO, "Transfer-Encoding: chunked", SIGNED),
    "a length below nothing": request("/line", b"", "Content-Length: -5", SIGNED, length=False),
    "a length that is none": request("/line", b"", "Content-Length: 0x10", SIGNED, length=False),
    "a folded header": request("/line", HELLO, "X-A: 1\r\n folded", SIGNED),
    "nul in a header": request("/line", HELLO, "X-A: a\x00b", SIGNED),
    "no colon": request("/line", HELLO, "nonsense", SIGNED),
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
    "words": b"hello there\r\n\r\n",
    "an old version": b"POST /line HTTP/0.9\r\n\r\n",
    "a version to come": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two hosts": request("/line", HELLO, "Host: other.invalid", SIGNED),
    "a method of its own": request("/line", HELLO, SIGNED, method="G\x01T"),
}


def test_what_is_no_good_http_is_refused_and_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(place: Place) -> None:
        for name, raw in NO_HTTP.items():
            assert (await ask(place.now.address, raw)).status in (0, 400, 401), name
            async with line_to(place.now.address) as line:  # as the second on a connection, where aiohttp is louder
                await line.say(request("/nowhere"))
                assert (await line.answer()).status == 404
                await line.say(raw)
                assert (await line.answer()).status in (0, 400, 401), name

    play(tmp_path, caplog, story)


def test_a_compressed_body_is_not_blown_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bomb = gzip.compress(b"[" * 50 * MEGABYTE)

    async def story(place: Place) -> None:
        packed = "Content-Encoding: gzip"
        assert len(bomb) < MEGABYTE
        answer = await ask(place.now.address, request("/line", bomb, signature(bomb, SECRET), packed))
        assert (answer.status, answer.text) == (400, "the body is no JSON")
        assert (await ask(place.now.address, request("/telegram", bomb, WORD_HEADER, packed))).status == 400

    play(tmp_path, caplog, story)
