"""Limits: how often an address may be refused, and how much one person may have waiting."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from bot.message import Message
from bot.store import Busy

T = TypeVar("T")
# The webhook call that is being answered; whatever it starts inherits it.
CALL: ContextVar[object] = ContextVar("call")
# Addresses remembered at a time; whoever was refused longest ago is forgotten first.
MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float
    told: bool = False


class Refusals:
    """Counts refused requests by address, in leaking buckets: full after a minute's worth, leaking a minute's worth.

    Only refusals count, so however much a platform delivers, its own address stays free.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds from any beginning."""
        self._most, self._clock = float(per_minute), clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def add(self, address: str) -> bool:
        """Count a refusal; whether it is the one that fills the bucket, which is worth a line in the log."""
        now = self._clock()
        bucket = self._leaked(address, now) or _Bucket(0.0, now)
        bucket.level = min(self._most, bucket.level + 1)
        self._buckets[address] = bucket
        self._buckets.move_to_end(address)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        fills = bucket.level > self._most - 1 and not bucket.told
        bucket.told = bucket.told or fills
        return fills

    def wait(self, address: str) -> int:
        """Whole seconds until this address may be refused in the ordinary way again; 0 if it may be now."""
        bucket = self._leaked(address, self._clock())
        over = bucket.level - (self._most - 1) if bucket else 0.0
        return math.ceil(over * 60 / self._most) if over > 0 else 0

    def _leaked(self, address: str, now: float) -> _Bucket | None:
        bucket = self._buckets.get(address)
        if bucket is None:
            return None
        bucket.level -= (now - bucket.at) * self._most / 60
        bucket.at = now
        if bucket.level <= 0:
            del self._buckets[address]
            return None
        return bucket


def fairly(
    submit: Callable[[Message, dict[str, object]], Awaitable[T]], most: int
) -> Callable[[Message, dict[str, object]], Awaitable[T]]:
    """`submit`, but with at most so many webhook calls of one conversation waiting at a time.

    What a call beyond them brings of that conversation raises `Busy`: nothing of it is kept, the platform delivers it
    again, and inbox and connections stay free for everybody else. Calls are counted rather than messages, or a call
    that brings more of them than may wait could be delivered for ever and never come to its end.
    """
    waiting: dict[str, Counter[object]] = {}

    async def one(message: Message, target: dict[str, object]) -> T:
        call = CALL.get(None) or object()
        calls = waiting.setdefault(message.person, Counter())
        if call not in calls and len(calls) >= most:
            raise Busy("too much of this conversation waits to be answered")
        calls[call] += 1
        try:
            return await submit(message, target)
        finally:
            calls[call] -= 1
            if not calls[call]:
                del calls[call]
            if not calls:
                waiting.pop(message.person, None)

    return one
