"""The JSON contract: what `ask --json` and `chat --json` write, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.bubble import Bubble
from bot.echo import decided
from bot.step import Turn
from bot.voice import voice
from knowledge.advice import Advice
from knowledge.brief import Brief, Money
from knowledge.knowledge import Knowledge
from knowledge.law import stale
from knowledge.shapes import LawEntry


def turn_object(person: str, turn: Turn, shown: Iterable[Bubble], knowledge: Knowledge) -> dict[str, Any]:
    """One turn as the contract has it; amounts are decimal texts, dates ISO texts."""
    return {
        "person": person,
        "language": turn.language,
        "intent": turn.intent,
        "intents": sorted(turn.intents),
        "asks": turn.conversation.brief.next_question,
        "brief": _brief(decided(turn.conversation, knowledge), turn.conversation.brief.market is None),
        "advice": _advice(turn.advice, turn.language, knowledge) if turn.advice else None,
        "replies": [
            {
                "text": bubble.text,
                "choices": [{"label": button.label, "press": button.press} for button in bubble.buttons],
            }
            for bubble in shown
        ],
    }


def _brief(brief: Brief, assumed: bool) -> dict[str, Any]:
    budget = brief.budget
    return {
        "goal": brief.goal,
        "second": brief.second,
        "category": brief.category,
        "market": brief.market,
        "market_assumed": assumed,
        "excluded": sorted(brief.excluded),
        "declined": sorted(brief.declined),
        "staff": brief.staff,
        "unclear": sorted(brief.unclear),
        "budget": {
            "amount": _amount(budget.most),
            "low": _amount(budget.low),
            "high": _amount(budget.high),
            "currency": budget.currency,
            "period": budget.period,
        }
        if budget
        else None,
    }


def _amount(money: Money | None) -> str | None:
    if money is None:
        return None
    return format(money.amount.normalize(), "f")


def _advice(advice: Advice, language: str, knowledge: Knowledge) -> dict[str, Any]:
    return {
        "lead": advice.lead,
        "wanted": advice.wanted,
        "on": advice.on.isoformat(),
        "roles": [
            {
                "role": entry.role,
                "part": entry.part,
                "verdict": entry.verdict,
                "persona": entry.persona,
                "share": None,
                "headcount": None,
                "weight": entry.weight,
                "points": entry.points,
                "excluded": entry.excluded,
                "reasons": [
                    {
                        "rule": reason.rule,
                        "origin": reason.origin,
                        "points": reason.points,
                        "text": knowledge.say(reason.because, language),
                        "sources": [_source(source, knowledge) for source in reason.sources],
                    }
                    for reason in (*entry.reasons, *entry.against)
                ],
                "law": [_law(law, advice, language, knowledge) for law in entry.law],
            }
            for entry in advice.roles
        ],
        "matrix": [
            {
                "stage": line.stage,
                "roles": [{"role": role, "part": part} for role, part in line.roles],
                "share": None,
                "weight": line.weight,
                "stands_in": line.stands_in,
                "kpis": list(line.kpis),
            }
            for line in advice.matrix
        ],
        "warnings": [_law(law, advice, language, knowledge) for law in advice.warnings],
    }


def _law(law: LawEntry, advice: Advice, language: str, knowledge: Knowledge) -> dict[str, Any]:
    speaking = voice(language, knowledge)
    return {
        "id": law.id,
        "verdict": law.verdict,
        "text": speaking.law_line(law, advice.on),
        "source": knowledge.cite(law.sources[0]).locator or knowledge.cite(law.sources[0]).title,
        "substitute": law.substitute.role if law.substitute else None,
        "in_force": law.in_force.isoformat() if law.in_force else None,
        "checked": law.checked.isoformat(),
        "stale": stale(law, advice.on),
        "confidence": law.confidence,
    }


def _source(source: str, knowledge: Knowledge) -> dict[str, Any]:
    cited = knowledge.cite(source)
    if cited.article:
        return {"article": cited.article, "line": cited.line}
    return {
        "source": cited.id,
        "title": cited.title,
        "publisher": cited.publisher,
        "locator": cited.locator,
        "published": cited.published.isoformat() if cited.published else None,
        "checked": cited.checked.isoformat() if cited.checked else None,
    }
