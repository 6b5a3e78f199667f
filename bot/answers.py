"""Answers: what to say to each question a person asks."""

from __future__ import annotations

from datetime import date

from bot.choices import mending
from bot.conversation import Conversation
from bot.echo import echo_of, market_of
from bot.evidence import accounts, filled
from bot.press import press
from bot.reply import MOST_CLAIMS, Reply, reply
from bot.understood import Asked
from knowledge.advice import Advice
from knowledge.brief import ROLES, Role
from knowledge.knowledge import Knowledge
from knowledge.law import rules_for, strictest_first

MOST_SUBJECTS = 3
CONFLICTS_A_PAGE = 4
RULES_A_PAGE = 6
FAMILIES = ("kol", "kos", "kop")
_KINDS = ("kos_sales", "kos_seed", "kos_spreader")


def answer(
    asked: Asked, conversation: Conversation, advice: Advice | None, knowledge: Knowledge, on: date
) -> tuple[Reply, ...]:
    """The replies to one question; never empty."""
    about = tuple(dict.fromkeys(asked.about))
    roles = tuple(role for role in ROLES if role in about or _family(role, knowledge) in about)
    match asked.kind:
        case "topic":
            return tuple(_topic(subject, knowledge) for subject in about[:MOST_SUBJECTS]) or (reply("help"),)
        case "more":
            return (_topic(about[0], knowledge, rest=True),)
        case "table":
            table = knowledge.comparisons[about[0]]
            return (reply("compare", table=table, columns=table.columns),)
        case "compare":
            return _compare(about, knowledge)
        case "understood":
            return _understood(asked, conversation, advice, knowledge)
        case "steps":
            return (_steps(asked.number, knowledge),)
        case "trends":
            trends = tuple(knowledge.trends[t] for t in about if t in knowledge.trends)
            return (reply("trends", trends=trends or tuple(knowledge.trends.values())),)
        case "roles":
            return (reply("roles", tuple(press("topic", role) for role in ROLES)),)
        case "conflicts":
            return (_conflicts(about, asked.number or 0, knowledge),)
        case "law" | "fine":
            fines = asked.kind == "fine"
            return (_law(about, roles, conversation, knowledge, on, first=asked.number or 0, fines=fines),)
        case "suits" if advice is None:
            return tuple(_topic(subject, knowledge) for subject in about[:MOST_SUBJECTS])
        case "suits" if advice is not None and roles:
            return _of_advice("why", advice, roles)
        case "others" if advice is not None:
            return (_others(advice),)
        case "source" if advice is None:
            return (reply("sources_general"),)
        case "why" | "why_not" | "source" | "matrix" | "next_step" if advice is not None:
            return _of_advice(asked.kind, advice, roles)
        case "matrix":
            return (_topic("influence_matrix", knowledge),)
        case _:
            return (reply("no_advice_yet", asks=conversation.brief.next_question),)


def _understood(
    asked: Asked, conversation: Conversation, advice: Advice | None, knowledge: Knowledge
) -> tuple[Reply, ...]:
    """Why we think what we think of the brief: the person's words, with the ways to put it right.

    "Why" about a field that holds nothing asks for the reasons of the advice.
    """
    brief = conversation.brief
    about = tuple(field for field in asked.about if field == "market" or filled(brief, field) is not None)
    if asked.about and not about:
        return _of_advice("why", advice, ()) if advice else (reply("no_advice_yet", asks=brief.next_question),)
    found = accounts(conversation, knowledge, about)
    readings = tuple(press("reading", reading) for one in found for reading in one.readings)
    fixes = mending(echo_of(conversation, knowledge), tuple(one.field for one in found))
    reasons = (press("why"),) if advice else ()
    return (reply("evidence", (*readings, *fixes, *reasons), accounts=found),)


def _family(role: Role, knowledge: Knowledge) -> str | None:
    return knowledge.roles[role].family


def _topic(subject: str, knowledge: Knowledge, *, rest: bool = False) -> Reply:
    """The first claims on a subject, or the rest of them."""
    offers = [press("more", subject)] if not rest and len(knowledge.claims(subject)) > MOST_CLAIMS else []
    offers += [press("topic", kind) for kind in _KINDS] if subject == "kos" else []
    offers += [press("compare", key) for key, table in knowledge.comparisons.items() if subject in table.columns]
    if any(subject in conflict.about for conflict in knowledge.conflicts.values()):
        offers.append(press("conflicts"))
    return reply("topic", tuple(offers), about=subject, rest=rest)


def _compare(about: tuple[str, ...], knowledge: Knowledge) -> tuple[Reply, ...]:
    """The article's table that has the asked columns, else each subject on its own."""
    if "influencer" in about or "koc" in about:
        if set(about) <= {"kol", "influencer"}:
            table, more = knowledge.comparisons["v_table"], press("compare", "v_points")
            return (reply("compare", (more, press("conflicts")), table=table, columns=table.columns),)
        return tuple(_topic(subject, knowledge) for subject in about[:MOST_SUBJECTS])
    families = [subject for subject in about if subject in FAMILIES]
    kinds = [subject for subject in about if subject in _KINDS]
    if kinds and len(kinds) + len(families) >= 2 and (len(kinds) >= 2 or "kos" in families):
        return tuple(_topic(subject, knowledge) for subject in (*families, *kinds)[:MOST_SUBJECTS])
    table = knowledge.comparisons["z_table"]
    wanted = {*families, *("kos" for _ in kinds)}
    columns = tuple(c for c in table.columns if c in wanted) if len(wanted) >= 2 else table.columns
    return (reply("compare", (press("compare", "v_table"), press("conflicts")), table=table, columns=columns),)


def _steps(number: int | None, knowledge: Knowledge) -> Reply:
    if number is None:
        return reply("steps", tuple(press("step", str(step.number)) for step in knowledge.selection))
    step = knowledge.selection[number - 1]
    following = (press("step", str(number + 1)),) if number < len(knowledge.selection) else ()
    return reply("step", (*following, press("steps")), step=step)


def _conflicts(about: tuple[str, ...], first: int, knowledge: Knowledge) -> Reply:
    """The conflicts on a subject, or a page of all of them."""
    found = tuple(c for c in knowledge.conflicts.values() if set(c.about) & set(about))
    found = found or tuple(knowledge.conflicts.values())
    page, rest = found[first : first + CONFLICTS_A_PAGE], len(found) > first + CONFLICTS_A_PAGE
    # A page further on is always of all conflicts: a button carries a number and no subject.
    offers = (press("conflicts_from", str(first + CONFLICTS_A_PAGE)),) if rest and not about else ()
    return reply("conflicts", offers, conflicts=page, first=first)


def _law(
    about: tuple[str, ...],
    roles: tuple[Role, ...],
    conversation: Conversation,
    knowledge: Knowledge,
    on: date,
    *,
    first: int,
    fines: bool,
) -> Reply:
    """The law of a market for a category and a role, each as far as it was named; a page of it at a time.

    Rules that name a penalty come first where fines were asked about, else a role's own, else the strictest.
    """
    market = next((m for m in about if m in knowledge.markets), None) or market_of(conversation, knowledge)
    category = next((c for c in about if c in knowledge.categories), None) or conversation.brief.category
    role = roles[0] if roles else None
    rules = strictest_first(rules_for(knowledge, market, category, on, role))
    if category is None:
        rules = tuple(law for law in rules if not law.categories or (role and law.roles))
    if role is not None and category is not None:
        persona = knowledge.categories[category].personas.get(role)
        rules = tuple(law for law in rules if not law.personas or persona in law.personas)
    rules = tuple(sorted(rules, key=lambda law: (fines and not law.penalty, role is not None and not law.roles)))
    page, rest = rules[first : first + RULES_A_PAGE], len(rules) > first + RULES_A_PAGE
    # A button carries a number and no subject, so only the brief's own law has further pages.
    offers = (press("law_from", str(first + RULES_A_PAGE)),) if rest and not about else ()
    return reply("law", offers, market=market, category=category, rules=page, role=role, on=on)


def _others(advice: Advice) -> Reply:
    """Who else could be hired, and why they do not lead; what the law forbids only where nobody else is left."""
    rest = tuple(entry.role for entry in advice.roles if entry.part != "lead")
    lawful = tuple(role for role in rest if advice.role(role).part != "blocked")
    offers = (press("exclude", advice.lead),) if advice.lead and lawful else ()
    return reply("why_not", offers, advice=advice, roles=lawful or rest)


def _of_advice(kind: str, advice: Advice, roles: tuple[Role, ...]) -> tuple[Reply, ...]:
    if kind in ("why", "why_not"):
        out = tuple(role for role in roles if advice.role(role).part in ("blocked", "none"))
        if out or kind == "why_not":
            others = tuple(r.role for r in advice.roles if r.part != "lead")
            return (reply("why_not", advice=advice, roles=(roles or others)),)
        lead = (advice.lead,) if advice.lead else ()
        offers = tuple(press("why_not", r.role) for r in advice.roles if r.part in ("blocked", "none"))
        return (reply("why", (*offers, press("source"), press("law")), advice=advice, roles=roles or lead),)
    if kind == "matrix":
        return (reply("matrix", advice=advice),)
    if kind == "source":
        return (reply("source", (press("conflicts"),), advice=advice),)
    return (reply("next_step", (press("steps"), press("topic", "measuring")), advice=advice),)
