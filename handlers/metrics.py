"""Metrics: what Prometheus is told, in a registry of its own; nothing in it names a person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.store import Depth, Store
from knowledge.knowledge import Knowledge

PREFIX = "kol_advisor"
DATABASE_SECONDS = 1.0
_TURN_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0)
_SEND_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class Metrics:
    """Everything that is counted; `registry` is shown at /metrics."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Nothing has happened yet. `knowledge` is told by its newest check of a law and its count of rules."""
        self.registry = CollectorRegistry()
        self.events = self._counter("events", "Events by what became of them.", "platform", "kind", "outcome")
        self.inbox = Gauge("inbox", "Events that are not durable yet.", namespace=PREFIX, registry=self.registry)
        self.turns = self._histogram("turn_seconds", "Time to answer one message, without the database.", _TURN_BUCKETS)
        self.replies = self._counter("replies", "Tries to deliver by their outcome.", "platform", "outcome")
        self.sends = self._histogram("send_seconds", "Time of one try to deliver.", _SEND_BUCKETS, "platform")
        self.intents = self._counter("intents", "Messages by what they were.", "intent")
        self.roles = self._counter("roles", "Whole answers by the role that leads; none where nobody may.", "role")
        self.languages = self._counter("languages", "Messages by the language of the answer.", "language")
        self.failed_turns = self._counter("failed_turns", "Messages whose turn failed; each is a dead letter.")
        self.purged = self._counter("purged_rows", "Rows deleted because they were kept long enough.")
        self.fault = Gauge(
            "database_fault", "1 while the database fails or hangs.", namespace=PREFIX, registry=self.registry
        )
        build = Gauge(
            "build_info", "1.", ("version", "knowledge_checked", "rules"), namespace=PREFIX, registry=self.registry
        )
        self.version = version("kol-advisor")
        build.labels(self.version, day_of(knowledge), len(knowledge.rules)).set(1)
        ProcessCollector(namespace=PREFIX, registry=self.registry)
        self._depths = _Depths()
        self.registry.register(self._depths)

    async def shown(self, store: Store, seconds: float = DATABASE_SECONDS) -> bytes:
        """All of it as text. What only the database knows is left out if it does not answer within `seconds`."""
        depth = await self._depths.read(store, seconds)
        self.fault.set(store.fault is not None or depth is None)
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=PREFIX, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, namespace=PREFIX, buckets=buckets, registry=self.registry)


def day_of(knowledge: Knowledge) -> str:
    """The knowledge's date: the newest day on which one of its laws was checked."""
    return max(law.checked for market in knowledge.markets.values() for law in market.law).isoformat()


class _Depths(Collector):
    """What waits, as the database last said when it was asked for this very scrape."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[Depth] | None = None
        self._depth: Depth | None = None

    async def read(self, store: Store, seconds: float) -> Depth | None:
        """Ask; a question that hangs is not asked again, so that scrapes do not pile up behind it."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(store.depth())
            # Looked at once, or Python complains of an answer that came after the server had stopped.
            self._asked.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        asked = self._asked
        await asyncio.wait({asked}, timeout=seconds)
        answered = asked.done() and not asked.cancelled() and asked.exception() is None
        self._depth = asked.result() if answered else None
        return self._depth

    def collect(self) -> Iterator[Metric]:
        """The numbers, or nothing: an old one would look like a new one."""
        if self._depth is None:
            return
        depth = self._depth
        for name, text, value in (
            ("outbox", "Replies not delivered yet.", depth.outbox),
            ("outbox_oldest_seconds", "Age of the oldest of them.", depth.oldest),
            ("sending", "Tries going on in this process.", depth.sending),
            ("dead_letters", "What could not be answered or delivered, and is kept.", depth.dead),
        ):
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
