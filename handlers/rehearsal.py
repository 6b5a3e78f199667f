"""Rehearsal: a turn before anybody listens, so that the first person waits no longer than the next.

What the knowledge is folded and compiled into is made on first use, which takes about a second of a busy core: too
much of the two that LINE gives a webhook.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.conversation import Conversation
from bot.message import Message
from bot.step import take
from bot.turn import bubbles
from knowledge.knowledge import Knowledge

BRIEF = "skincare, budget $30000, we want sales. Who should we hire?"


def rehearse(knowledge: Knowledge) -> None:
    """Answer a whole brief in each finished language; nothing is kept or sent."""
    for language in knowledge.finished:
        message = Message("rehearsal", "rehearsal", BRIEF, datetime.now(UTC), None, language)
        bubbles(take(Conversation(language=language, chosen=True), message, knowledge), knowledge)
