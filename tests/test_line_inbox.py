"""LINE's inbox: one call's events become turns in order and in time, between the double and a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Busy, Store
from handlers.exchange import work_of
from handlers.line import LineClient, read_post
from handlers.line_courtesy import Courtesies
from handlers.line_inbox import LineInbox
from handlers.line_sent import Sent
from handlers.line_serving import LineSide
from handlers.webhooks import submitting
from knowledge.load import shipped
from tests import store_scene
from tests.line_double import TOKEN, Clock, LineDouble
from tests.line_posts import body, edited, event, followed, person, said, said_in, unsent
from tests.store_scene import settled
from tests.test_serving import post_line, serving, until

url = store_scene.url
ANN, BOB = person(1), person(2)
GROUP, OTHER = "C" + "1" * 32, "C" + "2" * 32
BRIEF = "保養品新品,預算30萬,想衝業績,該找誰?"


class Scene:
    """A program's LINE side, without its server: what is posted is kept, what is answered reaches the double."""

    def __init__(self, line: LineDouble, store: Store, side: LineSide, inbox: LineInbox) -> None:
        self.line, self.store, self.side, self.inbox = line, store, side, inbox

    async def post(self, *events: dict[str, Any]) -> None:
        await self.inbox.keep(read_post(body(*events)))

    async def told(self, *events: dict[str, Any]) -> list[str]:
        """What reached people in answer to these."""
        before = len(self.line.seen)
        await self.post(*events)
        await settled(self.store)
        return ["\n".join(one.get("text", "") for one in seen.messages) for seen in self.line.seen[before:]]

    async def state(self, name: str) -> dict[str, Any]:
        kept = (await self.store.export(f"line:{name}"))["state"]
        found: dict[str, Any] = json.loads(kept) if kept else {}
        return found


@asynccontextmanager
async def running(
    url: str, line: LineDouble, *, seconds: float = 30.0, slow: bool = False, owner: str = "a", **courtesies: Any
) -> AsyncIterator[Scene]:
    """`slow`: turns never become durable."""
    sent = Sent()
    async with LineClient(TOKEN, line.base, now=line.clock, sent=sent.add) as client:
        side = LineSide(client, Courtesies(client, **{"patience": 30.0} | courtesies), sent)
        clock = line.clock
        store = Store(
            url, work_of(shipped()), side.send, owner=owner, clock=lambda: clock().timestamp(), lanes=2, tick=0.005
        )
        await store.start()
        submit = submitting(store)

        async def never(message: Message, target: dict[str, object]) -> object:
            await submit(message, target)
            return await asyncio.get_running_loop().create_future()

        side.inbox(store, submit)
        inbox = LineInbox(never if slow else submit, side.courtesies, sent, seconds=seconds)
        try:
            yield Scene(line, store, side, inbox)
        finally:
            await side.close()
            await store.stop(5)


def play(url: str, work: Callable[[Scene], Awaitable[None]], **options: Any) -> None:
    async def whole() -> None:
        async with LineDouble(Clock()) as line:
            async with running(url, line, **options) as it:
                await work(it)
            assert line.faults == []

    asyncio.run(whole())


def profile(who: str, language: str) -> dict[str, Any]:
    return {"userId": who, "displayName": "A", "language": language}


# ---- arriving


@pytest.mark.parametrize(("language", "says"), [("zh-TW", "你好"), ("vi", "Chào"), ("en", "Hello"), ("fr", "Hello")])
def test_who_arrives_is_greeted_in_their_profiles_language(tmp_path: Path, language: str, says: str) -> None:
    async def work(it: Scene) -> None:
        it.line.profiles[ANN] = profile(ANN, language)
        [greeting] = await it.told(followed(it.line, ANN))
        assert says in greeting, greeting
        assert it.line.seen[0].how == "reply"

    play(f"sqlite:///{tmp_path / 'kept.db'}", work)


def test_a_profile_that_never_comes_delays_and_loses_nothing(tmp_path: Path) -> None:
    async def work(it: Scene) -> None:
        it.line.held[f"/v2/bot/profile/{ANN}"] = asyncio.Event()
        told = await it.told(followed(it.line, ANN), said(it.line, BOB, "你好"))
        assert len(told) == 2
        assert {seen.to for seen in it.line.seen} == {ANN, BOB}
        assert ("/v2/bot/profile/" + ANN, 200) not in it.line.calls

    play(f"sqlite:///{tmp_path / 'kept.db'}", work, language_seconds=0.05)


def test_neighbours_do_not_wait_for_a_slow_profile(tmp_path: Path) -> None:
    async def work(it: Scene) -> None:
        gate = it.line.held[f"/v2/bot/profile/{ANN}"] = asyncio.Event()
        it.line.profiles[ANN] = profile(ANN, "vi")
        posting = asyncio.create_task(it.post(followed(it.line, ANN), said(it.line, BOB, "你好")))
        async with asyncio.timeout(30):
            while not it.line.seen:
                await asyncio.sleep(0)
        assert it.line.seen[0].to == BOB
        assert not posting.done()
        gate.set()
        await posting
        await settled(it.store)
        assert "Chào" in "".join(it.line.texts(ANN))

    play(f"sqlite:///{tmp_path / 'kept.db'}", work, language_seconds=30.0)


def test_what_a_newcomer_writes_meanwhile_is_answered_after_the_greeting(tmp_path: Path) -> None:
    """In the same call, and in one that comes while the profile is still asked for."""

    async def work(it: Scene) -> None:
        gate = it.line.held[f"/v2/bot/profile/{ANN}"] = asyncio.Event()
        it.line.profiles[ANN] = profile(ANN, "zh-TW")
        first = asyncio.create_task(it.post(followed(it.line, ANN), said(it.line, ANN, "保養品")))
        await asyncio.sleep(0)
        second = asyncio.create_task(it.post(said(it.line, ANN, "想衝業績")))
        for _ in range(50):
            await asyncio.sleep(0)
        assert it.line.seen == []
        gate.set()
        await asyncio.gather(first, second)
        await settled(it.store)
        told = ["".join(one.get("text", "") for one in seen.messages) for seen in it.line.seen]
        assert ["你好" in text for text in told] == [True, False, False]
        assert ["保養品" in text for text in told] == [False, True, True]
        assert "（3/3）" in told[2], told

    play(f"sqlite:///{tmp_path / 'kept.db'}", work, language_seconds=30.0)


# ---- in time


def test_what_is_not_durable_in_time_is_sent_back_and_still_done_once(tmp_path: Path) -> None:
    """LINE hears 503 before its patience ends; delivered again, the event was taken already."""

    async def work(it: Scene) -> None:
        one = said(it.line, ANN, BRIEF)
        with pytest.raises(Busy, match="in time"):
            await it.post(one)
        await settled(it.store)
        it.inbox = LineInbox(submitting(it.store), it.side.courtesies, Sent(), seconds=30.0)
        await it.post(one)
        await settled(it.store)
        assert len(it.line.seen) == 1

    play(f"sqlite:///{tmp_path / 'kept.db'}", work, seconds=0.05, slow=True)


@pytest.mark.parametrize("fault", [Busy("full"), MemoryFault("the disk is full")])
def test_one_event_that_is_not_kept_sends_the_call_back_and_keeps_its_neighbours(
    tmp_path: Path, fault: Exception
) -> None:
    async def work(it: Scene) -> None:
        submit = submitting(it.store)

        async def broken(message: Message, target: dict[str, object]) -> object:
            if message.person.endswith(ANN):
                raise fault
            return await submit(message, target)

        it.inbox = LineInbox(broken, it.side.courtesies, Sent())
        with pytest.raises(type(fault), match=str(fault)):
            await it.post(said(it.line, ANN, "hi"), said(it.line, BOB, "hi"))
        await settled(it.store)
        assert [seen.to for seen in it.line.seen] == [BOB]

    play(f"sqlite:///{tmp_path / 'kept.db'}", work)


def test_dots_while_a_reply_hangs_and_read_once_it_is_kept(tmp_path: Path) -> None:
    async def work(it: Scene) -> None:
        one = said(it.line, ANN, "你好")
        # LINE hangs over the answer: meanwhile Ann sees that it is being made.
        gate = it.line.held["/v2/bot/message/reply"] = asyncio.Event()
        await it.post(one)
        async with asyncio.timeout(30):
            while not (it.line.loading and it.line.read):
                await asyncio.sleep(0)
        assert it.line.seen == []
        assert it.line.loading == [(ANN, 20)]
        assert it.line.read == [one["message"]["markAsReadToken"]]
        gate.set()
        await settled(it.store)
        assert len(it.line.seen) == 1

    play(f"sqlite:///{tmp_path / 'kept.db'}", work, patience=0.001)


def test_nobody_is_kept_waiting_for_what_was_answered_or_refused(tmp_path: Path) -> None:
    async def work(it: Scene) -> None:
        gate = it.line.held["/v2/bot/message/reply"] = asyncio.Event()
        one = said(it.line, ANN, "你好")
        await it.post(one)
        assert it.side.courtesies.waiting == 1
        gate.set()
        await settled(it.store)
        assert it.side.courtesies.waiting == 0
        await it.post(one)
        assert it.side.courtesies.waiting == 0, "delivered again"
        await it.store.stop(5)
        with pytest.raises(Busy):
            await it.post(said(it.line, ANN, "more"))
        assert it.side.courtesies.waiting == 0
        assert len(it.line.read) <= 1
        assert it.line.loading == []

    play(f"sqlite:///{tmp_path / 'kept.db'}", work)


# ---- taking back, editing


def test_what_is_unsent_is_erased_wherever_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(it: Scene) -> None:
        await it.told(said(it.line, ANN, "保養品"))
        budget, secret = said(it.line, ANN, "預算30萬"), said(it.line, ANN, "a secret that breaks the program")
        await it.told(budget)

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr("bot.step.understand", broken)
            assert await it.told(secret) == []
        assert "a secret" in (await it.store.dead())[0].body
        await it.told(unsent(it.line, secret), unsent(it.line, budget))
        assert await it.store.dead() == []
        state = await it.state(ANN)
        assert state["brief"]["budget"] is None
        assert state["brief"]["category"] == "skincare"
        assert [before for _, _, before in state["said"]] == [{"category": None, "words.category": None}]
        late = unsent(it.line, budget)
        assert await it.told(late) == [], "not answered"
        assert await it.told(budget | {"webhookEventId": "01LATER"}) == [], "delivered after it was unsent"
        assert (await it.state(ANN))["brief"]["budget"] is None

    play(url, work)


def test_unsent_before_it_was_answered(url: str) -> None:
    """Both in one call: the order within the conversation decides, and nothing of the text stays."""

    async def work(it: Scene) -> None:
        await it.told(said(it.line, ANN, "保養品"))
        one = said(it.line, ANN, "預算30萬")
        await it.told(one, unsent(it.line, one))
        assert (await it.state(ANN))["brief"]["budget"] is None
        two = said(it.line, ANN, "預算40萬")
        assert await it.told(unsent(it.line, two), two) == []
        assert (await it.state(ANN))["brief"]["budget"] is None

    play(url, work)


def test_an_edit_in_a_group_edits_the_groups_brief(url: str) -> None:
    async def work(it: Scene) -> None:
        await it.told(said_in(it.line, GROUP, ANN, BRIEF, named=True))
        more = said_in(it.line, GROUP, BOB, "再加10萬", named=True)
        await it.told(more)
        assert (await it.state(GROUP))["brief"]["budget"]["high"] == "400000"
        it.line.clock.pass_by(seconds=1)  # type: ignore[attr-defined]
        second = edited(it.line, more, "再加30萬")
        it.line.clock.pass_by(seconds=1)  # type: ignore[attr-defined]
        third = edited(it.line, more, "再加20萬")
        [told] = await it.told(third)
        assert "NT$500,000" in told
        assert it.line.seen[-1].how == "push", "an edit may come without a reply token"
        assert await it.told(second) == [], "the latest wording counts, whatever comes last"
        assert (await it.state(GROUP))["brief"]["budget"]["high"] == "500000"
        chat = said_in(it.line, GROUP, BOB, "lunch?")
        assert await it.told(chat, edited(it.line, chat, "dinner?"), unsent(it.line, chat)) == []
        assert await it.told(unsent(it.line, more)) == []
        assert (await it.state(GROUP))["brief"]["budget"]["high"] == "300000"

    play(url, work)


# ---- the whole program


def test_the_server_greets_marks_and_forgets(tmp_path: Path) -> None:
    """Over real HTTP from the signed call to the double, with the settings' defaults."""

    async def whole() -> None:
        async with LineDouble(lambda: datetime.now(UTC)) as line, serving(tmp_path, line, None) as now:
            line.profiles[ANN] = profile(ANN, "vi")
            brief = said(line, ANN, "kem chống nắng, 15 triệu")
            assert await post_line(now, followed(line, ANN), brief) == 200
            await until(lambda: len(line.seen) == 2 and bool(line.read))
            assert "Chào" in line.texts(ANN)[0]
            assert line.read == [brief["message"]["markAsReadToken"]]
            assert await post_line(now, unsent(line, brief), event("telepathy", brief["source"], line.clock())) == 200
            state = json.loads((await now.store.export(f"line:{ANN}"))["state"])
            assert state["brief"]["budget"] is None
            assert line.faults == []

    asyncio.run(whole())


# ---- groups


def test_in_a_group_only_what_is_meant_for_us_is_heard_or_kept(url: str) -> None:
    async def work(it: Scene) -> None:
        talk = ("lunch?", "see /help", "/helpful", "/unknown", "/", "我們去吃飯,預算30萬")
        assert await it.told(*(said_in(it.line, GROUP, ANN, text) for text in talk)) == []
        assert await it.state(GROUP) == {}
        assert await it.store.dead() == []
        assert len(await it.told(said_in(it.line, GROUP, ANN, "/help"))) == 1
        assert len(await it.told(said_in(it.line, GROUP, BOB, "skincare", named=True))) == 1
        assert len(await it.told(said_in(it.line, GROUP, ANN, "更多業績", named=True))) == 1
        brief = (await it.state(GROUP))["brief"]
        assert brief["category"] == "skincare", "every member may fill it"
        assert await it.told(said_in(it.line, OTHER, ANN, "/forget"))
        assert len(await it.told(said_in(it.line, GROUP, ANN, "/forget"))) == 1
        assert await it.state(GROUP) == {}

    play(url, work)


def test_quoting_us_is_known_after_a_restart_and_to_other_replicas(url: str) -> None:
    async def whole() -> None:
        async with LineDouble(Clock()) as line:
            async with running(url, line) as it:
                assert await it.told(said_in(line, GROUP, ANN, "/help"))
                assert await it.told(said_in(line, GROUP, BOB, "why?", quotedMessageId="10"))
            async with running(url, line, owner="b") as it:
                assert await it.told(said_in(line, GROUP, BOB, "why?", quotedMessageId="77")) == []
                assert await it.told(said_in(line, GROUP, BOB, "why?", quotedMessageId="10"))
                assert await it.told(said(line, ANN, "why?") | {"message": {"type": "text", "text": "x", "id": "4"}})
            assert line.faults == []

    asyncio.run(whole())


def test_thrown_out_of_a_group_we_keep_nothing_of_it(url: str) -> None:
    async def work(it: Scene) -> None:
        source = {"type": "group", "groupId": GROUP}
        [greeting] = await it.told(event("join", source, it.line.clock(), it.line.issue(GROUP)))
        assert greeting
        await it.told(said_in(it.line, GROUP, ANN, BRIEF, named=True))
        assert await it.told(event("leave", source, it.line.clock())) == []
        assert await it.state(GROUP) == {}

    play(url, work)


def test_who_blocks_us_and_comes_back_goes_on(tmp_path: Path) -> None:
    async def work(it: Scene) -> None:
        await it.told(said(it.line, ANN, "保養品"))
        assert await it.told(event("unfollow", {"type": "user", "userId": ANN}, it.line.clock())) == []
        back = followed(it.line, ANN) | {"follow": {"isUnblocked": True}}
        assert len(await it.told(back)) == 1
        assert (await it.state(ANN))["brief"]["category"] == "skincare"

    play(f"sqlite:///{tmp_path / 'kept.db'}", work)


def test_with_the_months_pushes_used_up_reply_tokens_still_answer(tmp_path: Path) -> None:
    """The late answer is a dead letter with its reason; what is asked behind it is answered by its young token."""

    async def work(it: Scene) -> None:
        clock = it.line.clock
        assert isinstance(clock, Clock)
        it.line.quota = 0
        late = said(it.line, ANN, "hi")
        await it.post(late | {"replyToken": "spent"})
        await settled(it.store, 1)
        assert [path for path, _ in it.line.calls if "message" in path][-1] == "/v2/bot/message/push"
        await it.post(said(it.line, ANN, "保養品"))
        clock.pass_by(seconds=11)
        await settled(it.store)
        [letter] = await it.store.dead()
        assert letter.reason == "LINE 429: You have reached your monthly limit."
        assert [(seen.to, seen.how) for seen in it.line.seen] == [(ANN, "reply")]

    play(f"sqlite:///{tmp_path / 'kept.db'}", work)
