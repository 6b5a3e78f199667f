"""The echo: what is known of the brief so far, and where the market was guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.conversation import Conversation
from knowledge.brief import Brief, Budget
from knowledge.knowledge import Knowledge

_SHOWN = ("goal", "category")  # an amount is shown as it was read, so that a misread one is seen


@dataclass(frozen=True, slots=True)
class Echo:
    """The brief as it is shown back; `guessed` says that nobody named the market.

    `words` are the person's own for a goal and a product, where they are other than ours.
    """

    goal: str | None
    second: str | None
    category: str | None
    budget: Budget | None
    declined: bool
    market: str
    guessed: bool
    excluded: tuple[str, ...]
    readings: tuple[str, ...]
    words: Mapping[str, str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing worth showing back."""
        return not (self.goal or self.category or self.budget or self.declined or self.excluded)


def echo_of(conversation: Conversation, knowledge: Knowledge) -> Echo:
    """The echo of a conversation's brief."""
    brief = conversation.brief
    return Echo(
        goal=brief.goal,
        second=brief.second,
        category=brief.category,
        budget=brief.budget,
        declined="budget" in brief.declined,
        market=market_of(conversation, knowledge),
        guessed=brief.market is None,
        excluded=tuple(role for role in knowledge.roles if role in brief.excluded),
        readings=tuple(reading for reading in knowledge.readings if reading in brief.unclear),
        words={field: said[0] for field, said in conversation.words.items() if field in _SHOWN and said},
    )


def market_of(conversation: Conversation, knowledge: Knowledge) -> str:
    """The market whose law counts for this conversation."""
    return knowledge.market_of(conversation.brief, conversation.home or conversation.language)


def decided(conversation: Conversation, knowledge: Knowledge) -> Brief:
    """The brief with its market filled in, as the decision takes it."""
    return conversation.brief.having(market=market_of(conversation, knowledge))


def differences(before: Conversation, after: Conversation, knowledge: Knowledge) -> Mapping[str, tuple[Any, Any]]:
    """The fields of the brief that differ, each with old and new value; an assumed market counts as the old one."""
    fields = ("goal", "category", "budget", "market", "excluded", "staff")
    old, new = before.brief, after.brief
    changed = {
        name: (getattr(old, name), getattr(new, name)) for name in fields if getattr(old, name) != getattr(new, name)
    }
    if "market" in changed:
        changed["market"] = (market_of(before, knowledge), new.market)
    return changed
