"""The conversation: what is kept of one person between two messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from knowledge.brief import ROLES, Brief, Budget, Money

VERSION = 1
# What a person's words can be evidence of; the brief's own names.
WITNESSED = ("goal", "category", "budget", "market", "excluded", "staff")


@dataclass(frozen=True, slots=True)
class Said:
    """A message that changed the brief, so that it can be taken back: its `ref`, when its latest wording was sent
    (seconds since 1970), and what the fields it changed were `before`, as JSON; see `dump_told`."""

    ref: str
    at: float
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """The latest message, where misses are learned from: the `question` it left open, its scrubbed `text` and `ref`."""

    question: str
    text: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Language and brief, kept; the next question is computed, never stored.

    `chosen` says that the person asked for `language` outright. `misses` counts messages in a row that were
    not understood. `home` is the language whose market is assumed: the first one heard, so that a change of
    tongue does not change the law. `words` are the person's own for each field of the brief they filled: a few
    letters each, none where they tapped a button. `offered` are the presses last shown, so that a typed "2" means
    the second. `said` are the messages that can be taken back, oldest first; `gone` the refs of those that were unsent.
    `missed` is the latest message where the operator wants to learn from misses, until the next one.
    """

    language: str | None = None
    chosen: bool = False
    home: str | None = None
    brief: Brief = field(default_factory=Brief)
    misses: int = 0
    offered: tuple[str, ...] = ()
    said: tuple[Said, ...] = ()
    gone: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missed: Missed | None = None

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
                "words": self.words,
                "said": [[one.ref, one.at, one.before] for one in self.said],
                "gone": self.gone,
                "missed": self.missed and [self.missed.question, self.missed.text, self.missed.ref],
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
                # What an older program kept has none of these.
                words={field: tuple(map(str, said)) for field, said in data.get("words", {}).items()},
                said=tuple(Said(str(ref), float(at), dict(before)) for ref, at, before in data.get("said", ())),
                gone=tuple(map(str, data.get("gone", ()))),
                missed=Missed(*data["missed"]) if data.get("missed") else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return cls()


def dump_told(conversation: Conversation) -> dict[str, Any]:
    """All that a message may change and can be taken back of: the brief and the words for it, as JSON values."""
    words = {f"words.{field}": list(conversation.words[field]) for field in conversation.words}
    return dump_brief(conversation.brief) | {f"words.{field}": None for field in WITNESSED} | words


def load_told(conversation: Conversation, data: Mapping[str, Any]) -> Conversation:
    """The conversation with the brief and the words that `dump_told` wrote."""
    words = {field: tuple(data[f"words.{field}"]) for field in WITNESSED if data[f"words.{field}"] is not None}
    return conversation.having(brief=load_brief(data), words=words)


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
