"""Rendering: from what to say to what to show, in one language."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bot.bubble import Bubble, Button, Card, CardRow
from bot.labels import label
from bot.reply import Reply
from bot.voice import Voice, voice
from knowledge.advice import Advice
from knowledge.knowledge import Knowledge


def render(reply: Reply, language: str, knowledge: Knowledge) -> Bubble:
    """Show a reply in a language. Pure; never raises for any reply that `step` makes."""
    speaking = voice(language, knowledge)
    buttons = tuple(Button(label(press, speaking, knowledge), press) for press in reply.choices)
    advice: Any = reply.args.get("advice")
    card = _matrix(advice, speaking) if reply.name == "matrix" else None
    return Bubble(speaking.text(reply), buttons, card)


@lru_cache(maxsize=1024)
def _matrix(advice: Advice, speaking: Voice) -> Card:
    """The influence matrix as a card: stage, who, what to measure."""
    speaker, phrases = speaking.speaker, speaking.phrases
    rows = []
    for line in advice.matrix:
        who = [speaker.name("role", role) + (phrases.part(part) if part == "lead" else "") for role, part in line.roles]  # type: ignore[attr-defined]
        shown = phrases.separator().join(who) or phrases.nobody_left()  # type: ignore[attr-defined]
        rows.append(
            CardRow(
                (speaker.dots(line.weight), speaker.name("stage", line.stage), shown, speaker.names("kpi", line.kpis)),
                line.weight,
            )
        )
    heads = ("", phrases.head_stage(), phrases.head_roles(), phrases.kpi())  # type: ignore[attr-defined]
    return Card(phrases.matrix_title(), heads, tuple(rows), phrases.matrix_note())  # type: ignore[attr-defined]
