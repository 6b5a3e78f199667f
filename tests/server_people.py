"""The people of the kill loop, and the platforms that deliver what they write until the server says 200.

Everybody's first message is a budget, and every later one adds to it: each reply names the sum, so it tells which
event it answers, and that none before it was lost, taken twice or taken out of turn.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import aiohttp

from tests.line_posts import again, body, event, sign
from tests.server_doubles import BadLine, BadTelegram
from tests.telegram_push import HEADER

WORD = "webhook-word-of-the-kill-loop"
CHAT_FROM = 1_000_000
PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 6.0
TOO_LATE = -1


@dataclass
class Person:
    """Somebody who writes: the sums that their replies must name, in order, and how many events are kept for good."""

    name: str
    events: list[dict[str, Any]] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)
    kept: int = 0
    busy: bool = False

    def words(self, random: Random) -> str:
        """The next message."""
        if not self.sums:
            self.sums.append(300_000)
            return "預算30萬"
        more = random.randint(1, 9)
        self.sums.append(self.sums[-1] + more * 10_000)
        return f"再加{more}萬"


class Crowd:
    """Everybody, on both platforms, and how their events are delivered.

    `addresses` gives where a replica listens now; `step` is told of every answer. `over`: nothing new is written.
    """

    def __init__(
        self,
        random: Random,
        line: BadLine,
        telegram: BadTelegram,
        addresses: Callable[[], Sequence[str]],
        step: Callable[[], None],
        people: int,
    ) -> None:
        self._random, self._line, self._telegram, self._addresses, self._step = random, line, telegram, addresses, step
        self.on_line = [Person(f"line:U{number:032x}") for number in range(1, people + 1)]
        self.on_telegram = [Person(f"tg:{CHAT_FROM + number}") for number in range(1, people + 1)]
        self.over = False
        self.posts = 0
        self._numbers = itertools.count(1)

    @property
    def everybody(self) -> list[Person]:
        return [*self.on_line, *self.on_telegram]

    async def write(self, polled: bool) -> None:
        """Write and deliver until it is over and everything is kept."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http:
            self._http = http
            posters = [self._deliver_line() for _ in range(max(1, len(self.on_line) // 2))]
            chats = [self._let_fetch()] if polled else [self._deliver_telegram(person) for person in self.on_telegram]
            await asyncio.gather(*posters, *chats)

    async def _deliver_line(self) -> None:
        """One of LINE's hands: takes up to three people's next events into one call, until it is answered 200."""
        while not (self.over and all(person.kept == len(person.events) for person in self.on_line)):
            free = [person for person in self.on_line if not person.busy]
            some = self._random.sample(free, min(len(free), self._random.randint(1, 3)))
            batch: list[dict[str, Any]] = []
            for person in some:
                person.busy = True
                # Two at a time now and then: those of one call must be taken in their order.
                for _ in range(0 if self.over else 2 if self._random.random() < 0.1 else 1):
                    if len(person.events) - person.kept < 2:
                        self._say_on_line(person)
                batch += person.events[person.kept :]
            late = self._random.choice(self.on_line)
            if late.kept and self._random.random() < 0.1:
                # One from long ago once more.
                batch.insert(self._random.randint(0, len(batch)), again(self._random.choice(late.events[: late.kept])))
            status = 0
            while batch and status != 200:
                status = await self._post_line(batch)
                if status != 200:
                    # Where the server died over the call, LINE may give the tokens up.
                    batch = [self._line.again(one, withdraw=status == 0) for one in batch]
            for person in some:
                person.kept, person.busy = len(person.events), False
            if not some:
                await asyncio.sleep(PAUSE_SECONDS)

    def _say_on_line(self, person: Person) -> None:
        who = person.name.partition(":")[2]
        message = {"type": "text", "id": str(next(self._numbers)), "text": person.words(self._random),
                   "quoteToken": f"q{next(self._numbers)}"}  # fmt: skip
        now = datetime.now(UTC)
        said = event("message", {"type": "user", "userId": who}, now, self._line.issue(who, now), message=message)
        said["webhookEventId"] = f"01{next(self._numbers):024d}"
        person.events.append(said)

    async def _post_line(self, batch: list[dict[str, Any]]) -> int:
        """One call, now and then to two replicas at once; the better of the answers."""
        raw = body(*batch)
        headers = {"X-Line-Signature": sign(raw), "Content-Type": "application/json"}
        twice = 2 if self._random.random() < 0.05 else 1
        answers = await asyncio.gather(*(self._post("line", raw, headers) for _ in range(twice)))
        return 200 if 200 in answers else next((status for status in answers if status), 0)

    async def _deliver_telegram(self, person: Person) -> None:
        """One chat: the next update only after a 200 for the last, and sometimes an old one once more."""
        while not (self.over and person.kept == len(person.events)):
            if not self.over and person.kept == len(person.events):
                self._say_on_telegram(person)
            update = person.events[person.kept]
            if person.kept and self._random.random() < 0.05:
                await self._post_telegram(self._random.choice(person.events[: person.kept]))
            while await self._post_telegram(update) != 200:
                pass
            person.kept += 1

    async def _post_telegram(self, update: dict[str, Any]) -> int:
        return await self._post("telegram", aiohttp.JsonPayload(update), {HEADER: WORD})

    async def _let_fetch(self) -> None:
        """Keep up to three updates of everybody waiting to be fetched."""
        by_number: dict[int, Person] = {}

        def confirmed(offset: int) -> None:
            for number in [number for number in by_number if number < offset]:
                by_number.pop(number).kept += 1

        self._telegram.confirmed = confirmed
        while not (self.over and not by_number):
            for person in self._random.sample(self.on_telegram, len(self.on_telegram)):
                if not self.over and len(person.events) - person.kept < 3:
                    update = self._say_on_telegram(person)
                    by_number[update["update_id"]] = person
                    self._telegram.add(update)
            await asyncio.sleep(PAUSE_SECONDS)

    def _say_on_telegram(self, person: Person) -> dict[str, Any]:
        number, chat = next(self._numbers), int(person.name.partition(":")[2])
        who = {"id": chat, "is_bot": False, "first_name": "A", "language_code": "zh-hant"}
        message = {"message_id": number, "date": int(datetime.now(UTC).timestamp()), "from": who,
                   "chat": {"id": chat, "type": "private"}, "text": person.words(self._random)}  # fmt: skip
        update = {"update_id": number, "message": message}
        person.events.append(update)
        return update

    async def _post(self, path: str, data: Any, headers: dict[str, str]) -> int:
        """One call to any replica; its status, 0 where the connection broke."""
        while not (places := self._addresses()):
            await asyncio.sleep(PAUSE_SECONDS)
        self.posts += 1
        try:
            url = f"{self._random.choice(places)}/{path}"
            async with self._http.post(url, data=data, headers=headers) as answer:
                status = answer.status
        except TimeoutError:
            status = TOO_LATE
        except aiohttp.ClientConnectorError:
            status = 0
        except (aiohttp.ClientError, ConnectionError):
            status = 0
            self._step()
        else:
            self._step()
        if status != 200:
            await asyncio.sleep(PAUSE_SECONDS)
        return status
