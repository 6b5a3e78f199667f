"""The turn: the one place where the pure step meets memory."""

from __future__ import annotations

from bot.bubble import Bubble
from bot.conversation import Conversation
from bot.memory import Memory
from bot.message import Message
from bot.render import render
from bot.step import Turn, take
from knowledge.knowledge import Knowledge


async def turn(message: Message, memory: Memory, knowledge: Knowledge) -> Turn | None:
    """Answer one message and keep the conversation; `None` if this message was answered before."""

    def work(conversation: Conversation) -> tuple[Conversation, Turn]:
        done = take(conversation, message, knowledge)
        return done.conversation, done

    return await memory.transact(message, work)


def bubbles(done: Turn, knowledge: Knowledge) -> tuple[Bubble, ...]:
    """What to show for a turn."""
    return tuple(render(reply, done.language, knowledge) for reply in done.replies)


async def take_turn(message: Message, memory: Memory, knowledge: Knowledge) -> tuple[Bubble, ...]:
    """Answer one message: what to show, or nothing for a message that was answered before."""
    done = await turn(message, memory, knowledge)
    return bubbles(done, knowledge) if done is not None else ()
