"""Serving: everything that is configured put together, started, and stopped so that nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.delivery import Dropped, Outcome, Outgoing, platform_of
from bot.store import Store
from handlers.exchange import work_of
from handlers.incoming import telegram_message
from handlers.line import Heard as LineHeard
from handlers.line import LineClient
from handlers.settings import Settings
from handlers.telegram import Heard as TelegramHeard
from handlers.telegram import TelegramClient
from handlers.telegram_poll import Poller
from handlers.webhooks import MOST_BYTES, Submit, Webhooks, submitting
from knowledge.knowledge import Knowledge

log = logging.getLogger("kol_advisor")
ADMIN_HOST = "127.0.0.1"
GRACE_SECONDS = 5.0
WEBHOOK_SECONDS = 3.0
EVENTS_KEPT_SECONDS = 3 * 24 * 3600.0
PURGE_SECONDS = 3600.0


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
        if not telegram.secret_token.get_secret_value():
            return "telegram.mode is webhook, but telegram.secret_token is empty: set 1-256 of A-Z a-z 0-9 _ -"
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
    async with AsyncExitStack() as stack:
        # What is stopped last comes first: the connections, then the store that sends over them, then who listens.
        line = await _line(stack, settings) if settings.line.configured else None
        telegram = await _telegram(stack, settings) if settings.telegram.configured else None

        async def send(outgoing: Outgoing) -> Outcome:
            platform = platform_of(outgoing.conversation)
            if platform == "line" and line is not None:
                return await line.send(outgoing)
            if platform == "tg" and telegram is not None:
                return await telegram.send(outgoing)
            return Dropped(f"{platform} is not configured any more")

        store = Store(url, work_of(knowledge), send, owner=socket.gethostname(), lanes=2)
        await store.start()
        stack.push_async_callback(store.stop, GRACE_SECONDS)
        submit = submitting(store)
        webhooks = Webhooks(submit)
        stop = asyncio.Event()
        app = web.Application(client_max_size=MOST_BYTES)
        if line is not None:
            secret = settings.line.channel_secret.get_secret_value()
            app.add_routes([webhooks.for_line(secret, _language(line), line.ours)])
        if telegram is not None and settings.telegram.mode == "webhook":
            secret = settings.telegram.secret_token.get_secret_value()
            app.add_routes([webhooks.for_telegram(secret, *await _me(telegram), telegram.answer)])
        elif telegram is not None:
            poller = asyncio.create_task(_poller(telegram, submit, *await _me(telegram)).run(stop))
            stack.push_async_callback(_ended, poller)
        address = await _listen(stack, app, settings.server.host, settings.server.port)
        admin = await _listen(stack, _admin(store, stop), ADMIN_HOST, settings.server.admin_port)
        tidying = asyncio.create_task(_tidy(store))
        stack.push_async_callback(_ended, tidying, cancel=True)
        log.info("listening on %s, for the operator on %s", address, admin)
        try:
            yield Running(store, address, admin, stop)
        finally:
            stop.set()


async def run_server(settings: Settings, knowledge: Knowledge, url: str) -> None:
    """Run until SIGTERM or SIGINT."""
    async with running(settings, knowledge, url) as now:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, now.stop.set)
        await now.stop.wait()
        log.info("stopping")


async def _line(stack: AsyncExitStack, settings: Settings) -> LineClient:
    client = LineClient(settings.line.channel_access_token.get_secret_value(), settings.line.api_base)
    await client.open()
    stack.push_async_callback(client.close)
    return client


async def _telegram(stack: AsyncExitStack, settings: Settings) -> TelegramClient:
    client = TelegramClient(settings.telegram.token.get_secret_value(), settings.telegram.base_url)
    await client.open()
    stack.push_async_callback(client.close)
    return client


def _language(client: LineClient) -> Callable[[LineHeard], Awaitable[str | None]]:
    """The language of who has just come, by their profile; a group has none."""

    async def language(heard: LineHeard) -> str | None:
        return None if heard.group else await client.language_of(heard.person)

    return language


async def _me(client: TelegramClient) -> tuple[str, int]:
    """The bot's own name and number, which tell what is meant for it."""
    try:
        me = await client.bot.get_me()
    except Exception as error:
        raise ServeFault(f"Telegram does not know this bot: {client.plain(error)}; check telegram.token") from None
    return me.username or "", me.id


def _poller(client: TelegramClient, submit: Submit, username: str, number: int) -> Poller:
    async def keep(heard: TelegramHeard) -> None:
        found = telegram_message(heard)
        if found is not None:
            await submit(*found)
        if heard.callback_id:
            await client.answer(heard.callback_id)

    return Poller(client, keep, username, number)


async def _ended(task: asyncio.Task[None], *, cancel: bool = False) -> None:
    if cancel:
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _tidy(store: Store) -> None:
    """Forget old event ids from time to time: platforms deliver again for a day at most."""
    while True:
        await asyncio.sleep(PURGE_SECONDS)
        await store.purge(time.time() - EVENTS_KEPT_SECONDS)


async def _listen(stack: AsyncExitStack, app: web.Application, host: str, port: int) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=WEBHOOK_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise ServeFault(f"cannot listen on {host}:{port} ({error.strerror}); change [server] port") from None
    name = runner.addresses[0]
    return f"http://{name[0]}:{name[1]}"


def _admin(store: Store, stop: asyncio.Event) -> web.Application:
    """/healthz: the process lives; /readyz: it can take messages."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        well = store.fault is None and not stop.is_set()
        return web.Response(status=200 if well else 503, text="ready" if well else "not ready")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app
