"""Undo: what a message did to the brief, and its words kept for it, can be taken back when it is edited or unsent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.conversation import Conversation, Said, dump_told, load_told
from bot.message import Message
from knowledge.brief import Brief

MOST_SAID = 12  # messages that can be taken back; a whole brief rarely takes more than six
MOST_GONE = 12


def outdated(conversation: Conversation, message: Message) -> bool:
    """Whether this message was unsent, or edited since: platforms may deliver the older one later."""
    if message.ref is None or message.kind == "unsent":
        return False
    at = message.sent_at.timestamp()
    return message.ref in conversation.gone or any(
        said.ref == message.ref and said.at > at for said in conversation.said
    )


def undone(conversation: Conversation, ref: str | None) -> Conversation:
    """The conversation as if the message `ref` had never been said; itself, if nothing is known of that message.

    A field that a later message changed keeps its value, and what that message began from is mended instead, so
    that the text leaves no trace there either.
    """
    place = next((place for place, said in enumerate(conversation.said) if said.ref == ref), None)
    if ref is None or place is None:
        return conversation
    before = dict(conversation.said[place].before)
    later: list[Said] = []
    for said in conversation.said[place + 1 :]:
        theirs = {name: before.pop(name) if name in before else value for name, value in said.before.items()}
        later.append(Said(said.ref, said.at, theirs))
    without = load_told(conversation, dump_told(conversation) | before)
    return without.having(said=(*conversation.said[:place], *later))


def unsent(conversation: Conversation, message: Message) -> Conversation:
    """After a message was unsent: without what it said, and deaf to it should it be delivered later.

    Somebody of whom nothing is kept stays unknown.
    """
    if conversation == Conversation() or message.ref is None:
        return conversation
    gone = (*(ref for ref in conversation.gone if ref != message.ref), message.ref)
    missed = conversation.missed
    if missed is not None and missed.ref == message.ref:
        missed = None
    return undone(conversation, message.ref).having(gone=gone[-MOST_GONE:], missed=missed)


def noted(was: Conversation, after: Conversation, message: Message) -> Conversation:
    """`after`, knowing what `message` changed in the conversation as it `was`.

    A brief that was thrown away is kept nowhere, not even here.
    """
    if after.brief == Brief():
        return after.having(said=()) if after.said else after
    if message.ref is None and not after.said:
        return after
    before = undone(was, message.ref)
    changed = _changed(before, after)
    if message.ref is None:
        # A tapped button is never taken back; what was said before of the same things no longer matters.
        if not changed:
            return after
        said = tuple(Said(one.ref, one.at, _without(one.before, changed)) for one in after.said)
        return after.having(said=tuple(one for one in said if one.before))
    if not changed and before is was:
        return after
    return after.having(said=(*after.said, Said(message.ref, message.sent_at.timestamp(), changed))[-MOST_SAID:])


def _changed(before: Conversation, after: Conversation) -> dict[str, Any]:
    """The fields that differ, each with its value in `before`, as JSON."""
    if before.brief == after.brief and before.words == after.words:
        return {}
    old, new = dump_told(before), dump_told(after)
    return {name: value for name, value in old.items() if value != new[name]}


def _without(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
