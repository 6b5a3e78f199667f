"""The part of the double that delivers to a webhook, as the real server does it.

One update a request, with the secret token; the next of a queue only after a 2xx for the last; queues side by side;
the first retry at once, then after 2, 4, 8 ... seconds up to 60, or as a `Retry-After` header says; updates that
grow too old are dropped. Time is the test's clock: `pump` sends what is due and returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

HEADER = "X-Telegram-Bot-Api-Secret-Token"
LONGEST_DELAY = 60.0
# Seconds after which an update is dropped.
KEPT = {"callback_query": 150.0, "inline_query": 30.0, "chosen_inline_result": 600.0}
KEPT_ELSE = 24 * 3600.0


@dataclass
class _Waiting:
    update: dict[str, Any]
    made: float
    tries: int = 0
    due: float = 0.0


@dataclass
class Pusher:
    """Delivers updates to `url`. `log` holds each try: update id, status (0: no answer)."""

    url: str
    secret: str
    clock: Callable[[], float]
    queues: dict[int, list[_Waiting]] = field(default_factory=dict)
    log: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def add(self, *updates: dict[str, Any]) -> None:
        """Queue updates; taps and texts of one person are different queues."""
        for update in updates:
            self.queues.setdefault(_queue(update), []).append(_Waiting(update, self.clock()))

    @property
    def waiting(self) -> int:
        """How many updates are not delivered."""
        return sum(map(len, self.queues.values()))

    async def pump(self) -> None:
        """Deliver everything that is due now, queues side by side."""
        async with ClientSession(timeout=ClientTimeout(total=5)) as http:
            await asyncio.gather(*(self._drain(http, queue) for queue in self.queues.values()))

    async def _drain(self, http: ClientSession, queue: list[_Waiting]) -> None:
        while queue:
            head, now = queue[0], self.clock()
            if now - head.made > _kept(head.update):
                self.dropped.append(queue.pop(0).update["update_id"])
                continue
            if head.due > now:
                return
            status, wanted = await self._post(http, head.update)
            self.log.append((head.update["update_id"], status))
            if 200 <= status < 300:
                queue.pop(0)
                continue
            head.tries += 1
            delay = 0.0 if head.tries == 1 else min(LONGEST_DELAY, 2.0 ** (head.tries - 1))
            head.due = now + (wanted if wanted is not None else delay)

    async def _post(self, http: ClientSession, update: dict[str, Any]) -> tuple[int, float | None]:
        try:
            async with http.post(self.url, json=update, headers={HEADER: self.secret} if self.secret else {}) as answer:
                wanted = answer.headers.get("Retry-After", "")
                return answer.status, min(3600.0, float(wanted)) if wanted.isdecimal() else None
        except (ClientError, TimeoutError):
            return 0, None


def _queue(update: dict[str, Any]) -> int:
    if "callback_query" in update:
        return int(update["callback_query"]["from"]["id"]) + (3 << 33)
    if "inline_query" in update:
        return int(update["inline_query"]["from"]["id"]) + (1 << 33)
    inner = next((value for key, value in update.items() if key != "update_id" and isinstance(value, dict)), {})
    return int(inner.get("chat", {}).get("id", 0))


def _kept(update: dict[str, Any]) -> float:
    return next((seconds for kind, seconds in KEPT.items() if kind in update), KEPT_ELSE)
