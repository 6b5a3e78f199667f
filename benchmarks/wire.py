"""HTTP/1.1 by hand, both ends, so that driver and doubles cost next to nothing beside the server they measure.

Only what a kept-alive connection on loopback needs: a length before every body, one request at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Answer = Callable[[bytes, bytes], bytes]  # (path, body) to the JSON of the answer
_END = b"\r\n\r\n"


def _length(head: bytes) -> int:
    """The body's length as the head tells it; raises `ValueError` for a body without one."""
    low = head.lower()
    if b"\r\ntransfer-encoding:" in low:
        raise ValueError("a body in chunks: this wire knows only bodies with a length")
    _, found, rest = low.partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


class _Whole(asyncio.Protocol):
    """Cuts what arrives into heads with their bodies."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream by construction
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(_END)) >= 0:
            head = bytes(self._came[:end])
            stop = end + len(_END) + _length(head)
            if len(self._came) < stop:
                return
            body = bytes(self._came[end + len(_END) : stop])
            del self._came[:stop]
            self.whole(head, body)

    def whole(self, head: bytes, body: bytes) -> None:
        """One request or answer is complete."""
        raise NotImplementedError


class _Asked(_Whole):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def whole(self, head: bytes, body: bytes) -> None:
        told = self._answer(head.split(b" ", 2)[1], body)
        if self.transport is not None:
            length = b"%d" % len(told)
            kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
            self.transport.write(kind + length + _END + told)


async def listen(answer: Answer) -> tuple[asyncio.Server, int]:
    """Serve on a free port of loopback; returns the server and the port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Asked(answer), "127.0.0.1", 0, backlog=1024)
    return server, server.sockets[0].getsockname()[1]


class Connection(_Whole):
    """One connection to the server measured; `post` may be called again once the last answer came."""

    def __init__(self) -> None:
        super().__init__()
        self._told: asyncio.Future[int] | None = None

    def whole(self, head: bytes, body: bytes) -> None:
        if self._told is not None and not self._told.done():
            self._told.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._told is not None and not self._told.done():
            self._told.set_exception(error or ConnectionResetError("the server closed the connection"))

    def post(self, request: bytes) -> asyncio.Future[int]:
        """Send a whole request; the future is the status of its answer."""
        if self.transport is None:
            raise ConnectionResetError("not connected")
        self._told = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._told


class Connections:
    """As many connections as are needed at once; each is used again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: deque[Connection] = deque()

    async def post(self, request: bytes) -> int:
        """Send a whole request over a free connection, or a new one; the status of the answer."""
        connection = self._free.pop() if self._free else None
        if connection is None or connection.transport is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        status = await connection.post(request)
        self._free.append(connection)
        return status

    def close(self) -> None:
        """Close those that are free, which is all of them when nothing is asked."""
        for connection in self._free:
            if connection.transport is not None:
                connection.transport.close()
        self._free.clear()


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST with JSON."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + _END + body
