"""A double of the Bot API on loopback that enforces the rules the real server is documented to have.

Tokens, update confirmation, one poller at a time, flood limits (by the test's clock), blocked, unknown, left and
migrated chats, taps that can be answered once and in time, HTML, lengths, bytes, webhook ports. Delivery to a webhook:
`telegram_push`.
Every body is checked against the published schema where that is present; what it finds is kept in `faults`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.telegram_contract import telegram_errors

TOKEN = "4242:loopback"  # noqa: S105 - of the double
BOT = {"id": 4242, "is_bot": True, "first_name": "Adviser", "username": "AdviserBot", "can_join_groups": True,
       "can_read_all_group_messages": False}  # fmt: skip
TAP_SECONDS = 15.0
_NUMBERS = ("chat_id", "offset", "timeout", "limit", "message_id", "message_thread_id", "max_connections")
_JSON = ("reply_markup", "link_preview_options", "reply_parameters", "commands", "allowed_updates")
_TAGS = ("b", "i", "u", "s", "a", "code", "pre", "blockquote")


class Refusal(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _TAGS:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refusal(400, "Bad Request: can't parse entities: Unexpected end tag")

    def handle_data(self, data: str) -> None:
        self.text += data


class Telegram:
    """The server's state. `clock` gives seconds; `limits` are most messages and seconds per kind of chat and in all."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.base = ""
        self.updates: list[dict[str, Any]] = []
        self.asked: list[int | None] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.limits: dict[str, tuple[int, float]] = {"private": (5, 3.0), "group": (20, 60.0), "all": (30, 1.0)}
        self.conflicts = 0  # polls that ended another that was still going on
        self.blocked: set[int] = set()
        self.left: set[int] = set()
        self.unknown: set[int] = set()
        self.migrated: dict[int, int] = {}
        self.taps: dict[str, float] = {}
        self.webhook: dict[str, Any] = {"url": ""}
        self.shown: dict[tuple[str, str], Any] = {}
        self.broken: list[Callable[[web.Request], Any]] = []  # answers given instead, one a request, after the effect
        self.me: dict[str, Any] = dict(BOT)
        self.arrived = asyncio.Event()
        self._times: dict[object, list[float]] = defaultdict(list)
        self._poller: asyncio.Event | None = None

    def add(self, *updates: dict[str, Any]) -> None:
        """Let updates wait to be fetched."""
        self.updates += updates
        self.arrived.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Telegram]:
        """Listen on loopback while in the block."""
        app = web.Application()
        app.router.add_route("*", "/{before:.*}bot{token}/{method}", self._handle)
        # A poll ends when who asked is gone, as at the real server.
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.match_info["token"] != TOKEN:
                raise Refusal(401, "Unauthorized")
            sent = await request.json() if request.content_type == "application/json" else await request.post()
            params = _params(dict(request.query)) | (sent if isinstance(sent, dict) else _params(dict(sent)))
            method = request.match_info["method"]
            self.calls.append((method, params))
            self.faults += [f"{method}: {fault}" for fault in telegram_errors(method, params)]
            act = getattr(self, "_" + re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", method), None)
            if act is None:
                raise Refusal(404, "Not Found")
            result = act(params)
            if asyncio.iscoroutine(result):
                result = await result
        except Refusal as refusal:
            body = {"ok": False, "error_code": refusal.code, "description": refusal.description}
            if refusal.parameters:
                body["parameters"] = refusal.parameters
            return web.json_response(body, status=refusal.code)
        if self.broken:
            answer = self.broken.pop(0)(request)
            return await answer if asyncio.iscoroutine(answer) else answer
        return web.json_response({"ok": True, "result": result})

    async def _get_updates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook["url"]:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first")
        if self._poller is not None:
            self._poller.set()  # the later one wins, as at the real server
            self.conflicts += 1
        mine = self._poller = asyncio.Event()
        offset = params.get("offset")
        self.asked.append(offset)
        if offset is not None:
            self.updates = [update for update in self.updates if update.get("update_id", 0) >= offset]
        try:
            if not self.updates and params.get("timeout"):
                self.arrived.clear()
                waits = [asyncio.create_task(event.wait()) for event in (self.arrived, mine)]
                try:
                    await asyncio.wait(waits, timeout=params["timeout"], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()
            if mine.is_set():
                raise Refusal(409, "Conflict: terminated by other getUpdates request")
            return self.updates[: params.get("limit", 100)]
        finally:
            if self._poller is mine:
                self._poller = None

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        chat = params["chat_id"]
        self._writable(chat)
        text = self._shown_text(params)
        group = chat < 0
        now = self.clock()
        for key, limit in ((chat, "group" if group else "private"), ("all", "all")):
            most, seconds = self.limits[limit]
            times = self._times[key] = [at for at in self._times[key] if at > now - seconds]
            if len(times) >= most:
                wait = max(1, int(times[0] + seconds - now + 0.999))
                raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for key in (chat, "all"):
            self._times[key].append(now)
        message = {
            "message_id": len(self.sent) + 1, "date": 1_700_000_000, "text": text, "from": self.me,
            "chat": {"id": chat, "type": "supergroup" if group else "private"},
        }  # fmt: skip
        self.sent.append({**message, "params": params})
        return message

    def _edit_message_text(self, params: dict[str, Any]) -> dict[str, Any]:
        self._writable(params["chat_id"])
        old = next((sent for sent in self.sent if sent["message_id"] == params["message_id"]), None)
        if old is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        text = self._shown_text(params)
        if old["text"] == text and old["params"].get("reply_markup") == params.get("reply_markup"):
            raise Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        old.update(text=text, params=params)
        return {key: value for key, value in old.items() if key != "params"}

    def _answer_callback_query(self, params: dict[str, Any]) -> bool:
        made = self.taps.pop(params["callback_query_id"], None)
        if made is None or self.clock() - made > TAP_SECONDS:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        return True

    def _writable(self, chat: int) -> None:
        if chat in self.migrated:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.migrated[chat],
            )
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat in self.left:
            raise Refusal(403, "Forbidden: bot was kicked from the supergroup chat")
        if chat in self.unknown:
            raise Refusal(400, "Bad Request: chat not found")

    def _shown_text(self, params: dict[str, Any]) -> str:
        """The text without markup, after the rules on entities, length and buttons."""
        text = params.get("text", "")
        if params.get("parse_mode") == "HTML":
            parser = _Html()
            parser.feed(text)
            parser.close()
            if parser.open:
                raise Refusal(400, f"Bad Request: can't parse entities: Can't find end tag for \"{parser.open[-1]}\"")
            text = parser.text
        text = unescape(text).strip()
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            raise Refusal(400, "Bad Request: message is too long")
        for row in params.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
        return text

    def _get_me(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.me

    def _set_webhook(self, params: dict[str, Any]) -> bool:
        secret = params.get("secret_token", "")
        if not params["url"].startswith("https://"):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if (urlsplit(params["url"]).port or 443) not in (80, 88, 443, 8443):
            raise Refusal(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise Refusal(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = {key: params[key] for key in ("url", "max_connections", "allowed_updates") if key in params}
        self.webhook["secret"] = secret
        return True

    def _delete_webhook(self, params: dict[str, Any]) -> bool:
        self.webhook = {"url": ""}
        return True

    def _get_webhook_info(self, params: dict[str, Any]) -> dict[str, Any]:
        told = {key: value for key, value in self.webhook.items() if key != "secret"}
        return {"has_custom_certificate": False, "pending_update_count": len(self.updates), **told}

    def _get(self, what: str, params: dict[str, Any], otherwise: Any) -> Any:
        return self.shown.get((what, params.get("language_code", "")), otherwise)

    def _set(self, what: str, params: dict[str, Any], value: Any) -> bool:
        self.shown[what, params.get("language_code", "")] = value
        return True

    def _get_my_commands(self, params: dict[str, Any]) -> Any:
        return self._get("commands", params, [])

    def _set_my_commands(self, params: dict[str, Any]) -> bool:
        return self._set("commands", params, params["commands"])

    def _get_my_description(self, params: dict[str, Any]) -> Any:
        return {"description": self._get("description", params, "")}

    def _set_my_description(self, params: dict[str, Any]) -> bool:
        return self._set("description", params, params["description"])

    def _get_my_short_description(self, params: dict[str, Any]) -> Any:
        return {"short_description": self._get("short", params, "")}

    def _set_my_short_description(self, params: dict[str, Any]) -> bool:
        return self._set("short", params, params["short_description"])


def _params(form: dict[str, Any]) -> dict[str, Any]:
    """A form's words as the values they stand for."""
    found: dict[str, Any] = {}
    for key, value in form.items():
        number = key in _NUMBERS and re.fullmatch(r"-?\d+", value)
        found[key] = json.loads(value) if number or key in _JSON or value in ("true", "false") else value
    return found
