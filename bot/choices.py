"""Choices: which buttons go with a question or an answer."""

from __future__ import annotations

from bot.echo import Echo
from bot.press import press
from knowledge.advice import Advice
from knowledge.brief import Question
from knowledge.knowledge import Knowledge

MOST_CHOICES = 13  # LINE's limit of quick replies
_SHOWN = ("goal", "category", "budget", "market", "excluded")
_MOST_ALLOWED = 2  # roles left out that one button each brings back


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


def beside_echo(answers: tuple[str, ...], echo: Echo) -> tuple[str, ...]:
    """The presses that answer a question, where the echo stands before it: the other reading of an unclear word
    first, and behind the answers a fix for each thing understood; one for all of them where they are too many."""
    if echo.empty:
        return answers
    readings = tuple(press("reading", reading) for reading in echo.readings)
    fixes = tuple(fix for fix in mending(echo, _SHOWN) if fix not in answers)
    whole = (*readings, *answers, *fixes, press("evidence"))
    if len(whole) > MOST_CHOICES:
        whole = (*readings, *answers, press("edit"))
    return whole[:MOST_CHOICES]


def mending(echo: Echo, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The presses that put `fields` right, as far as they are filled; a guessed market first."""
    presses = [press("markets")] if "market" in fields and echo.guessed else []
    known = {"goal": echo.goal, "category": echo.category, "budget": echo.budget or echo.declined}
    presses += [press("ask", field) for field, value in known.items() if field in fields and value]
    presses += [press("markets")] if "market" in fields and not echo.guessed else []
    if "excluded" in fields:
        presses += [press("allow", role) for role in echo.excluded[:_MOST_ALLOWED]]
    if "staff" in fields:
        presses += [press("staff", "yes"), press("staff", "no")]
    return tuple(presses)


def after_advice(advice: Advice, echo: Echo, knowledge: Knowledge) -> tuple[str, ...]:
    """What a person is likely to want next: what was only assumed first, then reasons, law and changes."""
    presses = [press("reading", reading) for reading in echo.readings]
    presses += [press("markets")] if echo.guessed else []
    presses += [press("why"), press("law"), press("source")]
    presses += [press("why_not", entry.role) for entry in advice.roles if entry.part == "blocked"][:2]
    presses += [press("ask", "goal"), press("ask", "category"), press("ask", "budget")]
    presses += [] if echo.guessed else [press("markets")]
    presses += [press("evidence"), press("steps"), press("restart")]
    if len(presses) > MOST_CHOICES:
        presses.remove(press("evidence"))
    return tuple(presses[:MOST_CHOICES])
