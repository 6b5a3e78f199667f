"""Telegram over aiohttp: python-telegram-bot's own calls and errors on the HTTP client that everything else uses.

The library's client looks at every connection of its pool at each call, and searches the disk for a package that is
not there; with many chats at once that was most of a reply's cost.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData


class AiohttpRequest(BaseRequest):
    """A connection pool of the size given; time-outs in seconds, no proxy from the environment."""

    __slots__ = ("_connect", "_read", "_session", "_size")

    def __init__(self, size: int, *, connect: float, read: float) -> None:
        """Nothing is opened yet. `connect` includes the wait for a free connection."""
        self._size, self._connect, self._read = size, connect, read
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds without a byte after which a call is given up."""
        return self._read

    async def initialize(self) -> None:
        """Make the pool; twice is as good as once."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._size),
                timeout=aiohttp.ClientTimeout(
                    total=self._connect + self._read, connect=self._connect, sock_read=self._read
                ),
                trust_env=False,
            )

    async def shutdown(self) -> None:
        """Close the pool; it can be made again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """One call: status and body of the answer. Raises the library's `TimedOut` and `NetworkError`.

        The library's time-outs of a single call are not heeded: ours hold for all. Nothing of an error but its name
        is kept, because its text holds the address and so the token.
        """
        if self._session is None:
            raise RuntimeError("the connections to Telegram are not open")
        if request_data is not None and request_data.contains_files:
            raise NotImplementedError("this program sends no files to Telegram")
        body = json.dumps(request_data.parameters).encode() if request_data is not None else None
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut(error.__class__.__name__) from None
        except aiohttp.ClientError as error:
            raise NetworkError(error.__class__.__name__) from None
