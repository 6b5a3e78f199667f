"""The client: one connection pool to the Bot API a process, and what became of each call."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bot.delivery import Delivered, Dropped, Outcome, Outgoing, Retry
from handlers.telegram_pace import Pace

if TYPE_CHECKING:
    from telegram import Bot

    from handlers.telegram_http import AiohttpRequest

DEFAULT_BASE = "https://api.telegram.org"
# The only kinds of update that mean something here; everything else stays at Telegram.
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
MOST_CONNECTIONS = 64
LONG_POLL_SECONDS = 50
MOST_UPDATES = 100
# A send waits this long for its turn itself; beyond, the row goes back to the queue.
PATIENCE_SECONDS = 3.0
AFTER_REFUSAL_SECONDS = 60.0
# A chat that has another number: the conversation is moved there at once; this is for when that fails.
AFTER_MOVE_SECONDS = 5.0
# What Telegram says where nobody can read a reply, however sound it is. In capitals are names of its own.
_NOBODY = (
    "chat not found", "user is deactivated", "group chat was deactivated", "no rights to send", "not enough rights",
    "message thread not found", "peer_id_invalid", "chat_write_forbidden", "chat_restricted", "chat_admin_required",
    "topic_closed", "topic_deleted", "user_is_blocked",
)  # fmt: skip
# These log whole addresses, of which the token is a part, and whole answers; what matters of both is in the outcome.
_TALKATIVE = ("httpx", "httpcore", "telegram")


class TelegramClient:
    """python-telegram-bot's `Bot` with our own time-outs, without `Application`, rate limiter or proxy.

    The library is imported on the first call of `open`. `clock` gives seconds that never go back; `sleep` waits.
    """

    def __init__(
        self,
        token: str,
        base_url: str = DEFAULT_BASE,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._token = token
        self._base = base_url.rstrip("/").removesuffix("/bot")
        self._sleep = sleep
        self._pace = pace or Pace(clock)
        self._read_seconds = read_seconds
        self._bot: Bot | None = None
        self._requests: tuple[AiohttpRequest, AiohttpRequest] | None = None

    async def open(self) -> None:
        """Make the connection pools; nothing is sent. Raises `ValueError` for an empty token."""
        if not self._token:
            raise ValueError("telegram.token is empty")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Without it the library warns on every 429 about a type it will change.
        os.environ.setdefault("PTB_TIMEDELTA", "true")
        from telegram import Bot

        from handlers.telegram_http import AiohttpRequest

        self._requests = (
            AiohttpRequest(MOST_CONNECTIONS, connect=CONNECT_SECONDS, read=self._read_seconds),
            AiohttpRequest(2, connect=CONNECT_SECONDS, read=LONG_POLL_SECONDS + READ_SECONDS),
        )
        for each in self._requests:
            await each.initialize()
        self._bot = Bot(
            self._token,
            base_url=f"{self._base}/bot",
            base_file_url=f"{self._base}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )

    async def close(self) -> None:
        """Close the pools; the client can be opened again."""
        requests, self._requests, self._bot = self._requests, None, None
        for each in requests or ():
            await each.shutdown()

    async def __aenter__(self) -> TelegramClient:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def bot(self) -> Bot:
        """The library's client, for the calls that setting up and examining need."""
        if self._bot is None:
            raise RuntimeError("the Telegram client is not open")
        return self._bot

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Send one reply; its body is one call of `to_telegram` as JSON."""
        try:
            call = json.loads(outgoing.body)
        except ValueError:
            return Dropped("the body is no JSON")
        return await self.make(call if isinstance(call, dict) else {})

    async def make(self, call: Mapping[str, Any]) -> Outcome:
        """Make one call of `to_telegram`; never raises but when cancelled.

        A chat that became a supergroup has another number: the outcome says where its conversation goes on. After a
        time-out it is unknown whether the message arrived; it is tried again, so a person may see it twice (Telegram
        has no means against it).
        """
        params = dict(call.get("params") or {})
        chat = params.pop("chat_id", None)
        text = params.pop("text", None)
        if call.get("method") != "sendMessage" or type(chat) is not int or not isinstance(text, str):
            return Dropped(f"no call this program makes: {call.get('method')!r}")
        wait = self._pace.book(chat, PATIENCE_SECONDS)
        if wait > PATIENCE_SECONDS:
            return self._later(wait, "too many messages for now")
        if wait > 0:
            await self._sleep(wait)
            if held := self._pace.held(chat):
                return self._later(held, "too many messages for now")
        try:
            await self.bot.send_message(chat, text, api_kwargs=params)
        except Exception as error:
            return self._failed(error, chat)
        return Delivered()

    def _failed(self, error: Exception, chat: int) -> Outcome:
        """What an error means for the message."""
        from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter

        said = str(error).lower()
        match error:
            case ChatMigrated():
                return Retry(AFTER_MOVE_SECONDS, "the chat has another number now", moved_to=f"tg:{error.new_chat_id}")
            case RetryAfter():
                seconds = retry_after(error)
                self._pace.halt(chat, seconds)
                return self._later(seconds, "too many requests")
            case BadRequest() if "message is not modified" in said:
                return Delivered()
            case Forbidden() if said.startswith("forbidden: "):
                # Blocked, deactivated, kicked: no later try can succeed. Others who forbid (a proxy) say it otherwise.
                return Dropped(self.plain(error), unread=True)
            case BadRequest() if error.__cause__ is None:
                return Dropped(self.plain(error), unread=any(part in said for part in _NOBODY))
            case InvalidToken() | Conflict():
                return Retry(AFTER_REFUSAL_SECONDS, f"refused: {error.__class__.__name__}")
        return Retry(None, error.__class__.__name__)

    def _later(self, seconds: float, reason: str) -> Retry:
        """A wait that Telegram wants: of this chat, or of all while the whole bot is halted."""
        return Retry(seconds, reason, everyone=self._pace.held(None) > 0)

    async def answer(self, callback_id: str | None) -> bool:
        """Stop a tapped button's clock; call it as soon as the tap is heard. Whether it worked changes nothing."""
        from telegram.error import RetryAfter

        if not callback_id or self._pace.held(None):
            return False
        try:
            return bool(await self.bot.answer_callback_query(callback_id))
        except RetryAfter as error:
            self._pace.halt(None, retry_after(error))
        except Exception as error:
            # Mostly "query is too old": the person has the answer by then, and the clock stops by itself.
            logging.getLogger(__name__).debug("a tap was not acknowledged: %s", error.__class__.__name__)
        return False

    async def updates(self, offset: int | None, seconds: int = LONG_POLL_SECONDS) -> list[Any]:
        """Wait up to `seconds` for updates from `offset` on, as plain JSON; raises the library's errors,
        and `ValueError` for an answer that holds none.

        Asking with an offset confirms every update before it: Telegram forgets them. The library's own
        `get_updates` would lose the whole batch over one update that it cannot read.
        """
        asked = {"timeout": seconds, "limit": MOST_UPDATES, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if offset is not None:
            asked["offset"] = offset
        if self._requests is None:
            raise RuntimeError("the Telegram client is not open")
        found: Any = await self._requests[1].post(f"{self.bot.base_url}/getUpdates?{urlencode(asked)}")
        if not isinstance(found, list):
            # Not "no updates": that would count as an answer, and confirm what it did not.
            raise ValueError("getUpdates was not answered with a list")
        return found

    def plain(self, error: Exception) -> str:
        """An error in words, without the token."""
        return (str(error) or error.__class__.__name__).replace(self._token, "…")[:300]


def retry_after(error: Any) -> float:
    """The seconds of a 429, at least one; the library gives a number or a time span."""
    wait = error.retry_after
    return max(1.0, wait.total_seconds() if isinstance(wait, timedelta) else float(wait))
