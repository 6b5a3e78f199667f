"""Courtesies: what is asked of LINE beside the answer, in the background, and let go rather than in its way.

"Read" under a message once its turn is durable; moving dots in a one-to-one chat whose answer takes longer than a
second; the language of somebody who has just come. A call that fails or is let go is counted and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from handlers.line_client import Answer, LineClient
from handlers.line_events import PLATFORM, Heard

log = logging.getLogger("kol_advisor.line")
CALL_SECONDS = 2.0
# LINE counts a webhook as failed after two seconds, and the turn has to become durable in them as well.
LANGUAGE_SECONDS = 0.7
PATIENCE_SECONDS = 1.0
LOADING_SECONDS = 20  # 5 to 60 in fives; the dots go as soon as the answer is there
AT_ONCE = 8  # of the client's 64 connections, which are for answers
# LINE takes 100 of "loading" a second, from all replicas together. A mark reads everything before it too, so one that
# is let go is made good by the next; under load they must not cost what answers need.
PER_SECOND = 20
CHAT_OFF_SECONDS = 600.0
# What is answered: an arrival, a message, a tap.
_ANSWERED = frozenset({"text", "edit", "press", "sticker", "image", "audio", "video", "file", "location", "other"})


class Courtesies:
    """Of one client, in one loop. `counts` says how many of each were asked, done, failed and let go."""

    def __init__(
        self,
        client: LineClient,
        *,
        mark_as_read: bool = True,
        patience: float | None = None,
        language_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience`: seconds without an answer before the dots, `language_seconds`: how long a profile may take,
        both as above where left out; `clock`: seconds from any beginning."""
        self._client, self._marks, self._clock = client, mark_as_read, clock
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._language_seconds = LANGUAGE_SECONDS if language_seconds is None else language_seconds
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked = self._under_way = 0
        self._second: dict[str, tuple[int, int]] = {}
        self._no_marks_before = float("-inf")
        self.counts: Counter[str] = Counter()

    async def language(self, person: str) -> str | None:
        """The language of a person's profile as a tag such as `zh-TW`, or `None` if LINE does not say in time."""
        if self._asked >= AT_ONCE:
            self.counts["language let go"] += 1
            return None
        self._asked += 1
        who = quote(person.removeprefix(f"{PLATFORM}:"), safe="")
        try:
            answer = await self._client.call("GET", f"/v2/bot/profile/{who}", seconds=self._language_seconds)
        finally:
            self._asked -= 1
        language = answer.data.get("language") if answer.well else None
        known = language if isinstance(language, str) and 0 < len(language) <= 35 else None
        self.counts["language known" if known else "language unknown"] += 1
        return known

    def expect(self, heard: Heard) -> None:
        """An answer to this will be sent: should it take long, show that it is being made. One to one only."""
        if heard.group or heard.kind not in _ANSWERED or heard.person in self._waiting:
            return
        timer = asyncio.get_running_loop().call_later(self._patience, self._show, heard.person)
        self._waiting[heard.person] = timer

    def settled(self, person: str) -> None:
        """The answer is there, or none will come."""
        timer = self._waiting.pop(person, None)
        if timer is not None:
            timer.cancel()

    @property
    def waiting(self) -> int:
        """How many people wait for an answer, and have not waited long."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many calls are being made now."""
        return self._under_way

    def durable(self, heard: Heard) -> None:
        """The turn of this is kept: the person may see that it was read."""
        token = heard.mark_as_read_token
        if not self._marks or token is None or self._clock() < self._no_marks_before:
            return
        self._begin("mark", lambda: self._mark(token))

    async def close(self) -> None:
        """Forget what waits, and end what is under way."""
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _show(self, person: str) -> None:
        self._waiting.pop(person, None)
        body = {"chatId": person.removeprefix(f"{PLATFORM}:"), "loadingSeconds": LOADING_SECONDS}
        self._begin("loading", lambda: self._client.call("POST", _LOADING, body, seconds=CALL_SECONDS))

    async def _mark(self, token: str) -> Answer:
        answer = await self._client.call("POST", _MARK, {"markAsReadToken": token}, seconds=CALL_SECONDS)
        if answer.status == 400 and "chat is enabled" in answer.said:
            # The account has "Chat" off; there LINE marks everything as read by itself.
            self._no_marks_before = self._clock() + CHAT_OFF_SECONDS
        return answer

    def _begin(self, what: str, call: Callable[[], Awaitable[Answer]]) -> None:
        second, many = self._second.get(what, (0, 0))
        now = int(self._clock())
        many = many if second == now else 0
        if many >= PER_SECOND or self._under_way >= AT_ONCE:
            self.counts[f"{what} let go"] += 1
            return
        self._second[what] = (now, many + 1)
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(self._do(what, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, what: str, call: Callable[[], Awaitable[Answer]]) -> None:
        try:
            answer = await call()
        finally:
            self._under_way -= 1
        self.counts[f"{what} done" if answer.well else f"{what} failed"] += 1
        if not answer.well:
            log.debug("LINE did not take %s: %s %s%s", what, answer.status, answer.said, answer.fault)


_LOADING = "/v2/bot/chat/loading/start"
_MARK = "/v2/bot/chat/markAsRead"
