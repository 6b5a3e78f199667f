"""The operator's address: whether the program lives, whether it can take messages, and what it has counted."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.store import Store
from handlers.metrics import Metrics

ALIVE, READY, NOT_READY = "ok", "ready", "not ready"


def admin(store: Store, metrics: Metrics, stop: asyncio.Event) -> web.Application:
    """/healthz: the process lives; /readyz: it can take messages; /metrics: numbers, in at most about a second."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text=ALIVE)

    async def readyz(_: web.Request) -> web.Response:
        well = store.fault is None and not stop.is_set()
        return web.Response(status=200 if well else 503, text=READY if well else NOT_READY)

    async def shown(_: web.Request) -> web.Response:
        return web.Response(body=await metrics.shown(store), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", shown)])
    return app
