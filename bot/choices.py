"""Choices: which buttons go with a question or an answer."""

from __future__ import annotations

from bot.echo import Echo
from bot.press import press
from knowledge.advice import Advice
from knowledge.brief import Question
from knowledge.knowledge import Knowledge

MOST_CHOICES = 13  # LINE's limit of quick replies


def for_question(question: Question, market: str, knowledge: Knowledge) -> tuple[str, ...]:
    """The presses that answer a question."""
    if question == "goal":
        return tuple(press("goal", goal) for goal in knowledge.goals)
    if question == "category":
        return tuple(
            press("group", group.id) if len(group.categories) > 1 else press("category", group.categories[0])
            for group in knowledge.groups.values()
        )
    file = knowledge.markets[market]
    amounts = tuple(press("budget", f"{amount}-{file.currency}") for amount in file.amounts)
    return (*amounts, press("budget", "decline"))


def after_advice(advice: Advice, echo: Echo, knowledge: Knowledge) -> tuple[str, ...]:
    """What a person is likely to want next: the other reading first, then reasons, law and changes."""
    presses = [press("reading", reading) for reading in echo.readings]
    presses += [press("why"), press("law"), press("source")]
    presses += [press("why_not", entry.role) for entry in advice.roles if entry.part == "blocked"][:2]
    if echo.guessed:
        presses.append(press("markets"))
    presses += [press("ask", "goal"), press("ask", "category"), press("ask", "budget"), press("steps")]
    presses.append(press("restart"))
    return tuple(presses[:MOST_CHOICES])
