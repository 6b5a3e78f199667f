"""Transcripts: whole conversations as data, replayed turn by turn."""

from __future__ import annotations

from typing import Any

import pytest

from bot.conversation import Conversation
from bot.step import take
from bot.turn import bubbles
from handlers.contract import turn_object
from knowledge.load import shipped
from tests.cases import DAY, contains, load_cases, message

CASE = frozenset({"name", "on", "hint", "turns"})
TURN = frozenset({"say", "press", "intent", "intents", "asks", "brief", "lead", "parts", "replies", "text", "not_text",
                  "language", "misses", "choices"})  # fmt: skip
CASES = list(load_cases("transcripts", CASE))


def test_there_are_enough() -> None:
    assert len(CASES) >= 40
    assert {name.split("/")[0] for name, _ in CASES} >= {"zh-Hant", "vi", "en", "th", "ja"}


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_transcript(case: dict[str, Any]) -> None:
    knowledge, conversation = shipped(), Conversation()
    for number, expected in enumerate(case["turns"], 1):
        assert set(expected) <= TURN, f"turn {number}: unknown keys {set(expected) - TURN}"
        said = message(
            expected.get("say") or "", pressed=expected.get("press"), on=case.get("on", DAY), hint=case.get("hint")
        )
        # What is kept survives being written down.
        done = take(Conversation.load(conversation.dump()), said, knowledge)
        assert done == take(conversation, said, knowledge)
        conversation = done.conversation
        shown = bubbles(done, knowledge)
        told = turn_object("test:person", done, shown, knowledge)
        text = "\n".join(bubble.text for bubble in shown)
        where = f"turn {number}: {expected.get('say') or expected.get('press')!r}\n{text}"
        for key in ("intent", "asks", "language"):
            if key in expected:
                assert told[key] == expected[key], f"{key}: {told[key]!r}; {where}"
        assert set(expected.get("intents", ())) <= set(told["intents"]), f"{told['intents']}; {where}"
        assert contains(told["brief"], expected.get("brief", {})), f"{told['brief']}; {where}"
        if "lead" in expected:
            lead = told["advice"]["lead"] if told["advice"] else None
            assert lead == expected["lead"], f"lead {lead}; {where}"
        for role, part in expected.get("parts", {}).items():
            assert {r["role"]: r["part"] for r in told["advice"]["roles"]}[role] == part, where
        if "replies" in expected:
            assert [reply.name for reply in done.replies] == expected["replies"], where
        if "misses" in expected:
            assert conversation.misses == expected["misses"], where
        if "choices" in expected:  # those of the last reply that has any; "..." stands for the others
            kept, offered = [c for c in expected["choices"] if c != "..."], list(conversation.offered)
            assert offered[: len(kept)] == kept if expected["choices"][-1] == "..." else offered == kept, (
                f"{offered}; {where}"
            )
        for part in expected.get("text", ()):
            assert part in text, f"{part!r} not in: {where}"
        for part in expected.get("not_text", ()):
            assert part not in text, f"{part!r} in: {where}"
