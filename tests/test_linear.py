"""Linear: a message twice as long costs at most about twice the work, counted in calls rather than in time."""

from __future__ import annotations

import cProfile
from datetime import UTC, datetime

import pytest

from bot.conversation import Conversation
from bot.message import Message
from bot.step import take
from knowledge.load import shipped

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHORT, LONG = 1_250, 5_000
SEEDS = (
    "預算", "預算30萬", "保養品", "不要", "改成", "廣告違法嗎", "再加10萬,", "300萬到", "1,000,", "30", "x1", "20-",
    "budget ", "no celebs ", "what is ", "to ", "KOL", "? ", "a", "🙂", "。", "1.",
    "ngân sách ", "một trăm ", "triệu rưỡi ", "5 củ ", "tr5", "ไทย", "งบ", "万円", "予算",
    "客人", "客人不敢", "khách nghi ngờ ", "nobody ", "people never ", "last year sales ", "but orders ", "要訂單",
)  # fmt: skip


def calls(text: str) -> int:
    message = Message("1", "line:x", text, NOON)
    profile = cProfile.Profile()
    profile.runcall(take, Conversation(), message, shipped())
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("seed", SEEDS)
def test_work_grows_with_the_message_and_no_faster(seed: str) -> None:
    text = seed * LONG
    take(Conversation(), Message("1", "line:x", text[:LONG], NOON), shipped())  # what is kept for all is made now
    few, many = calls(text[:SHORT]), calls(text[:LONG])
    assert many <= few * LONG / SHORT * 1.2, f"{few} calls for {SHORT} characters, {many} for {LONG}"
