"""Misses: kept only where wanted, only of a tap right behind its message, and without the person."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.conversation import Conversation
from bot.look import kept_misses
from bot.message import Message
from bot.misses import MOST_TEXT, Miss, scrubbed
from bot.press import press
from bot.step import Turn, take
from bot.store import Store
from bot.store_chores import KeptMiss
from bot.store_tables import miss as table
from handlers.exchange import answering, payload_of
from handlers.metrics import Metrics
from handlers.misses import as_yaml, listed
from handlers.pseudonym import Pseudonym
from handlers.upkeep import DAY_SECONDS
from handlers.watch import Watch
from knowledge.load import shipped
from knowledge.strict_yaml import read
from tests import store_scene
from tests.cases import message
from tests.store_scene import Clock, Platform, play, rows, settled
from tests.test_cli import run
from tests.test_sentences import KEYS

KNOWLEDGE = shipped()
UNHEARD = "我們家zzqx賣得有點悶"
url = store_scene.url


class Talk:
    """One conversation with `learn` on, kept between messages as the store keeps it."""

    def __init__(self, *, learn: bool = True) -> None:
        self.kept, self.learn = Conversation(), learn

    def say(self, text: str, ref: str | None = None, *, pressed: str | None = None, kind: str = "text") -> Turn:
        plain = message(text)
        said = Message("e", "line:a", text, plain.sent_at, pressed, None, kind, ref)  # type: ignore[arg-type]
        done = take(self.kept, said, KNOWLEDGE, learn=self.learn)
        self.kept = Conversation.load(done.conversation.dump())
        assert self.kept == done.conversation
        return done


def test_a_tap_right_behind_its_message_is_a_miss() -> None:
    talk = Talk()
    assert talk.say(UNHEARD).miss is None
    goal = talk.say("", pressed=press("goal", "conversion"))
    assert goal.miss == Miss("goal", "conversion", "zh-Hant", UNHEARD)
    assert talk.kept.missed is None
    assert "zzqx" not in talk.kept.dump()
    assert talk.say("", pressed=press("category", "skincare")).miss is None, "it was the goal's question"


def test_a_typed_number_is_a_tap() -> None:
    talk = Talk()
    talk.say(UNHEARD)
    place = talk.kept.offered.index(press("goal", "trust")) + 1
    assert talk.say(str(place)).miss == Miss("goal", "trust", "zh-Hant", UNHEARD)


def test_a_group_leads_to_its_product() -> None:
    talk = Talk()
    talk.say("zzqxy needs more sales")
    assert talk.say("", pressed=press("group", "beauty")).miss is None
    done = talk.say("", pressed=press("category", "makeup"))
    assert done.miss == Miss("category", "makeup", "en", "zzqxy needs more sales")


@pytest.mark.parametrize(
    "before",
    ["hello", "謝謝", "KOS是什麼?", "面膜", "衝業績", "/forget", "重新開始", "🎯🎯", "", "2", "你是機器人嗎"],
)
def test_what_left_nothing_open_is_no_miss(before: str) -> None:
    talk = Talk()
    talk.say(before)
    assert talk.kept.missed is None
    for pressed in (press("goal", "trust"), press("category", "makeup"), press("budget", "decline")):
        assert talk.say("", pressed=pressed).miss is None


def test_another_message_or_tap_between_is_no_miss() -> None:
    for between, pressed, kind in (
        ("hello", None, "text"), ("", None, "sticker"), ("", press("help"), "text"), ("", press("ask", "goal"), "text"),
        ("", "noise", "text"), ("", press("languages"), "text"),
    ):  # fmt: skip
        talk = Talk()
        talk.say(UNHEARD)
        assert talk.kept.missed is not None
        talk.say(between, pressed=pressed, kind=kind)
        assert talk.say("", pressed=press("goal", "trust")).miss is None, (between, pressed, kind)


def test_a_tap_that_answers_another_question_is_no_miss() -> None:
    talk = Talk()
    talk.say(UNHEARD)
    assert talk.say("", pressed=press("category", "makeup")).miss is None
    assert talk.say("", pressed=press("goal", "trust")).miss is None


def test_what_was_unsent_is_not_learned_from() -> None:
    talk = Talk()
    talk.say(UNHEARD, "1")
    talk.say("", "1", kind="unsent")
    assert "zzqx" not in talk.kept.dump()
    assert talk.say("", pressed=press("goal", "trust")).miss is None


def test_nothing_is_learned_unless_wanted() -> None:
    talk = Talk(learn=False)
    talk.say(UNHEARD)
    assert "zzqx" not in talk.kept.dump()
    assert talk.say("", pressed=press("goal", "trust")).miss is None
    wanted = Talk()
    wanted.say(UNHEARD)
    wanted.learn = False
    assert wanted.say("", pressed=press("goal", "trust")).miss is None
    assert "zzqx" not in wanted.kept.dump(), "what waited when it was turned off goes as well"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("call me 0912-345-678 please", "call me ####-###-### please"),
        ("電話02 2345 6789分機3", "電話## #### ####分機3"),
        ("０９１２３４５６７８", "##########"),
        ("+84 (90) 123.45.67 nhé", "+## (##) ###.##.## nhé"),
        ("mail an.nguyen+kol@shop.com.vn,預算30萬", "mail …@…,預算30萬"),
        ("IG是@some.one_01請看", "IG是@…請看"),
        ("看 https://shop.example/p?id=7 謝謝", "看 … 謝謝"),
        ("line.me/ti/p/abc 加我", "… 加我"),
        ("30.000.000 đ hoặc 30,000,000 đ", "30.000.000 đ hoặc 30,000,000 đ"),
        ("預算300000,20-30萬,11/11", "預算300000,20-30萬,11/11"),
        ("a\0b\ud800c\n\nd\u202ee", "a b c d e"),
        ("x" * 5_000, "x" * (MOST_TEXT - 1) + "…"),
    ],
)
def test_what_names_a_person_is_taken_out(said: str, kept: str) -> None:
    assert scrubbed(said) == kept


@pytest.mark.parametrize(
    "text", ["a" * 5_000, "1 " * 2_500, "a.b" * 1_700, "@" * 5_000, "1.111" * 1_000, "www." * 1_250]
)
def test_any_text_is_scrubbed(text: str) -> None:
    assert len(scrubbed(text)) <= MOST_TEXT


def _work(state: str | None, payload: str) -> tuple[str | None, tuple[str, ...], tuple[Miss, ...]]:
    if payload == "boom":
        raise ValueError("the person's secret")
    return payload, (), tuple(Miss("goal", word, "en", f"said {word}") for word in payload.split())


def test_the_store_keeps_it_in_the_turns_own_commit(url: str) -> None:
    async def whole() -> None:
        clock = Clock()
        clock.now = 20_000 * DAY_SECONDS + 3_600
        store = Store(url, _work, Platform().send, owner="a", clock=clock, tick=0.005)
        await store.start()
        assert await store.submit("e1", "line:a", "trust launch") == "new"
        assert await store.submit("e1", "line:a", "trust launch") == "seen"
        await store.submit("e2", "line:a", "boom")
        clock.now += 5 * DAY_SECONDS
        await store.submit("e3", "line:b", "loyalty")
        await store.forget("line:b")
        assert "said loyalty" not in str(await store.export("line:b"))
        await settled(store)
        await store.stop(5)

    asyncio.run(whole())
    assert [(kept.miss.value, kept.day) for kept in kept_misses(url, 9)] == [
        ("loyalty", 20_005), ("launch", 20_000), ("trust", 20_000),
    ]  # fmt: skip
    assert [kept.miss.text for kept in kept_misses(url, 1)] == ["said loyalty"]
    assert {column.name for column in table.columns} == {"id", "day", "question", "value", "language", "text"}


def test_they_go_with_the_conversations(url: str) -> None:
    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        def fill(connection: sa.Connection, _: float) -> None:
            row = {"question": "goal", "value": "trust", "language": "en", "text": "x"}
            connection.execute(sa.insert(table), [row | {"day": 100 + number % 3} for number in range(1_200)])

        await store.do("", fill)
        await store.purge(0)
        assert len(await asyncio.to_thread(rows, url, "SELECT id FROM miss")) == 1_200, "only with a time to keep"
        await store.purge(0, 102 * DAY_SECONDS + 5)
        assert set(await asyncio.to_thread(rows, url, "SELECT day FROM miss")) == {(102,)}

    play(url, scene)


def _payload(number: int, text: str, pressed: str | None) -> str:
    said = Message(f"tg:{number}", "tg:777", text, message("").sent_at, pressed, None, "text", f"r{number}")
    return payload_of(said, {"chat_id": 777})


@pytest.mark.parametrize("learn", [True, False])
def test_the_server_keeps_them_only_where_it_is_told_to(url: str, learn: bool) -> None:
    watch = Watch(Metrics(KNOWLEDGE), Pseudonym(""))

    async def whole() -> None:
        work = watch.work(answering(KNOWLEDGE, learn=learn))
        store = Store(url, work, Platform().send, owner="a", clock=Clock(), tick=0.005)
        await store.start()
        await store.submit("e1", "tg:777", _payload(1, UNHEARD + " 0912345678", None))
        await store.submit("e2", "tg:777", _payload(2, "", press("goal", "conversion")))
        await store.stop(5)

    asyncio.run(whole())
    found = [kept.miss for kept in kept_misses(url, 9)]
    assert found == ([Miss("goal", "conversion", "zh-Hant", UNHEARD + " ##########")] if learn else [])
    assert not any("777" in str(row) for row in rows(url, "SELECT * FROM miss"))
    assert not any("zzqx" in str(row) for row in rows(url, "SELECT state FROM conversation"))


FOUND = [
    KeptMiss(Miss("goal", "conversion", "zh-Hant", '面膜賣得"悶"'), 20_001),
    KeptMiss(Miss("budget", "300000-TWD", "zh-Hant", "預算普通"), 20_000),
    KeptMiss(Miss("budget", "decline", "en", "# no: idea?"), 20_000),
    KeptMiss(Miss("goal", "conversion", "zh-Hant", '面膜賣得"悶"'), 20_000),
    KeptMiss(Miss("category", "pet", "vi", "bán đồ zzq"), 20_000),
]


def test_they_are_listed_by_question_and_value() -> None:
    assert list(listed(FOUND)) == [
        "goal conversion (2)", '  2024-10-05 zh-Hant 面膜賣得"悶"  (x2)',
        "budget 300000-TWD (1)", "  2024-10-04 zh-Hant 預算普通",
        "budget decline (1)", "  2024-10-04 en      # no: idea?",
        "category pet (1)", "  2024-10-04 vi      bán đồ zzq",
    ]  # fmt: skip


def test_they_become_cases_and_words(tmp_path: Path) -> None:
    lines = list(as_yaml(FOUND, KNOWLEDGE))
    assert '# knowledge/goals.yaml, conversion, words, zh-Hant: "賣得\\"悶\\""' in lines
    assert '# knowledge/categories/pet.yaml, words, vi: "bán đồ zzq"' in lines
    file = tmp_path / "cases.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")
    cases, faults = read(file, "cases.yaml")
    assert not faults
    assert cases == [
        {"say": '面膜賣得"悶"', "goal": "conversion"},
        {"say": "預算普通", "amount": "300000", "currency": "TWD"},
        {"say": "# no: idea?", "declined": ["budget"]},
        {"say": "bán đồ zzq", "category": "pet"},
    ]
    assert all(set(case) <= KEYS for case in cases)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"sqlite:///{tmp_path / 'kept.db'}"
    monkeypatch.setenv("KOL_ADVISOR_MEMORY__URL", address)
    none = run("misses")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no misses; [misses] keep is off\n")

    async def fill() -> None:
        store = Store(address, _work, Platform().send, owner="a", clock=Clock(), tick=0.005)
        await store.start()
        await store.submit("e1", "line:a", "trust launch")
        await store.stop(5)

    asyncio.run(fill())
    assert run("misses").stdout.splitlines() == [
        "goal launch (1)", "  1970-01-12 en      said launch", "goal trust (1)", "  1970-01-12 en      said trust",
    ]  # fmt: skip
    assert run("misses", "--most", "1", "--yaml").stdout.endswith('- say: "said launch"\n  goal: launch\n')
    monkeypatch.setenv("KOL_ADVISOR_MEMORY__URL", "nonsense")
    failed = run("misses")
    assert (failed.returncode, failed.stdout) == (1, "")
