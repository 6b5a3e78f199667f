"""The guard: what a webhook checks before it believes a request, the cheapest first."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from handlers.door import VERIFIED
from handlers.limits import CALL, Refusals
from handlers.peers import networks, peer_of
from handlers.settings import LimitSettings

# A body beyond the first size needs one of so many places: what all connections together can hold stays bounded.
LARGE_BYTES = 64 * 1024
LARGE_AT_ONCE = 32
RETRY_SECONDS = "2"
# How long the body of an address that is over its limit may take: LINE gives up on a call after two seconds.
SUSPECT_SECONDS = 2.0
_log = logging.getLogger("kol_advisor")


class Guard:
    """Refuses what no platform sent. An address that keeps sending such is told 429, before its body is read.

    A request that bears the platform's secret or signature is never refused for its address: a platform delivers
    from few addresses, and behind a proxy that is not declared everybody has the same one.
    """

    def __init__(self, limits: LimitSettings, trusted: str = "") -> None:
        """`trusted`: the reverse proxies to believe, as `handlers.peers.networks` reads them."""
        self._limits, self._trusted = limits, networks(trusted)
        self._refusals = Refusals(limits.refused_per_minute)
        self._large = 0

    def header(self, request: web.Request, name: str) -> str | None:
        """A header that must be there once; `None` if it is missing or there twice."""
        found = request.headers.getall(name, ())
        return found[0] if len(found) == 1 else None

    def verified(self, request: web.Request) -> None:
        """The request is the platform's: from here on its connection is kept, come what may."""
        request[VERIFIED]()
        CALL.set(object())

    def refused(self, request: web.Request, status: int, text: str) -> web.Response:
        """The answer to what no platform sent: `status`, or 429 while the address is over its limit."""
        address = peer_of(request, self._trusted)
        wait = self._refusals.wait(address)
        if self._refusals.add(address):
            _log.warning(
                "%s keeps sending what no platform signed (%d times a minute): answered 429. If that is a reverse "
                "proxy, set server.trusted_proxies; if it is the platform, check channel_secret or secret_token",
                address,
                self._limits.refused_per_minute,
            )
        if wait:
            status, text = HTTPStatus.TOO_MANY_REQUESTS, "too many requests that nobody signed"
        response = self._closed(request, status, text)
        if wait:
            response.headers["Retry-After"] = str(wait)
        return response

    async def body(self, request: web.Request, *, verified: bool = False) -> bytes | web.Response:
        """The body, or the answer to one that is too large, too slow, broken off, or one too many of the large.

        `verified`: the head alone has shown that it is the platform's, so nothing counts against its address.
        """
        limits, large, seconds = self._limits, False, self._limits.body_seconds
        refused = self._closed if verified else self.refused
        too_large = f"the body is larger than {limits.body_bytes} bytes"
        if (request.content_length or 0) > limits.body_bytes:
            return refused(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
        if not verified and self._refusals.wait(peer_of(request, self._trusted)):
            seconds = min(seconds, SUSPECT_SECONDS)
        read = bytearray()
        try:
            async with asyncio.timeout(seconds):
                while chunk := await request.content.readany():
                    read += chunk
                    if len(read) > limits.body_bytes:
                        return refused(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
                    if len(read) > LARGE_BYTES and not large:
                        if self._large >= LARGE_AT_ONCE:
                            return self.busy()
                        self._large, large = self._large + 1, True
        except TimeoutError:
            return refused(request, HTTPStatus.REQUEST_TIMEOUT, "the body took too long")
        except (ConnectionError, HttpProcessingError, web.RequestPayloadError):
            return refused(request, HTTPStatus.BAD_REQUEST, "the body broke off")
        finally:
            self._large -= large
        return bytes(read)

    @staticmethod
    def _closed(request: web.Request, status: int, text: str) -> web.Response:
        """A refusal; the connection is closed after it if there is more of the body to come."""
        response = web.Response(status=status, text=text)
        if not request.content.at_eof():
            response.force_close()
        return response

    @staticmethod
    def busy() -> web.Response:
        """Not now: the platform should deliver again."""
        return web.Response(status=503, text="busy, deliver again", headers={"Retry-After": RETRY_SECONDS})
