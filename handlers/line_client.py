"""The client: one connection pool to LINE a process, and what became of each call.

How a reply goes out: by its reply token while that is young (free of charge), else as a push, which counts against
the month's quota and carries its retry key from the first try, so that LINE takes it once however often we try.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.delivery import Delivered, Dropped, Outcome, Outgoing, Retry
from handlers.line_events import LineFault

if TYPE_CHECKING:
    from aiohttp import ClientTimeout

log = logging.getLogger("kol_advisor.line")
DEFAULT_BASE = "https://api.line.me"
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
MOST_CONNECTIONS = 64
# LINE promises a reply token for one minute after the webhook came; the rest is for the way there.
REPLY_SECONDS = 50.0
RATE_PAUSE_SECONDS = 1.0
REFUSED_PAUSE_SECONDS = 60.0
# The quota can look used up while another delivery is being counted, so it is asked once more before giving up; soon,
# because what this person is told next waits behind it, and its reply token, which costs nothing, grows old.
QUOTA_PAUSE_SECONDS = 10.0
QUOTA_QUIET_SECONDS = 3600.0  # between two lines in the log
_REMEMBERED = 10_000
_REASON = 160


@dataclass(frozen=True, slots=True)
class Answer:
    """What LINE answered; status 0 if no answer came: then `data` is empty and `fault` says why."""

    status: int
    data: Mapping[str, Any]
    retry_after: float | None = None
    fault: str = ""

    @property
    def well(self) -> bool:
        """Whether LINE did what was asked."""
        return 200 <= self.status < 300

    @property
    def said(self) -> str:
        """LINE's own message about an error, one line."""
        return " ".join(str(self.data.get("message") or "").split())[:_REASON]


def body_of(
    messages: Sequence[Mapping[str, Any]], *, reply_token: str | None = None, token_at: datetime | None = None
) -> str:
    """What to keep of a reply until it is sent: the text that `LineClient.send` takes as `Outgoing.body`."""
    body: dict[str, Any] = {"messages": list(messages)}
    if reply_token and token_at is not None:
        body |= {"token": reply_token, "token_at": token_at.timestamp()}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


class LineClient:
    """line-bot-sdk's client with our own time-outs, plain dicts, and no proxy from the environment.

    The library is imported on the first call of `open`. `now` is the clock by which reply tokens age.
    """

    def __init__(
        self,
        token: str,
        base_url: str = DEFAULT_BASE,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: float = TOTAL_SECONDS,
        sent: Callable[[Sequence[str]], None] = lambda ids: None,
    ) -> None:
        """Nothing is opened yet. `sent` is told the ids of what was said in a group."""
        self._token = token
        self._base = base_url.rstrip("/")
        self._now = now
        self._seconds = seconds
        self._api: Any = None  # the library has no types
        self._refused: OrderedDict[str, None] = OrderedDict()
        # Replies whose first try was made here.
        self._ours: OrderedDict[str, None] = OrderedDict()
        self._sent = sent
        self._complained_at = float("-inf")

    async def open(self) -> None:
        """Make the connection pool; nothing is sent. Raises `LineFault` for a token or an address that cannot be."""
        if not self._token or not self._token.isascii() or not self._token.isprintable() or " " in self._token:
            raise LineFault("line.channel_access_token is empty or has signs that no token has; copy it anew")
        if not web_address(self._base, "http", "https"):
            raise LineFault(f"line.api_base is no web address; leave it out for {DEFAULT_BASE}")
        from aiohttp import ClientSession, ClientTimeout, TCPConnector
        from linebot.v3.messaging import AsyncApiClient, Configuration  # type: ignore[import-untyped]

        # The library writes every answer into its debug log, and a profile names a person.
        logging.getLogger("linebot.v3.messaging.async_rest").setLevel(logging.INFO)
        api = AsyncApiClient(Configuration(host=self._base, access_token=self._token))
        # Its own session takes a proxy from the environment and waits five minutes.
        await api.rest_client.pool_manager.close()
        api.rest_client.pool_manager = ClientSession(
            connector=TCPConnector(limit=MOST_CONNECTIONS),
            timeout=ClientTimeout(total=self._seconds, sock_connect=CONNECT_SECONDS),
            trust_env=False,
        )
        self._api = api

    async def close(self) -> None:
        """Close the pool; the client can be opened again."""
        api, self._api = self._api, None
        if api is not None:
            await api.close()

    async def __aenter__(self) -> LineClient:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        retry_key: str | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """One call of the Messaging API; never raises but when cancelled or not open. `seconds` is the time-out."""
        if self._api is None:
            raise RuntimeError("the LINE client is not open")
        from linebot.v3.messaging import ApiException

        headers = dict(self._api.default_headers)
        if retry_key:
            headers["X-Line-Retry-Key"] = retry_key
        try:
            answer = await self._api.request(
                method, self._base + path, headers=headers, body=body, _request_timeout=self._timeout(seconds)
            )
        except ApiException as error:
            return _answer(error.status, error.body, error.headers)
        except Exception as error:
            # Only its name: the text of an exception may hold an address or a header.
            return Answer(0, {}, fault=error.__class__.__name__)
        return _answer(answer.status, answer.data, answer.getheaders())

    def _timeout(self, seconds: float | None) -> ClientTimeout:
        from aiohttp import ClientTimeout

        total = seconds or self._seconds
        return ClientTimeout(total=total, sock_connect=min(CONNECT_SECONDS, total))

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Try once to deliver a reply whose body is of `body_of`; never raises but when cancelled.

        A reply token works once, and that is what makes trying again safe: if our own first try may have arrived and
        LINE now calls the young token invalid, it did arrive. Where the minute is over before that is known, or
        another process tried before us (it was killed: perhaps before sending, and LINE may refuse a token for other
        reasons), the reply goes out as a push, and may then be seen twice.
        """
        try:
            body = json.loads(outgoing.body)
            messages, token, began = body["messages"], body.get("token"), float(body.get("token_at") or 0)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Dropped("no reply this program makes")
        to = outgoing.conversation.partition(":")[2]
        young = token and self._now().timestamp() - began < REPLY_SECONDS
        if young and outgoing.key not in self._refused:
            if not outgoing.tries:
                _keep(self._ours, outgoing.key)
            answer = await self.call("POST", "/v2/bot/message/reply", {"replyToken": token, "messages": messages})
            invalid = "reply token" in answer.said.lower()
            if answer.status != 400 or (answer.said and not invalid):
                self._remember(to, answer)
                return self._outcome(answer, outgoing)
            if invalid and outgoing.tries and outgoing.key in self._ours:
                return Delivered()
            # From here on "invalid" proves nothing any more: this reply goes by push at every later try too.
            _keep(self._refused, outgoing.key)
        answer = await self.call(
            "POST", "/v2/bot/message/push", {"to": to, "messages": messages}, retry_key=outgoing.key
        )
        self._remember(to, answer)
        return Delivered() if answer.status == 409 else self._outcome(answer, outgoing)

    def _outcome(self, answer: Answer, outgoing: Outgoing) -> Outcome:
        if answer.well:
            return Delivered()
        if answer.status == 0:
            return Retry(None, answer.fault)
        reason = f"LINE {answer.status}: {answer.said or 'no reason given'}"
        if answer.status == 429:
            if "monthly limit" not in answer.said.lower():
                return Retry(answer.retry_after or RATE_PAUSE_SECONDS, reason, everyone=True)
            self._complain()
            return Dropped(reason) if outgoing.tries else Retry(QUOTA_PAUSE_SECONDS, reason)
        if answer.status == 401:
            return Retry(REFUSED_PAUSE_SECONDS, reason, everyone=True)
        if answer.status >= 500 or answer.status == 408:
            return Retry(answer.retry_after, reason)
        return Dropped(reason)

    def _remember(self, to: str, answer: Answer) -> None:
        """Keep the ids of what was said in groups, where quoting us speaks to us."""
        sent = answer.data.get("sentMessages")
        if to.startswith(("C", "R")) and isinstance(sent, list):
            ids = [one["id"] for one in sent if isinstance(one, dict) and isinstance(one.get("id"), str)]
            self._sent([one for one in ids if one and one.isascii() and one.isprintable()])

    def _complain(self) -> None:
        """Tell the operator about the quota, once in an hour."""
        now = self._now().timestamp()
        if now - self._complained_at >= QUOTA_QUIET_SECONDS:
            self._complained_at = now
            log.error(
                "LINE's monthly quota of pushes is used up: answers later than a minute become dead letters, those "
                "within it are free and go on; choose a larger plan in LINE Official Account Manager"
            )


def web_address(address: str, *schemes: str) -> bool:
    """Whether this is an address with a host, of one of the schemes."""
    try:
        parts = urlsplit(address)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _keep(known: OrderedDict[str, None], key: str) -> None:
    known[key] = None
    while len(known) > _REMEMBERED:
        known.popitem(last=False)


def _answer(status: int | None, raw: object, headers: Mapping[str, str] | None) -> Answer:
    data: object = None
    if isinstance(raw, bytes):
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            data = None
    after = (headers or {}).get("Retry-After", "")
    return Answer(status or 0, data if isinstance(data, dict) else {}, float(after) if after.isdecimal() else None)
