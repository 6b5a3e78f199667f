"""Evidence: the person's own words behind each field of the brief, by which "why did you think that?" is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.conversation import WITNESSED, Conversation
from bot.echo import market_of
from bot.understood import MOST_QUOTES, Understood
from knowledge.brief import Brief
from knowledge.change import Add, Allow, Change, Decline, Exclude, Forget, Set, Times
from knowledge.knowledge import OTHER_MARKET, Knowledge

# How a field came to its value: in these words, by a tapped button, told before words were kept, or by itself.
Origin = Literal["words", "tapped", "unkept", "currency", "language", "nothing"]


@dataclass(frozen=True, slots=True)
class Account:
    """Where one field of the brief comes from. `quotes` are the person's words; `by` the currency or the language
    that a market was assumed from; `readings` the ids under which an unclear word was taken. `second` is a further
    goal, `declined` a budget that the person would not name."""

    field: str
    value: Any
    origin: Origin
    quotes: tuple[str, ...] = ()
    by: str = ""
    readings: tuple[str, ...] = ()
    second: str | None = None
    declined: bool = False


def witnessed(
    kept: Mapping[str, tuple[str, ...]], before: Brief, after: Brief, heard: Understood
) -> dict[str, tuple[str, ...]]:
    """The words behind each field after a message that led from one brief to another.

    A field without words here was filled by a button; one that is empty has none. Adding to a field adds to its
    words; what changed nothing ("add 10" to no budget) is no evidence.
    """
    words = dict(kept)
    for change in heard.changes:
        field = _field(change)
        said = heard.evidence.get(field, ())
        moved = filled(before, field) != filled(after, field)
        if isinstance(change, Add | Times | Exclude | Allow) or _names_currency(change):
            if moved:
                words[field] = tuple(dict.fromkeys((*words.get(field, ()), *said)))[-MOST_QUOTES:]
        elif said or moved:
            words[field] = said
    return {field: words[field] for field in WITNESSED if field in words and filled(after, field) is not None}


def filled(brief: Brief, field: str) -> Any:
    """What stands in a field, with a second goal and a declined budget in theirs; `None` where nothing does."""
    match field:
        case "goal":
            return (brief.goal, brief.second) if brief.goal else None
        case "budget":
            return brief.budget or ("budget" in brief.declined or None)
        case "excluded":
            return brief.excluded or None
    return getattr(brief, field)


def accounts(conversation: Conversation, knowledge: Knowledge, about: tuple[str, ...] = ()) -> tuple[Account, ...]:
    """Where each field `about` comes from; without any, all that the person filled, and the market."""
    brief = conversation.brief
    asked = tuple(field for field in WITNESSED if field in about)
    known = tuple(field for field in WITNESSED if filled(brief, field) is not None or field == "market")
    return tuple(_account(field, conversation, knowledge) for field in asked or known)


def _account(field: str, conversation: Conversation, knowledge: Knowledge) -> Account:
    brief = conversation.brief
    if filled(brief, field) is None:
        return _assumed(conversation, knowledge) if field == "market" else Account(field, None, "nothing")
    quotes = conversation.words.get(field)
    origin: Origin = "unkept" if quotes is None else "words" if quotes else "tapped"
    readings = tuple(
        key for key, reading in knowledge.readings.items() if reading.question == field and key in brief.unclear
    )
    return Account(
        field,
        getattr(brief, field),
        origin,
        quotes or (),
        readings=readings,
        second=brief.second if field == "goal" else None,
        declined=field == "budget" and brief.budget is None,
    )


def _assumed(conversation: Conversation, knowledge: Knowledge) -> Account:
    market, budget = market_of(conversation, knowledge), conversation.brief.budget
    if budget and budget.currency and knowledge.market_of(Brief(budget=budget)) != OTHER_MARKET:
        return Account("market", market, "currency", conversation.words.get("budget", ()), budget.currency)
    language = conversation.home or conversation.language
    spoken = knowledge.languages.get(language or "")
    if spoken is None or spoken.market is None:
        return Account("market", market, "nothing")
    return Account("market", market, "language", by=spoken.native)


def _field(change: Change) -> str:
    match change:
        case Set(field="second"):
            return "goal"
        case Set(field="currency") | Add() | Times() | Decline():
            return "budget"
        case Set(field=field) | Forget(field=field):
            return field
    return "excluded"


def _names_currency(change: Change) -> bool:
    return isinstance(change, Set) and change.field == "currency"
