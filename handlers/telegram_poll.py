"""Long polling: one loop that asks Telegram for updates and confirms them only when they are kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from handlers.telegram_client import TelegramClient, retry_after
from handlers.telegram_heard import Heard, from_telegram

FIRST_PAUSE_SECONDS = 1.0
MOST_PAUSE_SECONDS = 30.0
# After being told to stop: what is being kept may finish, then it is left for Telegram to repeat.
GRACE_SECONDS = 0.8
_log = logging.getLogger(__name__)

Submit = Callable[[Heard], Awaitable[object]]


def _now() -> datetime:
    return datetime.now(UTC)


class Poller:
    """Asks, submits, confirms. `submit` returns when a message is durable and raises when it cannot be kept.

    Updates of one conversation are submitted one after another, those of different conversations side by side.
    What fails is submitted again after a pause, with everything after it in its conversation; what was kept is
    not. Nothing is confirmed beyond the first update that is not kept, so a stop or a crash loses nothing:
    Telegram repeats it, and `submit` knows it by its event id. Only one poller may run for a bot.
    """

    def __init__(
        self,
        client: TelegramClient,
        submit: Submit,
        bot_username: str,
        bot_id: int,
        *,
        now: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._grace = grace
        self._client, self._submit, self._now, self._sleep = client, submit, now, sleep
        self._username, self._bot_id = bot_username, bot_id
        self._kept: set[int] = set()
        self._pause = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; then return within a second. Errors are waited out, never raised."""
        stopping = asyncio.create_task(stop.wait())
        try:
            offset: int | None = None
            while not stop.is_set():
                found = await self._first(self._fetch(offset), stopping, 0.0)
                if found is None:
                    continue
                # Telegram has answered, so all before `offset` is confirmed. Asking without one from here on
                # keeps working when update numbers start anew, as they may after a quiet week.
                offset = await self._first(self._round(found), stopping, self._grace)
                if self._pause:
                    await self._first(self._sleep(self._pause), stopping, 0.0)
        finally:
            stopping.cancel()

    async def _first(self, work: Awaitable[Any], stopping: asyncio.Task[Any], grace: float) -> Any:
        """The result of `work`, or `None` if the stop came first and `grace` seconds did not suffice."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and grace:
                await asyncio.wait({task}, timeout=grace)
            return task.result() if task.done() else None
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _fetch(self, offset: int | None) -> list[Any] | None:
        """The next updates, or `None` after an error that was waited out."""
        from telegram.error import Conflict, RetryAfter

        try:
            return await self._client.updates(offset)
        except RetryAfter as error:
            pause = retry_after(error)
        except Conflict:
            _log.error("Telegram: another poller runs for this bot, or a webhook is set (run: kol-advisor doctor)")
            pause = MOST_PAUSE_SECONDS
        except Exception as error:
            self._pause = min(MOST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS)
            _log.warning("Telegram: no updates (%s), next try in %.0f s", error.__class__.__name__, self._pause)
            pause = self._pause
        await self._sleep(pause)
        return None

    async def _round(self, found: Sequence[Any]) -> int | None:
        """Keep a batch; returns the offset that confirms what is kept, and sets the pause if something is not."""
        numbers = [_number(update) for update in found]
        lanes: dict[str, list[tuple[int, Heard]]] = {}
        # A chat that takes another's place is submitted in one lane with it, behind what was said before.
        places: dict[str, str] = {}
        for number, update in zip(numbers, found, strict=True):
            if number is None or number in self._kept:
                continue
            heard = from_telegram(update, self._username, self._bot_id, self._now())
            if heard is None:
                self._kept.add(number)
            else:
                lane = places.get(heard.conversation, heard.conversation)
                if heard.moved_to:
                    places[heard.moved_to] = lane
                lanes.setdefault(lane, []).append((number, heard))
        failed = await asyncio.gather(*(self._lane(lane) for lane in lanes.values()))
        known = sorted(number for number in numbers if number is not None)
        left = [number for number in known if number not in self._kept]
        stuck = any(failed) or (bool(found) and not known)
        self._pause = min(MOST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS) if stuck else 0.0
        offset = left[0] if left else known[-1] + 1 if known else None
        self._kept = {number for number in self._kept if left and number > left[0]}
        return offset

    async def _lane(self, lane: list[tuple[int, Heard]]) -> bool:
        """Submit one conversation's updates in their order; whether one of them failed."""
        for number, heard in lane:
            try:
                await self._submit(heard)
            except Exception as error:
                _log.warning("a Telegram update could not be kept (%s), it is tried again", error.__class__.__name__)
                return True
            self._kept.add(number)
        return False


def _number(update: object) -> int | None:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int else None
