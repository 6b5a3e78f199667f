"""Pressed: what a tapped button means, in the same terms as a typed message."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bot.press import Press, read_press
from bot.understood import Asked, Understood
from knowledge.brief import ROLES, Brief, Budget, Money
from knowledge.change import Allow, Change, Decline, Exclude, Set
from knowledge.knowledge import Knowledge

_ASKED = {"why": "why", "source": "source", "law": "law", "steps": "steps", "trends": "trends",
          "conflicts": "conflicts", "matrix": "matrix", "roles": "roles", "evidence": "understood"}  # fmt: skip
_EDITS = {"edit": "any", "languages": "language", "markets": "market"}
_QUESTIONS = ("goal", "category", "budget")


def pressed(payload: str, knowledge: Knowledge, brief: Brief) -> Understood | None:
    """What a payload means for a brief, or `None` where it is none of ours or names what is no more."""
    press = read_press(payload)
    return None if press is None else _meaning(press, knowledge, brief)


def _meaning(press: Press, knowledge: Knowledge, brief: Brief) -> Understood | None:
    verb, value = press.verb, press.value
    match verb:
        case "goal" if value in knowledge.goals:
            return _told(brief.goal, Set("goal", value), Set("second", brief.goal if value == brief.second else None))
        case "category" if value in knowledge.categories:
            return _told(brief.category, Set("category", value))
        case "market" if value in knowledge.markets:
            return _told(brief.market, Set("market", value))
        case "staff" if value in ("yes", "no"):
            return _told(brief.staff, Set("staff", value == "yes"))
        case "budget":
            change = _budget(value, knowledge)
            return _told(brief.budget, change) if change else None
        case "reading" if value in knowledge.readings:
            reading = knowledge.readings[value]
            return _edit(Set(reading.question, reading.other))
        case "exclude" | "allow" if value in ROLES:
            role = next(role for role in ROLES if role == value)
            return _edit(Exclude(frozenset({role})) if verb == "exclude" else Allow(frozenset({role})))
        case "group" if value in knowledge.groups:
            return Understood(None, "brief", frozenset({"brief"}), group=value)
        case "ask" if value in _QUESTIONS:
            return Understood(None, "edit", frozenset({"edit"}), edit_of=value)
        case "edit" | "languages" | "markets":
            return Understood(None, "edit", frozenset({"edit"}), edit_of=_EDITS[verb])
        case "language" if value in knowledge.languages:
            return Understood(None, "edit", frozenset({"edit"}), wants_language=value)
        case "topic" if knowledge.claims(value) or value in knowledge.journey:
            return _asks(Asked("topic", (value,)))
        case "more" if knowledge.claims(value):
            return _asks(Asked("more", (value,)))
        case "compare" if value in knowledge.comparisons:
            return _asks(Asked("table", (value,)))
        case "step" if value in map(str, range(1, 9)):
            return _asks(Asked("steps", number=int(value)))
        case "why_not" if value in ROLES:
            return _asks(Asked("why_not", (value,)))
        case "conflicts_from" if value.isdecimal() and int(value) < len(knowledge.conflicts):
            return _asks(Asked("conflicts", number=int(value)))
        case "law_from" if value.isdecimal() and len(value) <= 2:
            return _asks(Asked("law", number=int(value)))
        case "restart":
            return Understood(None, "restart", frozenset({"restart"}))
        case "cancel":
            return Understood(None, "cancel", frozenset({"cancel"}))
        case "help" | "resume":
            return Understood(None, "other", frozenset({verb}))
        case _ if verb in _ASKED:
            return _asks(Asked(_ASKED[verb]))
    return None


def _told(before: object, *changes: Change) -> Understood:
    intents = frozenset({"brief"} if before is None else {"brief", "edit"})
    return Understood(None, "brief" if before is None else "edit", intents, changes=changes)


def _edit(change: Change) -> Understood:
    return Understood(None, "edit", frozenset({"brief", "edit"}), changes=(change,))


def _asks(asked: Asked) -> Understood:
    return Understood(None, "question", frozenset({"question"}), asked=(asked,))


def _budget(value: str, knowledge: Knowledge) -> Change | None:
    if value == "decline":
        return Decline("budget")
    amount, _, currency = value.partition("-")
    if currency not in {market.currency for market in knowledge.markets.values() if market.currency}:
        return None
    try:
        money = Money(Decimal(amount), currency)
    except InvalidOperation:
        return None
    return Set("budget", Budget(money, money)) if money.amount.is_finite() and money.amount > 0 else None
