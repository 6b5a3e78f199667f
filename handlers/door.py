"""The door: how many connections a listener holds, and how long each may take to say what it wants."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from handlers.settings import LimitSettings

MOST_LINE_BYTES = 4096  # the request line; also one header, name and value
MOST_HEADERS = 64
# What is read ahead of whoever handles a request; twice this may lie in memory for each connection.
AHEAD_BYTES = 16 * 1024
# How long the rest of a refused body is thrown away, so that the refusal is read before the connection closes.
LINGERING_SECONDS = 1.0
VERIFIED: web.RequestKey[Callable[[], object]] = web.RequestKey("verified")
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_log = logging.getLogger("kol_advisor.http")


def _not_of_strangers(record: logging.LogRecord) -> bool:
    """Whether a line belongs in the log: what strangers send that is no HTTP does not, and aiohttp quotes it."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError)


_log.addFilter(_not_of_strangers)


class Door:
    """A protocol factory before aiohttp's own.

    A connection has `head_seconds` to send the head of a request: from its first byte, and for a new one from the
    start. When all places are taken, the connection that has come no further for the longest makes room for a new
    one. A request that was verified is never turned out: only when all places are held by such is a new one told 503.
    """

    def __init__(self, most: int, head_seconds: float) -> None:
        self._most, self._head_seconds = most, head_seconds
        self._inside: dict[asyncio.BaseTransport, _Visitor] = {}
        # Whoever may be turned out, in the order in which they last came further.
        self._waiting: dict[_Visitor, None] = {}
        self.serve: Callable[[], asyncio.BaseProtocol] | None = None

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Visitor(self)

    def admit(self, visitor: _Visitor, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """Let a connection in, making room if need be; aiohttp's protocol for it, or `None` if there is no room."""
        if len(self._inside) >= self._most:
            if not self._waiting:
                return None
            self._out(next(iter(self._waiting)))
        self._inside[transport] = visitor
        self._waiting[visitor] = None
        self._expect(visitor)
        return cast(asyncio.Protocol, self.serve()) if self.serve else None

    def heard(self, visitor: _Visitor) -> None:
        """Bytes came: where none were expected they begin the next request."""
        if visitor.late is None and not visitor.asked:
            self._expect(visitor)

    def left(self, visitor: _Visitor) -> None:
        """A connection is gone."""
        visitor.hush()
        self._waiting.pop(visitor, None)
        if visitor.transport is not None:
            self._inside.pop(visitor.transport, None)

    @web.middleware
    async def passing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """aiohttp's middleware: the head of a request is there; whoever verifies it calls what `VERIFIED` holds."""
        visitor = self._inside.get(request.transport) if request.transport else None
        if visitor is None:
            request[VERIFIED] = lambda: None
            return await handler(request)
        visitor.hush()
        visitor.asked = True
        self._further(visitor)
        request[VERIFIED] = lambda: self._waiting.pop(visitor, None)
        try:
            return await handler(request)
        finally:
            visitor.asked = False
            if visitor.transport in self._inside:
                self._further(visitor)

    def _further(self, visitor: _Visitor) -> None:
        self._waiting.pop(visitor, None)
        self._waiting[visitor] = None

    def _expect(self, visitor: _Visitor) -> None:
        visitor.late = asyncio.get_running_loop().call_later(self._head_seconds, self._out, visitor)

    def _out(self, visitor: _Visitor) -> None:
        # Its place is free at once; the event loop tells `left` a little later.
        self.left(visitor)
        if visitor.transport is not None:
            visitor.transport.abort()


class _Visitor(asyncio.Protocol):
    """One connection: everything is passed on to aiohttp, once it is let in."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._inner: asyncio.Protocol | None = None
        self.transport: asyncio.Transport | None = None
        self.late: asyncio.TimerHandle | None = None
        self.asked = False

    def hush(self) -> None:
        """Nothing is expected any more."""
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._inner = self._door.admit(self, self.transport)
        if self._inner is not None:
            self._inner.connection_made(transport)
        else:
            self.transport.write(_FULL)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._door.heard(self)
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.left(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)


async def open_door(
    stack: AsyncExitStack, app: web.Application, host: str, port: int, limits: LimitSettings, stopping_seconds: float
) -> str:
    """Listen until `stack` unwinds; the address that is listened on. Raises `OSError` where that is not possible.

    `stopping_seconds`: how long requests under way may still take then.
    """
    door = Door(limits.connections, limits.head_seconds)
    app.middlewares.insert(0, door.passing)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_log,
        shutdown_timeout=stopping_seconds,
        keepalive_timeout=limits.idle_seconds,
        lingering_time=LINGERING_SECONDS,
        max_line_size=MOST_LINE_BYTES,
        max_field_size=MOST_LINE_BYTES,
        max_headers=MOST_HEADERS,
        read_bufsize=AHEAD_BYTES,
        # No platform compresses what it delivers, and LINE signs the bytes as they come.
        auto_decompress=False,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    door.serve = runner.server
    listener = await asyncio.get_running_loop().create_server(door, host, port)
    stack.callback(listener.close)
    name = listener.sockets[0].getsockname()
    return f"http://{name[0]}:{name[1]}"
