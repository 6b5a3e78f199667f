"""HTTP by the byte: requests that no well-behaved client would send, and what was answered to them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

ANSWER_SECONDS = 30.0  # a bound against hanging, not a claim of speed


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; status 0: the connection was closed without one."""

    status: int
    headers: dict[str, str]
    text: str


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, data: bytes) -> None:
        """Send bytes; that nobody takes them any more is no fault."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def answer(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
                }
                body = await self._reader.readexactly(int(headers.get("content-length", "0")))
            except (asyncio.IncompleteReadError, ConnectionError):
                return Answer(0, {}, "")
        return Answer(int(first.split(" ")[1]), headers, body.decode())

    async def half_closed(self) -> None:
        """Say that nothing more will come, and wait until the other side has closed, too."""
        self._writer.write_eof()
        await self.closed()

    async def closed(self) -> bool:
        """Whether the other side closes now; waits for it."""
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                return await self._reader.read() == b""
            except ConnectionError:
                return True


@asynccontextmanager
async def line_to(address: str) -> AsyncIterator[Line]:
    """A connection to a server, e.g. `http://127.0.0.1:8080`."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def ask(address: str, raw: bytes) -> Answer:
    """Send these bytes on a connection of their own; the answer to them."""
    async with line_to(address) as line:
        await line.say(raw)
        return await line.answer()


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST", length: bool = True) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bot.invalid", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def chunked(body: bytes, size: int = 65536) -> bytes:
    """A body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def signature(body: bytes, secret: str) -> str:
    """LINE's header for a body."""
    return "X-Line-Signature: " + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
