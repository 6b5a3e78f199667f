"""Serving: everything that is configured put together, started, and stopped so that nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.delivery import Dropped, Outcome, Outgoing, platform_of
from bot.store import Store
from handlers.admin import admin
from handlers.door import open_door
from handlers.exchange import answering
from handlers.guard import Guard
from handlers.limits import fairly
from handlers.line_serving import line_side
from handlers.log import logger
from handlers.metrics import Metrics, day_of
from handlers.pseudonym import Pseudonym
from handlers.rehearsal import rehearse
from handlers.settings import LimitSettings, Settings, TelegramSettings
from handlers.telegram import SECRET_TOKEN
from handlers.telegram_moves import MOVING
from handlers.telegram_serving import TelegramFault, TelegramSide, telegram_side
from handlers.upkeep import look_after, tidy
from handlers.watch import Watch
from handlers.webhooks import Webhooks, submitting
from knowledge.knowledge import Knowledge

log = logger()
GRACE_SECONDS = 5.0
WEBHOOK_SECONDS = 3.0
SWITCH_SECONDS = 0.0005


class ServeFault(Exception):
    """The server cannot run as configured; the text says what to change."""


@dataclass
class Running:
    """What runs now: the store, the addresses that are listened on, and how to stop."""

    store: Store
    address: str
    admin: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)


def _fault_of(settings: Settings) -> str | None:
    line, telegram = settings.line, settings.telegram
    if bool(line.channel_secret.get_secret_value()) != bool(line.channel_access_token.get_secret_value()):
        return "LINE needs both line.channel_secret and line.channel_access_token; one of them is empty"
    if telegram.configured and telegram.mode == "webhook":
        if not SECRET_TOKEN.fullmatch(telegram.secret_token.get_secret_value()):
            return "telegram.mode is webhook, but telegram.secret_token is not 1 to 256 of A-Z a-z 0-9 _ -: set one"
        if not settings.server.public_url.startswith("https://"):
            return "telegram.mode is webhook, but server.public_url is no https address: set it, or use polling"
    return None


@asynccontextmanager
async def running(settings: Settings, knowledge: Knowledge, url: str) -> AsyncIterator[Running]:
    """Start everything that is configured; on leaving, stop it within ten seconds and hand back what waits.

    Raises `ServeFault`, `MemoryFault` or a platform's own fault in plain words.
    """
    fault = _fault_of(settings)
    if fault:
        raise ServeFault(fault)
    metrics = Metrics(knowledge)
    watch = Watch(metrics, Pseudonym(settings.log.key.get_secret_value()), texts=settings.log.texts)
    log.info(
        "starting",
        version=metrics.version,
        platforms=",".join(settings.platforms),
        database=url.partition(":")[0].partition("+")[0],
        knowledge_checked=day_of(knowledge),
    )
    await asyncio.to_thread(rehearse, knowledge)
    async with AsyncExitStack() as stack:
        # What is stopped last comes first: the connections, then the store that sends over them, then who listens.
        line = await stack.enter_async_context(line_side(settings.line)) if settings.line.configured else None
        telegram = await _telegram(stack, settings.telegram) if settings.telegram.configured else None

        async def send(outgoing: Outgoing) -> Outcome:
            platform = platform_of(outgoing.conversation)
            if platform == "line" and line is not None:
                return await line.send(outgoing)
            if platform == "tg" and telegram is not None:
                return await telegram.send(outgoing)
            return Dropped(f"{platform} is not configured any more")

        work = watch.work(answering(knowledge, learn=settings.misses.keep))
        # Told apart by the port where several replicas share a machine.
        owner = f"{socket.gethostname()}:{settings.server.port}"
        store = Store(url, work, watch.send(send), owner=owner, lanes=2, moving=MOVING)
        await store.start()
        stack.push_async_callback(store.stop, GRACE_SECONDS)
        submit = watch.submit(fairly(submitting(store), settings.limits.waiting_per_person))
        webhooks = Webhooks(submit, Guard(settings.limits, settings.server.trusted_proxies))
        stop = asyncio.Event()
        app = web.Application(middlewares=[watch.gate])
        if line is not None:
            secret = settings.line.channel_secret.get_secret_value()
            app.add_routes([webhooks.for_line(secret, line.inbox(store, submit).keep)])
        if telegram is not None:
            updates = telegram.inbox(store, submit)
            if settings.telegram.mode == "webhook":
                secret = settings.telegram.secret_token.get_secret_value()
                app.add_routes([webhooks.for_telegram(secret, updates.take)])
            stack.push_async_callback(_ended, asyncio.create_task(telegram.run(store, updates, stop)))
            stack.callback(stop.set)
        server = settings.server
        address = await _listen(stack, app, server.host, server.port, settings.limits)
        operator = admin(store, metrics, stop)
        told = await _listen(stack, operator, server.admin_host, server.admin_port, settings.limits, "admin_port")
        for chore in (tidy(store, metrics, settings.memory.keep_days), look_after(store, metrics)):
            stack.push_async_callback(_ended, asyncio.create_task(chore), cancel=True)
        log.info(f"listening on {address}, for the operator on {told}")
        try:
            yield Running(store, address, told, stop)
        finally:
            stop.set()


async def run_server(settings: Settings, knowledge: Knowledge, url: str) -> None:
    """Run until SIGTERM or SIGINT."""
    # The lanes compute; without this the event loop waits up to 5 ms for its turn at every packet.
    sys.setswitchinterval(SWITCH_SECONDS)
    async with running(settings, knowledge, url) as now:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, now.stop.set)
        await now.stop.wait()
        log.info("stopping")
    log.info("stopped")


async def _telegram(stack: AsyncExitStack, settings: TelegramSettings) -> TelegramSide:
    try:
        return await stack.enter_async_context(telegram_side(settings))
    except TelegramFault as fault:
        raise ServeFault(str(fault)) from None


async def _ended(task: asyncio.Task[None], *, cancel: bool = False) -> None:
    if cancel:
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _listen(
    stack: AsyncExitStack, app: web.Application, host: str, port: int, limits: LimitSettings, setting: str = "port"
) -> str:
    try:
        return await open_door(stack, app, host, port, limits, WEBHOOK_SECONDS)
    except OSError as error:
        raise ServeFault(f"cannot listen on {host}:{port} ({error.strerror}); change [server] {setting}") from None
