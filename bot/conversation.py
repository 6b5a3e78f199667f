"""The conversation: what is kept of one person between two messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from knowledge.brief import ROLES, Brief, Budget, Money

VERSION = 1


@dataclass(frozen=True, slots=True)
class Said:
    """A message that changed the brief, so that it can be taken back: its `ref`, when its latest wording was sent
    (seconds since 1970), and what the fields it changed were `before`, as JSON. Of its words nothing is kept."""

    ref: str
    at: float
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Language and brief, kept; the next question is computed, never stored.

    `chosen` says that the person asked for `language` outright. `misses` counts messages in a row that were
    not understood. `home` is the language whose market is assumed: the first one heard, so that a change of
    tongue does not change the law. `offered` are the presses last shown, so that a typed "2" means the second.
    `said` are the messages that can be taken back, oldest first; `gone` the refs of those that were unsent.
    """

    language: str | None = None
    chosen: bool = False
    home: str | None = None
    brief: Brief = field(default_factory=Brief)
    misses: int = 0
    offered: tuple[str, ...] = ()
    said: tuple[Said, ...] = ()
    gone: tuple[str, ...] = ()

    def having(self, **fields: Any) -> Conversation:
        """A copy with `fields` replaced."""
        return replace(self, **fields)

    def dump(self) -> str:
        """As JSON text; `load` reads it back to an equal conversation."""
        return json.dumps(
            {
                "version": VERSION,
                "language": self.language,
                "chosen": self.chosen,
                "home": self.home,
                "misses": self.misses,
                "offered": self.offered,
                "brief": dump_brief(self.brief),
                "said": [[one.ref, one.at, one.before] for one in self.said],
                "gone": self.gone,
            },
            ensure_ascii=False,
        )

    @classmethod
    def load(cls, text: str) -> Conversation:
        """From JSON text; what cannot be read starts anew rather than stop the person's talk."""
        try:
            data = json.loads(text)
            return cls(
                language=data["language"],
                chosen=bool(data["chosen"]),
                home=data["home"],
                misses=int(data["misses"]),
                offered=tuple(map(str, data["offered"])),
                brief=load_brief(data["brief"]),
                # What an older program kept has neither.
                said=tuple(Said(str(ref), float(at), dict(before)) for ref, at, before in data.get("said", ())),
                gone=tuple(map(str, data.get("gone", ()))),
            )
        except (ValueError, KeyError, TypeError, InvalidOperation):
            return cls()


def dump_brief(brief: Brief) -> dict[str, Any]:
    """A brief as JSON values, one a field."""
    budget = brief.budget
    return {
        "goal": brief.goal,
        "second": brief.second,
        "category": brief.category,
        "market": brief.market,
        "staff": brief.staff,
        "excluded": sorted(brief.excluded),
        "declined": sorted(brief.declined),
        "unclear": sorted(brief.unclear),
        "budget": budget
        and {
            "low": budget.low and str(budget.low.amount),
            "high": budget.high and str(budget.high.amount),
            "currency": budget.currency,
            "period": budget.period,
        },
    }


def load_brief(data: Mapping[str, Any]) -> Brief:
    """The brief that `dump_brief` wrote."""
    budget = data["budget"]

    def money(end: str) -> Money | None:
        return Money(Decimal(budget[end]), budget["currency"]) if budget[end] is not None else None

    return Brief(
        goal=data["goal"],
        second=data["second"],
        category=data["category"],
        market=data["market"],
        staff=data["staff"],
        excluded=frozenset(role for role in data["excluded"] if role in ROLES),
        declined=frozenset(data["declined"]),
        unclear=frozenset(data["unclear"]),
        budget=Budget(money("low"), money("high"), budget["period"]) if budget else None,
    )
