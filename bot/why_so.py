"""Why so: which fields of the brief a "why" is about, when it asks what we understood and not what we advise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.questions import Heard

# Letters between a "why" and the field it asks about ("why is it skincare"), and behind that (" at all").
_CLOSE, _TAIL = 8, 7
_ENDS = " .!?。！？~"
_MOST_WHYS = 8  # of one message that are looked at
_WHY_BUDGET = 16  # "why is the budget 30萬"
# What a field of the brief is called by, and what fills it.
_FIELDS = {
    "goal": "goal",
    "goal_reading": "goal",
    "category": "category",
    "category_reading": "category",
    "group": "category",
    "act:budget": "budget",
    "market": "market",
    "act:market": "market",
    "act:staff_yes": "staff",
    "act:staff_no": "staff",
}


def why_budget(heard: Heard, span: tuple[int, int] | None) -> bool:
    """Whether a figure at `span` of the original is only asked about: "為什麼是30萬?", "why is the budget 300k?"."""
    if span is None or heard.hits.get("role"):
        return False
    return _ends(heard.folded.original[span[1] :]) and any(
        0 <= span[0] - heard.folded.span(why.start, why.end)[1] <= _WHY_BUDGET
        for name in ("why", "why_think")
        for why in heard.act(name)
    )


def _ends(tail: str) -> bool:
    """Whether a message says no more than a particle; a Chinese character says as much as three letters."""
    return sum(3 if character >= "\u2e80" else 1 for character in tail.strip(_ENDS)) <= _TAIL


def fields_beside(heard: Heard) -> tuple[str, ...]:
    """The fields of the brief named in a sentence that asks why we think so; empty for all of them."""
    asking = {heard.clauses.sentence(hit.start) for hit in heard.act("why_think")}
    named = (
        field
        for kind, field in _FIELDS.items()
        for hit in heard.hits.get(kind, [])
        if heard.clauses.sentence(hit.start) in asking
    )
    return tuple(dict.fromkeys(named))


def fields_behind(heard: Heard) -> tuple[str, ...]:
    """The fields that a "why" is about and nothing else: "why skincare?", "為什麼市場是台灣?"."""
    hits = sorted(
        ((hit, field) for kind, field in _FIELDS.items() for hit in heard.hits.get(kind, []) if not hit.term.weak),
        key=lambda pair: pair[0].start,
    )
    for why in heard.act("why")[:_MOST_WHYS]:
        at = why.end
        fields: list[str] = []
        for hit, field in hits:
            if hit.start >= at and heard.clauses.clause(hit.start) == heard.clauses.clause(why.start):
                # "Why do cosmetics need reviews" asks nothing about us: a goal behind a product is what it is for.
                if hit.start - at > _CLOSE or (fields and field == "goal"):
                    break
                at = hit.end
                fields.append(field)
        if fields and _ends(heard.folded.text[at:]):
            return tuple(dict.fromkeys(fields))
    return ()
