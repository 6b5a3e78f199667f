"""A double of LINE's Messaging API on loopback, as strict as the documents and as unreliable as a test asks."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

TOKEN = "channel-token-of-the-double"  # noqa: S105
TOKEN_LIFE = timedelta(minutes=1)
KEY_LIFE = timedelta(hours=24)
MONTHLY = "You have reached your monthly limit."
RATE = "The API rate limit has been exceeded. Try again later."
BAD_TOKEN = "Invalid reply token"  # noqa: S105
# Calls a second, for each kind of call on its own.
RATES = {"/v2/bot/chat/loading/start": 100}
OTHER_RATE = 2_000
# What can go wrong on the way, once for each time it is put into `LineDouble.trouble`:
# "refuse": 500, nothing done · "lose": done, but the connection breaks before the answer · "cut": breaks before
# anything is done · "garbage": done, the answer is no HTTP · "html": 502 with a page for people, nothing done
# · "rate": 429 · "silent": done, and no answer ever · "word": done, the answer's body is no JSON
TROUBLES = ("refuse", "lose", "cut", "garbage", "html", "rate", "silent", "word")


def contract() -> ModuleType | None:
    """The platforms' published schemas, where the machine has them: $KOL_ADVISOR_SPEC, else ../shared/spec."""
    here = Path(__file__).resolve().parents[1]
    file = Path(os.environ.get("KOL_ADVISOR_SPEC") or here.parent / "shared" / "spec") / "platform_contract.py"
    spec = importlib.util.spec_from_file_location("platform_contract", file)
    if spec is None or spec.loader is None or not file.is_file():
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTRACT = contract()


@dataclass(frozen=True, slots=True)
class Seen:
    """What reached a person: to whom, the messages, and how."""

    to: str
    messages: tuple[dict[str, Any], ...]
    how: str


@dataclass(slots=True)
class _Token:
    to: str
    issued: datetime
    used: bool = False


class Clock:
    """A clock that a test turns."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 4, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **time: float) -> None:
        """Let time pass, e.g. `seconds=30`."""
        self.at += timedelta(**time)


class LineDouble:
    """The platform: `async with LineDouble() as line`, then `line.base` is its address.

    `seen` is what reached people, `calls` every call as (path, status), `faults` every body that LINE's schema
    forbids. `quota` is how many pushes the month has left. `held`: paths that get no answer while their event is
    not set.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or Clock()
        self.seen: list[Seen] = []
        self.calls: list[tuple[str, int]] = []
        self.faults: list[str] = []
        self.trouble: deque[str] = deque()
        self.quota = 1_000_000
        self.used = 0
        self.unlimited = False
        self.profiles: dict[str, dict[str, Any]] = {}
        self.loading: list[tuple[str, int]] = []
        self.read: list[str] = []
        self.held: dict[str, asyncio.Event] = {}
        self.chat = True
        self.webhook: dict[str, Any] | None = None
        self.reaches_webhook = True
        self.access_token = TOKEN
        self.base = ""
        self._tokens: dict[str, _Token] = {}
        self._marks: set[str] = set()
        self._rates: Counter[tuple[str, int]] = Counter()
        self._keys: dict[str, tuple[datetime, str, str, dict[str, Any]]] = {}
        self._gone = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> LineDouble:
        app = web.Application(middlewares=[self._gate])
        add = app.router.add_route
        add("POST", "/v2/bot/message/reply", self._reply)
        add("POST", "/v2/bot/message/push", self._push)
        add("POST", "/v2/bot/chat/loading/start", self._loading)
        add("POST", "/v2/bot/chat/markAsRead", self._mark)
        add("GET", "/v2/bot/profile/{who}", self._profile)
        add("GET", "/v2/bot/info", self._info)
        add("GET", "/v2/bot/message/quota", self._quota)
        add("GET", "/v2/bot/message/quota/consumption", self._consumption)
        add("GET", "/v2/bot/channel/webhook/endpoint", self._endpoint)
        add("PUT", "/v2/bot/channel/webhook/endpoint", self._set_endpoint)
        add("POST", "/v2/bot/channel/webhook/test", self._test_endpoint)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        if self._runner:
            await self._runner.cleanup()

    def issue(self, to: str, at: datetime | None = None) -> str:
        """A reply token, as a webhook would bring it, for a person or a group."""
        token = uuid4().hex
        self._tokens[token] = _Token(to, at or self.clock())
        return token

    def issue_mark(self) -> str:
        """A token to mark a message as read, as a webhook would bring it."""
        token = f"mark-{uuid4().hex}"
        self._marks.add(token)
        return token

    def texts(self, to: str) -> list[str]:
        """Every text that reached someone, in order."""
        return [one["text"] for seen in self.seen if seen.to == to for one in seen.messages if one["type"] == "text"]

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Authorisation first, then whatever trouble is due."""
        trouble = self.trouble.popleft() if self.trouble else ""
        if request.headers.get("Authorization") != f"Bearer {self.access_token}":
            answer = _error(401, "Authentication failed. Confirm that the access token is valid.")
        elif trouble == "refuse":
            answer = _error(500, "Internal error")
        elif trouble == "html":
            answer = web.Response(status=502, text="<h1>Bad gateway \udc80</h1>".encode("utf-8", "replace").decode())
        elif trouble == "rate" or self._too_fast(request.path):
            answer = _error(429, RATE)
        elif trouble == "cut":
            answer = self._break(request)
        else:
            if request.path in self.held:
                await self.held[request.path].wait()
            answer = await handler(request)
        self.calls.append((request.path, answer.status))
        if trouble == "silent":
            await self._gone.wait()
        if trouble == "garbage" and request.transport:
            request.transport.write(b"\x00\xff not http\r\n\r\n")
        if trouble in ("lose", "garbage", "cut"):
            self._break(request)
        if trouble == "word":
            return web.Response(status=answer.status, body=b"\xff\xfe{", headers={"Content-Type": "text/plain"})
        return answer

    def _too_fast(self, path: str) -> bool:
        """Whether this is one call too many in its second."""
        now = path, int(self.clock().timestamp())
        self._rates[now] += 1
        return self._rates[now] > RATES.get(path, OTHER_RATE)

    @staticmethod
    def _break(request: web.Request) -> web.Response:
        if request.transport:
            request.transport.close()
        return web.Response(status=500)

    async def _body(self, request: web.Request, schema: str) -> dict[str, Any] | web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError:
            return _error(400, "The request body could not be parsed as JSON")
        faults = CONTRACT.line_errors(schema, body) if CONTRACT else []
        if faults or not isinstance(body, dict):
            self.faults += faults
            return _error(400, "The request body has invalid properties", faults)
        return body

    async def _reply(self, request: web.Request) -> web.Response:
        if "X-Line-Retry-Key" in request.headers:
            return _error(400, "The 'X-Line-Retry-Key' header isn't supported on this endpoint")
        body = await self._body(request, "ReplyMessageRequest")
        if isinstance(body, web.Response):
            return body
        token = self._tokens.get(body["replyToken"])
        if token is None or token.used or self.clock() - token.issued > TOKEN_LIFE:
            return _error(400, BAD_TOKEN)
        token.used = True
        return web.json_response(self._take(token.to, body["messages"], "reply"))

    async def _push(self, request: web.Request) -> web.Response:
        key = request.headers.get("X-Line-Retry-Key")
        try:
            key = str(UUID(key)) if key else None
        except ValueError:
            return _error(400, "Invalid retry key")
        raw = await request.text()
        body = await self._body(request, "PushMessageRequest")
        if isinstance(body, web.Response):
            return body
        known = self._keys.get(key) if key else None
        if known and self.clock() - known[0] <= KEY_LIFE:
            if known[1] != raw:
                return _error(400, "The retry key was used with another body")
            sent = {"message": "The retry key is already accepted", **known[3]}
            return web.json_response(sent, status=409, headers={"x-line-accepted-request-id": known[2]})
        if self.used >= self.quota and not self.unlimited:
            return _error(429, MONTHLY)
        self.used += 1
        answer = self._take(body["to"], body["messages"], "push")
        if key:
            self._keys[key] = (self.clock(), raw, uuid4().hex, answer)
        return web.json_response(answer)

    def _take(self, to: str, messages: Iterable[dict[str, Any]], how: str) -> dict[str, Any]:
        seen = Seen(to, tuple(messages), how)
        self.seen.append(seen)
        ids = [str(len(self.seen) * 10 + number) for number, _ in enumerate(seen.messages)]
        return {"sentMessages": [{"id": one, "quoteToken": f"quote{one}"} for one in ids]}

    async def _loading(self, request: web.Request) -> web.Response:
        body = await self._body(request, "ShowLoadingAnimationRequest")
        if isinstance(body, web.Response):
            return body
        if not body["chatId"].startswith("U") or body.get("loadingSeconds", 20) not in range(5, 65, 5):
            return _error(400, "The request body has invalid properties")
        self.loading.append((body["chatId"], body.get("loadingSeconds", 20)))
        return web.json_response({}, status=202)

    async def _mark(self, request: web.Request) -> web.Response:
        body = await self._body(request, "MarkMessagesAsReadByTokenRequest")
        if isinstance(body, web.Response):
            return body
        if not self.chat:
            return _error(400, "Please ensure that chat is enabled")
        if body["markAsReadToken"] not in self._marks:
            return _error(400, "The value of 'markAsReadToken' is invalid")
        self.read.append(body["markAsReadToken"])
        return web.json_response({})

    async def _profile(self, request: web.Request) -> web.Response:
        profile = self.profiles.get(request.match_info["who"])
        return web.json_response(profile) if profile else _error(404, "Not found")

    async def _info(self, request: web.Request) -> web.Response:
        mode = {"chatMode": "chat" if self.chat else "bot", "markAsReadMode": "manual" if self.chat else "auto"}
        return web.json_response({"userId": "U" + "b" * 32, "basicId": "@double", "displayName": "Double", **mode})

    async def _quota(self, request: web.Request) -> web.Response:
        limited = {"type": "limited", "value": self.quota}
        return web.json_response({"type": "none"} if self.unlimited else limited)

    async def _consumption(self, request: web.Request) -> web.Response:
        return web.json_response({"totalUsage": self.used})

    async def _endpoint(self, request: web.Request) -> web.Response:
        return web.json_response(self.webhook) if self.webhook else _error(404, "Not found")

    async def _set_endpoint(self, request: web.Request) -> web.Response:
        body = await self._body(request, "SetWebhookEndpointRequest")
        if isinstance(body, web.Response):
            return body
        self.webhook = {"endpoint": body["endpoint"], "active": bool(self.webhook and self.webhook["active"])}
        return web.json_response({})

    async def _test_endpoint(self, request: web.Request) -> web.Response:
        well = self.reaches_webhook and self.webhook is not None
        told = {"statusCode": 200, "reason": "OK", "detail": "200"}
        if not well:
            told = {"statusCode": 0, "reason": "COULD_NOT_CONNECT", "detail": "TLS handshake failure"}
        return web.json_response({"success": well, "timestamp": self.clock().isoformat(), **told})


def _error(status: int, message: str, details: Iterable[str] = ()) -> web.Response:
    found = [{"message": detail} for detail in details]
    return web.json_response({"message": message, **({"details": found} if found else {})}, status=status)
