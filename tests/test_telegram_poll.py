"""Long polling: only what is kept is confirmed, in order, and the stop is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from handlers.telegram import Heard, TelegramClient
from handlers.telegram_poll import MOST_PAUSE_SECONDS, Poller
from tests.telegram_double import TOKEN, Telegram
from tests.test_telegram import NOW


def _writer(chat: int) -> dict[str, Any]:
    return {"id": chat, "is_bot": False, "first_name": "A"}


def text(number: int, chat: int = 55) -> dict[str, Any]:
    """An update: a person's text."""
    message = {"message_id": number, "date": 1_700_000_000, "text": "hi", "from": _writer(chat)}
    return {"update_id": number, "message": {**message, "chat": {"id": chat, "type": "private"}}}


def tap(number: int, chat: int = 55) -> dict[str, Any]:
    """An update: a person's tap."""
    message = {"message_id": 1, "date": 1_700_000_000, "chat": {"id": chat, "type": "private"}}
    query = {"id": str(number), "data": "v1|why", "chat_instance": "1", "from": _writer(chat), "message": message}
    return {"update_id": number, "callback_query": query}


def number_of(heard: Heard) -> int:
    """The number of the update that `text` or `tap` made."""
    return int(heard.callback_id or heard.message_id or 0)


class Inbox:
    """Keeps what is submitted; fails as told; stops the poller when all that is expected has come."""

    def __init__(self, expected: int, stop: asyncio.Event, fail: Callable[[Heard, int], bool]) -> None:
        self.kept: list[int] = []
        self.tries: list[int] = []
        self._expected, self._stop, self._fail = expected, stop, fail

    async def submit(self, heard: Heard) -> None:
        number = number_of(heard)
        self.tries.append(number)
        await asyncio.sleep(0)
        if self._fail(heard, self.tries.count(number)):
            raise OSError("inbox full")
        self.kept.append(number)
        if len(self.kept) == self._expected:
            self._stop.set()


def polled(
    prepare: Callable[[Telegram], None],
    expected: int,
    *,
    fail: Callable[[Heard, int], bool] = lambda heard, tries: False,
    token: str = TOKEN,
    on_pause: Callable[[Telegram, asyncio.Event, int], None] = lambda double, stop, pauses: None,
) -> tuple[Telegram, Inbox, list[float]]:
    """Poll until `expected` updates are kept, or `on_pause` stops it; pauses pass at once and are noted."""

    async def main() -> tuple[Telegram, Inbox, list[float]]:
        stop = asyncio.Event()
        inbox = Inbox(expected, stop, fail)
        pauses: list[float] = []
        async with Telegram().serving() as double:
            prepare(double)

            async def sleep(seconds: float) -> None:
                pauses.append(seconds)
                on_pause(double, stop, len(pauses))

            async with TelegramClient(token, double.base) as client:
                poller = Poller(client, inbox.submit, "AdviserBot", 4242, now=lambda: NOW, sleep=sleep)
                await asyncio.wait_for(poller.run(stop), 30)
        assert double.faults == []
        return double, inbox, pauses

    return asyncio.run(main())


def test_updates_are_kept_in_order_and_confirmed() -> None:
    def more(double: Telegram) -> None:
        double.add(*(text(number, chat=number % 3 + 1) for number in range(10, 260)))

    double, inbox, pauses = polled(more, 250)
    assert sorted(inbox.kept) == list(range(10, 260))
    for chat in range(3):
        mine = [number for number in inbox.kept if number % 3 == chat]
        assert mine == sorted(mine)
    assert double.asked == [None, 110, 210]
    assert pauses == []


def test_a_text_and_a_tap_of_one_person_share_a_lane() -> None:
    _, inbox, _ = polled(lambda d: d.add(*(kind(n) for n in range(1, 21) for kind in [(text, tap)[n % 2]])), 20)
    assert inbox.kept == list(range(1, 21))


def test_a_chat_that_moves_is_kept_in_order_with_where_it_goes() -> None:
    """Both updates tell of it; what is said in the new chat is submitted behind what was said in the old one."""

    def service(number: int, chat: int, **more: int) -> dict[str, Any]:
        update = text(number, chat)
        del update["message"]["text"]
        update["message"] |= {"chat": {"id": chat, "type": "supergroup" if chat < -(10**12) else "group"}, **more}
        return update

    def asked(number: int, chat: int) -> dict[str, Any]:
        update = service(number, chat)
        update["message"] |= {"text": "/help"}
        return update

    old, new = -5, -1_000_000_000_005
    said = [asked(1, old), service(2, old, migrate_to_chat_id=new), service(3, new, migrate_from_chat_id=old),
            asked(4, new), asked(5, -6)]  # fmt: skip

    def fail(heard: Heard, tries: int) -> bool:
        return number_of(heard) in (1, 2) and tries == 1

    _, inbox, _ = polled(lambda d: d.add(*said), 5, fail=fail)
    assert [number for number in inbox.kept if number != 5] == [1, 2, 3, 4]


def test_what_cannot_be_kept_is_not_confirmed_and_comes_again_in_order() -> None:
    """Person 1's third update fails twice; person 2 goes on; nothing is kept twice or out of order."""

    def fail(heard: Heard, tries: int) -> bool:
        return number_of(heard) == 5 and tries <= 2

    double, inbox, pauses = polled(lambda d: d.add(*(text(n, chat=n % 2 + 1) for n in range(1, 11))), 10, fail=fail)
    assert sorted(inbox.kept) == list(range(1, 11))
    assert [n for n in inbox.kept if n % 2] == [1, 3, 5, 7, 9]
    assert len(inbox.kept) == len(set(inbox.kept))
    assert double.asked[1:3] == [5, 5]
    assert pauses == [1.0, 2.0]


def test_what_says_nothing_and_what_is_broken_is_passed_over() -> None:
    strange = [{"update_id": 1, "telepathy": {}}, {"update_id": 2, "message": []}, {"no": 1}, text(3)]
    _, inbox, _ = polled(lambda d: d.add(*strange), 1)
    assert inbox.kept == [3]


def test_numbers_that_start_anew_are_not_lost() -> None:
    """After an empty answer it asks without an offset, so a lower number is seen."""

    async def main() -> None:
        stop = asyncio.Event()
        inbox = Inbox(2, stop, lambda heard, tries: False)
        async with Telegram().serving() as double, TelegramClient(TOKEN, double.base) as client:
            asked: list[int | None] = []

            async def updates(offset: int | None) -> list[Any]:
                asked.append(offset)
                if len(asked) == 3:
                    double.add(text(3))
                return await TelegramClient.updates(client, offset, 0)

            client.updates = updates  # type: ignore[assignment]
            double.add(text(900_000))
            await Poller(client, inbox.submit, "AdviserBot", 4242).run(stop)
            assert inbox.kept == [900_000, 3]
            assert asked == [None, 900_001, None]

    asyncio.run(main())


def test_errors_are_waited_out_longer_each_time() -> None:
    def prepare(double: Telegram) -> None:
        double.broken += [lambda _: web.Response(text="oops", status=502)] * 5
        double.broken += [lambda _: web.Response(text="oops"), lambda _: web.json_response({"ok": True, "result": 1})]
        double.add(text(1))

    _, inbox, pauses = polled(prepare, 1)
    assert inbox.kept == [1]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_429_is_obeyed() -> None:
    def prepare(double: Telegram) -> None:
        body = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": 17}}
        double.broken.append(lambda _: web.json_response(body, status=429))
        double.add(text(1))

    _, inbox, pauses = polled(prepare, 1)
    assert (inbox.kept, pauses) == ([1], [17.0])


def test_a_webhook_in_the_way_is_waited_out() -> None:
    def prepare(double: Telegram) -> None:
        double.webhook = {"url": "https://x.test"}
        double.add(text(1))

    def on_pause(double: Telegram, stop: asyncio.Event, pauses: int) -> None:
        if pauses == 2:
            double.webhook = {"url": ""}

    _, inbox, pauses = polled(prepare, 1, on_pause=on_pause)
    assert (inbox.kept, pauses) == ([1], [MOST_PAUSE_SECONDS] * 2)


def test_a_refused_token_is_waited_out_until_told_to_stop() -> None:
    def on_pause(double: Telegram, stop: asyncio.Event, pauses: int) -> None:
        if pauses == 3:
            stop.set()

    _, inbox, pauses = polled(lambda d: d.add(text(1)), 1, token="77:wrong", on_pause=on_pause)  # noqa: S106
    assert (inbox.kept, len(pauses)) == ([], 3)


def test_stopping_does_not_wait_for_the_long_poll_nor_for_a_stuck_inbox() -> None:
    """The long poll lasts 50 s and the inbox never answers: the stop ends both."""

    async def main() -> None:
        for updates in ([], [text(1)]):
            stop, reached = asyncio.Event(), asyncio.Event()

            async def never(heard: Heard, reached: asyncio.Event = reached) -> None:
                reached.set()
                await asyncio.Event().wait()

            async with Telegram().serving() as double, TelegramClient(TOKEN, double.base) as client:
                double.add(*updates)
                poller = asyncio.create_task(Poller(client, never, "AdviserBot", 4242, grace=0.0).run(stop))
                while not (reached.is_set() if updates else double.asked):
                    await asyncio.sleep(0)
                stop.set()
                await asyncio.wait_for(poller, 20)
                assert double.asked == [None]  # nothing was confirmed
                assert double.updates == updates

    asyncio.run(main())


def test_a_second_poller_is_told_of() -> None:
    async def main() -> None:
        async with Telegram().serving() as double, TelegramClient(TOKEN, double.base) as client:
            from telegram.error import Conflict

            first = asyncio.create_task(client.updates(None))
            while not double.asked:
                await asyncio.sleep(0)
            second = asyncio.create_task(client.updates(None))
            try:
                await first
            except Conflict:
                double.add(text(1))
                assert len(await second) == 1
            else:
                raise AssertionError("the first poller was not ended")

    asyncio.run(main())
