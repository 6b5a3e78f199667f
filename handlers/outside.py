"""From outside: what a platform sees of us, our clock beside theirs, and whether our own server answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from aiohttp import ClientConnectorCertificateError, ClientConnectorDNSError, ClientError, ClientSession, ClientTimeout

from handlers.admin import NOT_READY, READY
from handlers.finding import Finding
from handlers.line_client import web_address
from handlers.settings import Settings
from handlers.webhooks import UNSIGNED, WORDLESS

SECONDS = 5.0
# A LINE reply token lives a minute after the event, and its age is measured by our clock.
MOST_APART_SECONDS = 30.0
_OURS = {"line": UNSIGNED, "telegram": WORDLESS}
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where such a listener is asked from this machine


async def examine(settings: Settings, now: Callable[[], float] = time.time) -> list[Finding]:
    """Look at all of it; `now` is our clock in seconds since 1970."""
    found: list[Finding] = []
    async with ClientSession(timeout=ClientTimeout(total=SECONDS), trust_env=False) as web:
        if settings.server.admin_port:
            found.append(await _operator(web, settings.server.admin_host, settings.server.admin_port))
        webhooks = settings.telegram.configured and settings.telegram.mode == "webhook"
        for platform, used in (("line", settings.line.configured), ("telegram", webhooks)):
            if used and settings.server.public_url:
                found.append(await _reached(web, platform, settings))
        for name, base, used in (
            ("LINE", settings.line.api_base, settings.line.configured),
            ("Telegram", settings.telegram.base_url, settings.telegram.configured),
        ):
            found += await _clock(web, name, base, now) if used else ()
    return found


async def _operator(web: ClientSession, host: str, port: int) -> Finding:
    host = _ANYWHERE.get(host, host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        async with web.get(f"{address}/readyz", allow_redirects=False) as answer:
            status, said = answer.status, await answer.content.read(100)
    except (ClientError, TimeoutError, OSError, ValueError):
        return Finding(True, "server", f"none runs here (nothing answers on {address}); start it with kol-advisor")
    if (status, said) == (200, READY.encode()):
        return Finding(True, "server", f"runs and takes messages ({address})")
    if (status, said) == (503, NOT_READY.encode()):
        return Finding(False, "server", f"runs but takes no messages ({address}): its log says why")
    return Finding(False, "server", f"another program answers on {address}: choose another server.admin_port")


async def _reached(web: ClientSession, platform: str, settings: Settings) -> Finding:
    """Knock at the public address without a signature: only this program refuses that in these words."""
    address = f"{settings.server.public_url.rstrip('/')}/{platform}"
    what, to = f"{platform} address", f"{settings.server.host}:{settings.server.port}"
    if not web_address(address, "https", "http"):
        return Finding(False, what, "server.public_url is no web address: write https://name")
    try:
        async with web.post(address, data=b"{}", allow_redirects=False) as answer:
            status, said = answer.status, await answer.content.read(200)
    except ClientConnectorDNSError:
        return Finding(False, what, f"the name in {address} is not known: check server.public_url and its DNS entry")
    except ClientConnectorCertificateError:
        return Finding(False, what, f"the certificate of {address} is not accepted: renew it, with its whole chain")
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        text = f"{address} does not answer ({error.__class__.__name__}): check the firewall and the reverse proxy"
        return Finding(False, what, text)
    if status == 401 and said == _OURS[platform].encode():
        return Finding(True, what, f"{address} reaches this program, which refuses what is not signed")
    if status == 429:
        return Finding(True, what, f"{address} answers 429: too much unsigned came from here lately; ask again later")
    if status in (401, 403):
        hint = f"something before this program asks for a password: forward /{platform} to {to} without one"
    elif 300 <= status < 400:
        hint = "platforms do not follow that: set server.public_url to where it leads"
    elif status in (502, 503, 504):
        hint = f"the proxy reaches nothing behind it: start the server, and forward /{platform} to {to}"
    else:
        hint = f"that is not this program: forward /{platform} to {to}, with the path as it is"
    return Finding(False, what, f"{address} answers {status}; {hint}")


async def _clock(web: ClientSession, name: str, base: str, now: Callable[[], float]) -> list[Finding]:
    """Our clock beside the platform's; nothing where it does not answer, which the platform's own findings tell."""
    before = now()
    try:
        async with web.get(base, allow_redirects=False) as answer:
            date = answer.headers.get("Date", "")
    except (ClientError, TimeoutError, OSError, ValueError):
        return []
    ours = (before + now()) / 2
    try:
        apart = ours - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return [Finding(True, "clock", f"{name} does not tell the time, so nothing is compared")]
    if abs(apart) <= MOST_APART_SECONDS:
        return [Finding(True, "clock", f"within {MOST_APART_SECONDS:.0f} s of {name}'s")]
    side = "ahead of" if apart > 0 else "behind"
    hint = "set it and keep it set (timedatectl set-ntp true): answers on LINE depend on it"
    return [Finding(False, "clock", f"{abs(apart):.0f} s {side} {name}'s: {hint}")]
