"""The rehearsal: what the first turn would make is made before anybody listens, and leaves no trace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.conversation import Conversation
from bot.message import Message
from bot.step import Turn, take
from handlers.rehearsal import rehearse
from knowledge.knowledge import Knowledge
from knowledge.load import shipped
from tests.line_double import LineDouble
from tests.test_serving import serving


def test_a_whole_answer_is_made_in_every_finished_language(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []

    def noted(conversation: Conversation, message: Message, knowledge: Knowledge) -> Turn:
        done = take(conversation, message, knowledge)
        told.append((done.language, done.advice is not None))
        return done

    monkeypatch.setattr("handlers.rehearsal.take", noted)
    rehearse(shipped())
    assert told == [(language, True) for language in shipped().finished]


def test_the_server_rehearses_before_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr("handlers.serving.rehearse", done.append)

    async def story() -> None:
        async with LineDouble() as line, serving(tmp_path, line, None) as now:
            assert done == [shipped()]
            depth = await now.store.depth()
            assert (depth.outbox, depth.dead) == (0, 0)
            assert line.calls == []

    asyncio.run(story())
