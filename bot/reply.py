"""A reply: what to say, in no language and for no platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_CLAIMS = 6  # of a subject at a time: about what a phone shows at once

# What each reply is made of: the macro of the same name in every `replies/<code>.j2` takes these arguments.
REPLIES: Mapping[str, tuple[str, ...]] = {
    "greeting": ("again",),
    "ask_goal": ("echo", "edit"),
    "ask_category": ("echo", "edit"),
    "ask_group": ("group", "echo"),
    "ask_guess": ("echo",),
    "ask_budget": ("echo", "edit"),
    "ask_market": (),
    "ask_language": (),
    "ask_edit": ("echo",),
    "miss_choices": ("asks",),
    "miss_example": ("asks",),
    "miss_help": ("asks",),
    "cut": (),
    "advice": ("advice", "brief", "echo", "change"),
    "same": ("advice", "echo", "change"),
    "nobody": ("advice", "echo"),
    "matrix": ("advice",),
    "law_notes": ("advice",),
    "topic": ("about", "rest"),
    "compare": ("table", "columns"),
    "steps": (),
    "step": ("step",),
    "trends": ("trends",),
    "roles": (),
    "conflicts": ("conflicts", "first"),
    "why": ("advice", "roles"),
    "evidence": ("accounts",),
    "why_not": ("advice", "roles"),
    "source": ("advice",),
    "sources_general": (),
    "law": ("market", "category", "rules", "role", "on"),
    "no_advice_yet": ("asks",),
    "next_step": ("advice",),
    "excluded": ("roles", "allowed"),
    "never_a_role": ("roles",),
    "apart": ("first", "second"),
    "refused": ("reason", "kept"),
    "no_budget_yet": (),
    "other_currency": ("budget",),
    "help": (),
    "restarted": (),
    "cancelled": (),
    "language_set": (),
    "language_unfinished": ("native",),
    "thanks": (),
    "human": (),
    "insult": (),
    "bot": (),
    "privacy": (),
    "forgotten": (),
    "exported": ("echo", "kept"),
    "small_talk": (),
    "agreed": (),
    "press_unknown": (),
    "wordless": ("kind",),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing to say: a name out of `REPLIES`, its arguments, and the presses offered with it."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] = ()


def reply(name: str, choices: tuple[str, ...] = (), /, **args: Any) -> Reply:
    """A reply whose arguments are just those that its macro takes."""
    if set(args) != set(REPLIES[name]):
        raise TypeError(f"reply {name!r} takes {REPLIES[name]}, not {tuple(args)}")
    return Reply(name, args, choices)
