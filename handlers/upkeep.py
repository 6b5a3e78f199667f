"""Upkeep: what a running server does beside answering: let go of what was kept long enough, look after its database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bot.memory import MemoryFault
from bot.store import Store
from handlers.log import failure, logger
from handlers.metrics import Metrics

DAY_SECONDS = 86_400.0
# Platforms deliver again for a day at most.
EVENTS_KEPT_SECONDS = 3 * DAY_SECONDS
PURGE_SECONDS = 3600.0
LOOK_SECONDS = 1.0

Sleep = Callable[[float], Awaitable[None]]
_log = logger()


async def tidy(
    store: Store,
    metrics: Metrics,
    keep_days: int,
    *,
    now: Callable[[], float] = time.time,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Purge now and every hour, until cancelled; a database that fails is asked again the next hour.

    Event ids go after three days; conversations nobody went on with, and dead letters, after `keep_days` (0: never).
    """
    while True:
        idle = now() - keep_days * DAY_SECONDS if keep_days else None
        try:
            rows = await store.purge(now() - EVENTS_KEPT_SECONDS, idle)
        except MemoryFault as fault:
            _log.warning("nothing was purged", reason=str(fault))
        except Exception as error:
            # Whatever it is, it must not end the tidying: what people said would be kept for ever, unnoticed.
            _log.error("nothing was purged", reason=failure(error))
        else:
            metrics.purged.inc(rows)
            if rows:
                _log.info("purged", rows=rows, keep_days=keep_days)
        await sleep(PURGE_SECONDS)


async def look_after(store: Store, metrics: Metrics, *, sleep: Sleep = asyncio.sleep) -> None:
    """Say when the database begins to fail and when it works again, until cancelled."""
    before: str | None = None
    while True:
        fault = store.fault
        if fault is not None and before is None:
            _log.error("the database fails: platforms are asked to deliver again later", reason=fault)
        elif fault is None and before is not None:
            _log.warning("the database works again")
        metrics.fault.set(fault is not None)
        before = fault
        await sleep(LOOK_SECONDS)
