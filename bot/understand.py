"""Understanding: from a message's letters to acts, changes and questions, by rules alone."""

from __future__ import annotations

import re

from bot.clauses import Clauses, negated
from bot.fold import fold
from bot.hearing import language_of
from bot.lexicon import Hit, lexicon
from bot.questions import Heard, questions
from bot.spending import Spending, spending
from bot.understood import Intent, Understood
from knowledge.brief import ROLES, Question, Role
from knowledge.change import Allow, Change, Decline, Exclude, Forget, Set
from knowledge.knowledge import Knowledge

MOST_CHARACTERS = 5_000
GOAL_REACH, EXCLUDE_REACH = 6, 8
# Acts that are about the talk itself, the strongest first; each is also an intent of its own or "other".
_SOCIAL = (
    "human",
    "insult",
    "bot",
    "privacy",
    "forget_me",
    "export_me",
    "help",
    "thanks",
    "greeting",
    "small_talk",
    "agreed",
)

# What a terminal sends for colours and keys; its figures are none of the person's.
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z~]")

# What may stand between two names of one list: "不要網紅跟醫生", "no KOLs or doctors".
_LISTED = re.compile(
    r"[\s、,/&+]*(?:和|跟|与|及|或|或是|还有|and|or|nor|va|hay|hoac|lan)?[\s、,]*(?:the|any|cac|nhung)?\s*"
)


def understand(
    text: str, knowledge: Knowledge, *, language: str | None = None, asks: Question | None = None
) -> Understood:
    """Read one message.

    `language` is the conversation's, if it has one; `asks` is what the bot asked last, so that a bare
    "300000" or "not sure" means something. Pure and total: any text gives an answer, and at most the first
    5,000 characters are read (`cut` says so).
    """
    cut = len(text) > MOST_CHARACTERS
    folded = fold(_COLOURS.sub(_blank, text[:MOST_CHARACTERS]), knowledge.simplified)
    spoken = language_of(folded, knowledge, language)
    hits = lexicon(knowledge).hits(folded, spoken)
    clauses = Clauses(folded, hits.get("clause", []))
    heard = Heard(folded, hits, clauses, knowledge)
    asked = questions(heard)
    money = spending(folded.original, spoken or language or "en", knowledge, heard, asks)
    changes: list[Change] = []
    evidence: dict[str, tuple[int, int]] = {}
    exclusion = _excluded(heard)
    goals = _goal(heard, changes, evidence)
    guesses, group = _category(heard, changes, evidence)
    _market(heard, changes, evidence)
    if exclusion is not None:
        changes.append(exclusion)
    changes += _staff(heard)
    changes += money.changes
    if money.span:
        evidence["budget"] = money.span
    declined = _declines(heard, money, asks)
    if declined:
        changes.append(Decline("budget"))
    elif not money.changes and "forget" in heard.acts and heard.act("budget"):
        changes.append(Forget("budget"))
    acts = heard.acts
    wants = _wanted_language(heard)
    edit_of = next((act.removeprefix("change_") for act in sorted(acts) if act.startswith("change_")), None)
    intents = _intents(heard, changes, bool(asked), money, edit_of, wants)
    only_question = {change.field for change in changes if isinstance(change, Set)} == {"market"} and bool(asked)
    return Understood(
        language=spoken,
        intent=_main(intents, heard, asks, len(changes) - only_question),
        intents=frozenset(intents),
        changes=tuple(changes),
        asked=asked,
        guesses=guesses,
        goal_guesses=goals,
        group=group,
        wants_language=wants,
        edit_of=edit_of,
        refused=money.refused,
        cut=cut,
        evidence=evidence,
    )


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _stated(heard: Heard, kind: str) -> list[Hit]:
    """Hits of a kind that stand outside questions about terms."""
    return [hit for hit in heard.hits.get(kind, []) if not heard.in_question(hit)]


def _goal(heard: Heard, changes: list[Change], evidence: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    """The goal said outright, or the goals that words only suggest."""
    before, after = heard.hits.get("not_before", []), heard.hits.get("not_after", [])
    own = [
        hit
        for hit in (*_stated(heard, "goal"), *_stated(heard, "goal_reading"))
        if not negated(hit, [word for word in before if word.end <= hit.start], after, heard.clauses, GOAL_REACH)
    ]
    suggested = tuple(dict.fromkeys(hit.term.value for hit in own if hit.term.weak))
    own = [hit for hit in own if not hit.term.weak]
    own.sort(key=lambda hit: (_occasion(hit, heard.knowledge), hit.term.kind == "goal_reading", hit.start))
    if not own:
        return suggested
    first = own[0]
    evidence["goal"] = heard.folded.span(first.start, first.end)
    if first.term.kind == "goal_reading":
        reading = heard.knowledge.readings[first.term.value]
        changes.append(Set("goal", reading.likelier, reading.id))
        return ()
    changes.append(Set("goal", first.term.value))
    second = next((hit for hit in own if hit.term.kind == "goal" and hit.term.value != first.term.value), None)
    if second is not None:
        changes.append(Set("second", second.term.value))
    return ()


def _occasion(hit: Hit, knowledge: Knowledge) -> bool:
    return hit.term.kind == "goal" and knowledge.goals[hit.term.value].occasion


def _category(
    heard: Heard, changes: list[Change], evidence: dict[str, tuple[int, int]]
) -> tuple[tuple[str, ...], str | None]:
    own = [*_stated(heard, "category"), *_stated(heard, "category_reading")]
    before = [word for word in heard.hits.get("not_before", []) if word.term.language]
    own = [hit for hit in own if not negated(hit, [w for w in before if w.end <= hit.start], [], heard.clauses, 2)]
    own = [hit for hit in own if not any(0 <= word.start - hit.end <= 1 for word in heard.act("flavour"))]
    strong = sorted((hit for hit in own if not hit.term.weak), key=lambda hit: (hit.term.kind != "category", hit.start))
    if strong:
        # The last noun of a clause is the product, those before it describe it ("coffee machine cleaner");
        # in Vietnamese the first is.
        hit = strong[0]
        for other in strong[1:]:
            adjacent = other.start - hit.end <= 1 and other.term.kind == hit.term.kind and hit.term.language != "vi"
            if adjacent and heard.clauses.clause(other.start) == heard.clauses.clause(hit.start):
                hit = other
            else:
                break
        evidence["category"] = heard.folded.span(hit.start, hit.end)
        if hit.term.kind == "category_reading":
            reading = heard.knowledge.readings[hit.term.value]
            changes.append(Set("category", reading.likelier, reading.id))
        else:
            changes.append(Set("category", hit.term.value))
        return (), None
    guesses = tuple(dict.fromkeys(hit.term.value for hit in own if hit.term.weak))
    groups = _stated(heard, "group")
    return guesses[:3], groups[0].term.value if groups else None


def _market(heard: Heard, changes: list[Change], evidence: dict[str, tuple[int, int]]) -> None:
    products = [hit for kind in ("category", "category_reading", "group") for hit in heard.hits.get(kind, [])]
    products = [hit for hit in products if not hit.term.weak]
    named = heard.hits.get("market", [])
    if "edit" in heard.acts:
        named = named[::-1]  # "to Hong Kong, no, to Japan": people correct themselves forwards
    before = heard.hits.get("not_before", [])
    named = [hit for hit in named if not negated(hit, before, [], heard.clauses, 2)]
    for hit in named:
        if not heard.in_question(hit) and (_is_market(hit, heard) or not _origin(hit, products, heard)):
            changes.append(Set("market", hit.term.value))
            evidence["market"] = heard.folded.span(hit.start, hit.end)
            return


def _is_market(hit: Hit, heard: Heard) -> bool:
    """Whether the word "market" stands at the name: "日本市場", "thị trường Thái", "US market"."""
    return any(word.start <= hit.end + 1 and hit.start <= word.end + 1 for word in heard.act("market"))


def _origin(hit: Hit, products: list[Hit], heard: Heard) -> bool:
    """Whether a country's name says where the product comes from: "日本面膜", "serum Nhật", "Korean skincare"."""
    if any(word.start <= hit.start <= word.end + 1 for word in heard.act("place")):
        return False
    if hit.term.language == "vi":
        return any(0 <= hit.start - product.end <= 1 for product in products)
    return any(0 <= product.start - hit.end <= 1 for product in products)


def _roles(hit: Hit, knowledge: Knowledge) -> frozenset[Role]:
    """The roles a word stands for: itself, its family, or (an influencer) the role both articles' words meet in."""
    if hit.term.value in ROLES:
        return frozenset({hit.term.value})
    if hit.term.value == "influencer":
        return frozenset({"kol"})
    family = knowledge.roles[hit.term.value].family
    return frozenset(role for role in ROLES if family and knowledge.roles[role].family == family)


def _excluded(heard: Heard) -> Exclude | Allow | None:
    """The roles the person does not want, or wants to hear of again."""
    before, after = heard.hits.get("exclude_before", []), heard.hits.get("exclude_after", [])
    roles: frozenset[Role] = frozenset()
    named: frozenset[Role] = frozenset()
    last: Hit | None = None
    for hit in heard.hits.get("role", []):
        if heard.in_question(hit):
            continue
        named |= _roles(hit, heard.knowledge)
        here = negated(hit, [word for word in before if word.end <= hit.start], after, heard.clauses, EXCLUDE_REACH)
        chained = last is not None and bool(_LISTED.fullmatch(heard.folded.plain[last.end : hit.start]))
        if here or chained:
            roles |= _roles(hit, heard.knowledge)
            last = hit
    if roles:
        return Exclude(roles)
    if named and "allow" in heard.acts:
        return Allow(named)
    return None


def _staff(heard: Heard) -> list[Change]:
    if "staff_no" in heard.acts:
        return [Set("staff", False)]
    return [Set("staff", True)] if "staff_yes" in heard.acts else []


def _declines(heard: Heard, money: Spending, asks: Question | None) -> bool:
    if money.changes or money.refused:
        return False
    about_budget = asks == "budget" or bool(heard.hits.get("act:budget"))
    return about_budget and bool(heard.acts & {"decline", "unsure"})


def _wanted_language(heard: Heard) -> str | None:
    """A language asked for: its name alone, or with a word such as "speak" close before it."""
    talked_of = [*heard.hits.get("role", []), *heard.hits.get("category", [])]
    for hit in heard.hits.get("language", []):
        if any(heard.clauses.clause(other.start) == heard.clauses.clause(hit.start) for other in talked_of):
            continue  # "網紅要會說英文" speaks of the people to hire
        alone = hit.size >= len(heard.folded.text.strip(" !.。?~")) - 1
        switches = heard.hits.get("act:switch", [])
        polite = hit.size * 2 >= len(heard.folded.text.strip(" !.。?~")) - 2
        if (
            alone
            or polite
            or any(0 <= hit.start - word.end <= 3 or word.start <= hit.start < word.end for word in switches)
        ):
            return hit.term.value
    return None


def _intents(
    heard: Heard, changes: list[Change], asks_something: bool, money: Spending, edit_of: str | None, wants: str | None
) -> set[str]:
    acts = heard.acts
    intents = {name for name in _SOCIAL if name in acts}
    if not any(hit.size >= len(heard.folded.text.strip(" .!~。")) for hit in heard.act("agreed")):
        intents.discard("agreed")
    if asks_something or acts & {"help", "bot", "privacy"}:
        intents.add("question")
    if any(not isinstance(change, Set) or change.field != "second" for change in changes):
        intents.add("brief")
    corrected = money.changes and any(_before_figure(hit, heard) for hit in heard.hits.get("not_before", []))
    moved = any(isinstance(change, Set) and change.field == "market" for change in changes)
    corrected = corrected or (moved and len(heard.hits.get("market", [])) > 1 and bool(heard.hits.get("not_before")))
    intents |= acts & {"who"}
    if edit_of or money.relative or (changes and acts & {"edit", "allow"}) or wants or corrected:
        intents.add("edit")
    intents |= {act for act in ("restart", "cancel") if any(_leaves(hit, heard) for hit in heard.act(act))}
    return intents


def _leaves(hit: Hit, heard: Heard) -> bool:
    """Whether a leaving word is said to us: it opens a message or fills a good part of it.

    "Customers keep cancelling" must not delete a brief.
    """
    text = heard.folded.text.strip()
    return hit.start <= 1 or hit.size * 3 >= len(text)


def _before_figure(hit: Hit, heard: Heard) -> bool:
    """Whether a figure stands right behind a "not": "不是20萬,是30萬" corrects."""
    behind = heard.folded.text[hit.end : hit.end + 3]
    return any(character.isdigit() for character in re.split(r"[,.、;!?]", behind)[0])


def _main(intents: set[str], heard: Heard, asks: Question | None, changes: int) -> Intent:
    """The most important act. Leaving words count only in a message that says nothing else."""
    if "restart" in intents and changes == 0:
        return "restart"
    if "cancel" in intents and changes == 0 and "question" not in intents:
        return "cancel"
    if "edit" in intents:
        return "edit"
    if "question" in intents and (changes == 0 or (changes == 1 and "brief" in intents and heard.mostly_question)):
        return "question"
    if "brief" in intents:
        return "brief"
    if intents & {"question", "who"}:
        return "question"
    return "greeting" if "greeting" in intents else "other"
