"""Metrics: what is counted, by whom it can be read, and that a database which hangs does not hang them."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from bot.delivery import GIVE_UP, Delivered, Dropped, Outcome, Outgoing, Retry
from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Busy, Store
from handlers.exchange import answering, payload_of
from handlers.metrics import Metrics
from handlers.pseudonym import Pseudonym
from handlers.serving import Running
from handlers.watch import Watch, without_quotes
from knowledge.load import shipped
from tests.line_double import LineDouble
from tests.store_scene import work
from tests.test_serving import BRIEF, post_line, serving, text_event, until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HELLO = Message("line:e1", "line:Uanna", BRIEF, NOON)


class Numbers:
    """The metrics as Prometheus reads them."""

    def __init__(self, text: bytes) -> None:
        self.text = text.decode()
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(self.text):
            assert family.documentation
            for sample in family.samples:
                assert sample.name.startswith("kol_advisor_")
                self.samples[sample.name, frozenset(sample.labels.items())] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.samples.get((f"kol_advisor_{name}", frozenset(labels.items())))


async def scraped(now: Running) -> Numbers:
    async with aiohttp.ClientSession() as client, client.get(f"{now.admin}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return Numbers(await answer.read())


def test_a_conversation_is_counted(tmp_path: Path) -> None:
    async def story() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            before = await scraped(now)
            assert before("outbox") == before("dead_letters") == before("database_fault") == before("inbox") == 0
            event = text_event(1, "Uanna", BRIEF, line.issue("Uanna"))
            assert await post_line(now, event) == 200
            assert await post_line(now, event) == 200
            assert await post_line(now, text_event(2, "Uanna", "為什麼?", line.issue("Uanna"))) == 200
            assert await post_line(now, signature="forged") == 401
            assert await post_line(now, raw=b"no json") == 400
            await until(lambda: len(line.seen) >= 2)
            while (await now.store.depth()).outbox:
                await asyncio.sleep(0)
            told = await scraped(now)
        assert told("events_total", platform="line", kind="text", outcome="new") == 2
        assert told("events_total", platform="line", kind="text", outcome="seen") == 1
        assert told("events_total", platform="line", kind="unknown", outcome="refused") == 2
        assert told("replies_total", platform="line", outcome="delivered") == 2
        assert told("send_seconds_count", platform="line") == told("turn_seconds_count") == 2
        assert told("intents_total", intent="brief") == told("intents_total", intent="question") == 1
        assert told("roles_total", role="kos_seed") == 1  # the "why" is no second answer
        assert told("languages_total", language="zh-Hant") == 2
        assert told("outbox") == told("outbox_oldest_seconds") == told("dead_letters") == 0
        builds = [labels for name, labels in told.samples if name == "kol_advisor_build_info"]
        assert {key for key, _ in builds[0]} == {"version", "knowledge_checked", "rules"}
        assert "Uanna" not in told.text
        assert "保養品" not in told.text

    asyncio.run(story())


def test_two_in_one_process_share_nothing() -> None:
    one, other = Metrics(shipped()), Metrics(shipped())
    one.failed_turns.inc()
    assert other.registry.get_sample_value("kol_advisor_failed_turns_total") == 0
    assert REGISTRY.get_sample_value("kol_advisor_failed_turns_total") is None


def test_a_database_that_hangs_does_not_hang_the_metrics(tmp_path: Path) -> None:
    async def send(outgoing: Outgoing) -> Outcome:
        return Delivered()

    async def story() -> None:
        file, metrics = tmp_path / "kept.db", Metrics(shipped())
        store = Store(f"sqlite:///{file}", work, send, owner="a")
        await store.start()
        other = sqlite3.connect(file, isolation_level=None)
        try:
            assert Numbers(await metrics.shown(store))("outbox") == 0
            other.execute("BEGIN IMMEDIATE")  # from here on the store waits
            asked: set[Any] = set()
            for _ in range(3):
                told = Numbers(await metrics.shown(store, 0.02))
                assert told("database_fault") == 1
                assert told("outbox") is None  # not the number of before
                assert told("inbox") == 0  # what needs no database is there
                asked |= {task for task in asyncio.all_tasks() if "depth" in repr(task.get_coro())}
            assert len(asked) == 1  # scrapes do not pile up
            other.execute("ROLLBACK")
            told = Numbers(await metrics.shown(store, 30))
            assert told("outbox") == 0
        finally:
            other.close()
            await store.stop(5)
        told = Numbers(await metrics.shown(store, 30))
        assert told("database_fault") == 1
        assert told("outbox") is None

    asyncio.run(story())


# ---- what each outcome counts as


def watched() -> tuple[Metrics, Watch]:
    metrics = Metrics(shipped())
    return metrics, Watch(metrics, Pseudonym(), now=lambda: 1_000_000.0)


@pytest.mark.parametrize(
    ("became", "outcome"),
    [("new", "new"), ("seen", "seen"), (Busy("full"), "busy"), (MemoryFault("disk"), "fault")],
)
def test_events_by_what_became_of_them(became: object, outcome: str) -> None:
    metrics, watch = watched()

    async def keep(message: Message, target: dict[str, object]) -> object:
        assert metrics.registry.get_sample_value("kol_advisor_inbox") == 1
        if isinstance(became, Exception):
            raise became
        return became

    async def story() -> None:
        try:
            assert await watch.submit(keep)(HELLO, {}) == became
        except (Busy, MemoryFault) as error:
            assert error is became

    asyncio.run(story())
    labels = {"platform": "line", "kind": "text", "outcome": outcome}
    assert metrics.registry.get_sample_value("kol_advisor_events_total", labels) == 1
    assert metrics.registry.get_sample_value("kol_advisor_inbox") == 0


@pytest.mark.parametrize(
    ("answer", "age", "outcome"),
    [
        (Delivered(), 0.0, "delivered"),
        (Retry(5.0, "LINE 429", everyone=True), 0.0, "retry"),
        (Retry(None, "TimeoutError"), GIVE_UP, "dropped"),
        (ConnectionError("x"), 0.0, "retry"),
        (Dropped("LINE 400"), 0.0, "dropped"),
        (Dropped("blocked", unread=True), 0.0, "unread"),
    ],
)
def test_tries_to_deliver_by_outcome(answer: Outcome | Exception, age: float, outcome: str) -> None:
    metrics, watch = watched()
    outgoing = Outgoing("tg:7", "key", "body", 0, 1_000_000.0 - age)

    async def send(_: Outgoing) -> Outcome:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def story() -> None:
        try:
            assert await watch.send(send)(outgoing) == answer
        except ConnectionError as error:
            assert error is answer

    asyncio.run(story())
    labels = {"platform": "telegram", "outcome": outcome}
    assert metrics.registry.get_sample_value("kol_advisor_replies_total", labels) == 1
    assert metrics.registry.get_sample_value("kol_advisor_send_seconds_count", {"platform": "telegram"}) == 1


def test_a_try_that_is_cut_short_is_counted() -> None:
    metrics, watch = watched()

    async def story() -> None:
        started = asyncio.Event()

        async def send(_: Outgoing) -> Outcome:
            started.set()
            await asyncio.Event().wait()
            return Delivered()

        task = asyncio.create_task(watch.send(send)(Outgoing("line:U", "k", "b", 0, 1_000_000.0)))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    labels = {"platform": "line", "outcome": "retry"}
    assert metrics.registry.get_sample_value("kol_advisor_replies_total", labels) == 1


def test_a_turn_that_fails_is_counted_and_raised() -> None:
    metrics, watch = watched()
    with pytest.raises(KeyError):
        watch.work(answering(shipped()))(None, "{}")
    assert metrics.registry.get_sample_value("kol_advisor_failed_turns_total") == 1
    assert metrics.registry.get_sample_value("kol_advisor_turn_seconds_count") == 0


def test_watching_changes_no_answer() -> None:
    _, watch = watched()
    payload = payload_of(HELLO, {"reply_token": None, "token_at": None})
    plain = answering(shipped())(None, payload)
    assert watch.work(answering(shipped()))(None, payload) == (plain.state, plain.bodies)


def test_a_quoted_word_is_not_repeated() -> None:
    said = 'Bad Request: can\'t parse entities: Unsupported start tag "保養品" at byte offset 3'
    assert without_quotes(said) == said.replace("保養品", "…")
    assert without_quotes("LINE 400: Invalid reply token") == "LINE 400: Invalid reply token"
