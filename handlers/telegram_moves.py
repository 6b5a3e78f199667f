"""What it means for a Telegram group's conversation that the group became a supergroup, which has another number."""

from __future__ import annotations

import json

from bot.conversation import Conversation
from bot.moving import Moving

# Groups of the old kind have numbers above this, those that can no longer move have numbers below.
LEAST_GROUP = -1_000_000_000_000


def can_have_moved(chat_id: int) -> bool:
    """Whether a chat is a group of the old kind."""
    return LEAST_GROUP < chat_id < 0


def chat_of(conversation: str) -> int:
    """The chat's number in a conversation's name."""
    return int(conversation.partition(":")[2])


def _goes_on(old: str | None, new: str | None) -> str | None:
    """The state with a brief in it; the new chat's own if both have one, since that was said later."""
    if not old or not new:
        return new or old
    return old if Conversation.load(new).brief.empty else new


def _readdressed(body: str, conversation: str) -> str:
    """A call of `to_telegram`, to another chat: what it answered, and the topic it stood in, are not there."""
    call = json.loads(body)
    kept = {key: value for key, value in call["params"].items() if key not in ("message_thread_id", "reply_parameters")}
    return json.dumps({**call, "params": {**kept, "chat_id": chat_of(conversation)}}, ensure_ascii=False)


MOVING = Moving(_goes_on, _readdressed)
