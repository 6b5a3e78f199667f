"""20,000 mangled webhook bodies: none is a fault, none shows anybody what is another's, and talk goes on after them."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dead_letter import storable
from handlers import line, telegram
from handlers.exchange import message_of, payload_of, work_of
from handlers.incoming import line_message, telegram_message
from knowledge.load import shipped
from tests.besieged import SECRET, WORD, Place, assert_quiet, besieged, body_of, delivered
from tests.line_posts import sign
from tests.mangled import bodies_of, mangled
from tests.test_serving import text_event, until, update

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
BATCH, LINE_BATCHES, TELEGRAM_BATCHES = 20, 400, 500  # bodies of one example, and examples: 18,000
OVER_HTTP = 1_000  # for each of the two platforms: 2,000
AT_ONCE = 32
LINE_BODIES, TELEGRAM_BODIES = bodies_of("line"), bodies_of("telegram")
ANSWERS = {"OK", "nothing to do", "the body is no JSON", "the body has no list of events", "not JSON"}
OF_ANOTHER = "7,654,321"


class Kept:
    """What the store would keep, without the store."""

    def __init__(self) -> None:
        self._work = work_of(shipped())
        self.states: dict[str, str] = {}

    def answer(self, found: tuple[Any, dict[str, Any]] | None) -> None:
        """One turn, checked as the store checks it."""
        if found is None:
            return
        message, target = found
        storable(message.id)
        storable(message.person)
        payload = payload_of(message, target)
        storable(payload)
        assert message_of(payload) == (message, target)
        state, bodies = self._work(self.states.get(message.person), payload)
        for text in (state, *bodies):
            storable(text)
        self.states[message.person] = state


KEPT = Kept()


@settings(max_examples=LINE_BATCHES)
@given(st.lists(mangled(LINE_BODIES), min_size=BATCH, max_size=BATCH))
def test_line_bodies(batch: list[bytes]) -> None:
    for raw in batch:
        try:
            post = line.read_post(raw)
        except line.LineFault:
            continue
        for event in post.events:
            heard = line.from_line(event, received_at=NOW, destination=post.destination)
            KEPT.answer(line_message(heard) if heard is not None else None)


@settings(max_examples=TELEGRAM_BATCHES)
@given(st.lists(mangled(TELEGRAM_BODIES), min_size=BATCH, max_size=BATCH))
def test_telegram_bodies(batch: list[bytes]) -> None:
    for raw in batch:
        heard = telegram.from_telegram(json.loads(raw), "AdviserBot", 4242, NOW)
        KEPT.answer(telegram_message(heard) if heard is not None else None)


def some(real: list[str], count: int) -> list[bytes]:
    """So many different bodies, the same every time."""
    found: list[bytes] = []

    @settings(max_examples=count // BATCH + 1, database=None)
    @given(st.lists(mangled(real), min_size=BATCH, max_size=BATCH))
    def gather(batch: list[bytes]) -> None:
        found.extend(batch)

    gather()
    random.Random(20261122).shuffle(found)  # noqa: S311 - the same order every time
    return found[:count]


def test_over_http(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    posts, updates = some(LINE_BODIES, OVER_HTTP), some(TELEGRAM_BODIES, OVER_HTTP)
    assert len(posts) == len(updates) == OVER_HTTP

    async def post(place: Place, client: aiohttp.ClientSession, path: str, raw: bytes) -> int:
        headers = {"X-Line-Signature": sign(raw, SECRET), telegram.SECRET_HEADER: WORD}
        async with client.post(place.now.address + path, data=raw, headers=headers) as answer:
            said = await answer.text()
            assert said in ANSWERS or (answer.status == 503 and said == "busy, deliver again"), (said, raw)
            assert answer.status in (200, 400, 503), raw
            return answer.status

    async def story() -> None:
        async with besieged(tmp_path, waiting_per_person=AT_ONCE) as place:
            # Somebody whose words nobody else may ever see, on both platforms.
            own = "保養品新品,預算7654321元,想衝業績"
            await delivered(place.post_line, body_of(text_event(1, "Usecret", own, place.line.issue("Usecret"))))
            await delivered(place.post_telegram, json.dumps(update(1, 31_337, own)).encode())
            work = [("/line", raw) for raw in posts] + [("/telegram", raw) for raw in updates]
            async with aiohttp.ClientSession() as client:
                while work:  # some at a time, and again what was answered 503
                    batch, work = work[:AT_ONCE], work[AT_ONCE:]
                    told = await asyncio.gather(*(post(place, client, path, raw) for path, raw in batch))
                    work += [one for one, status in zip(batch, told, strict=True) if status == 503]
            assert [letter for letter in await place.now.store.dead() if letter.kind == "event"] == []
            said = "kem chống nắng, 15 triệu, muốn ra đơn"
            await delivered(place.post_line, body_of(text_event(2, "Uafter", said, place.line.issue("Uafter"))))
            await delivered(place.post_telegram, json.dumps(update(2_000_000_000, 777, said)).encode())
            await until(lambda: "KOS" in "\n".join(place.line.texts("Uafter")) and "KOS" in place.told(777))
            told = "\n".join(place.line.texts("Usecret")) + place.told(31_337)
            assert told.count(OF_ANOTHER) >= 2
            for seen in place.line.seen:
                assert seen.to == "Usecret" or OF_ANOTHER not in str(seen.messages)
            for sent in place.telegram.sent:
                assert sent["chat"]["id"] == 31_337 or OF_ANOTHER not in sent["text"]
            assert place.line.faults == place.telegram.faults == []

    asyncio.run(story())
    assert_quiet(caplog)
