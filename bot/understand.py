"""Understanding: from a message's letters to acts, changes and questions, by rules alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from bot.clauses import Clauses, negated
from bot.fold import Folded, fold
from bot.hearing import language_of
from bot.lexicon import Hit, lexicon
from bot.questions import Heard, questions
from bot.spending import Spending, spending
from bot.understood import MOST_QUOTES, Asked, Intent, Understood, shortened
from bot.why_so import why_budget
from bot.wishes import wishes
from knowledge.brief import ROLES, Question, Role
from knowledge.change import Allow, Change, Decline, Exclude, Forget, Set
from knowledge.knowledge import Knowledge

MOST_CHARACTERS = 5_000
EXCLUDE_REACH, TOPIC_REACH = 8, 20
HEAD_FIRST = frozenset({"vi", "th"})  # a noun stands before what describes it: "serum Nhật"
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

_DECLINES = ("decline", "unsure")

# What a terminal sends for colours and keys; its figures are none of the person's.
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z~]")

# What may stand between two names of one list: "不要網紅跟醫生", "no KOLs or doctors".
_LISTED = re.compile(
    r"[\s、,/&+・]*(?:和|跟|与|及|或|或是|还有|と|も|や|とか|か|および|and|or|nor|va|hay|hoac|lan|และ|หรือ|กับ|รวมถึง|แล้วก็)?"
    r"[\s、,]*(?:the|any|cac|nhung|พวก)?\s*"
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
    clauses = _clauses(folded, hits)
    heard = Heard(folded, hits, clauses, knowledge)
    asked = questions(heard)
    money = spending(folded.original, spoken or language or "en", knowledge, heard, asks)
    if why_budget(heard, money.span):
        asked, money = (Asked("understood", ("budget",)),), Spending()
    changes: list[Change] = []
    evidence: dict[str, tuple[str, ...]] = {}
    exclusion = _excluded(heard, evidence)
    never = _never(heard)
    goals = _goal(heard, changes, evidence)
    guesses, group = _category(heard, changes, evidence)
    _market(heard, changes, evidence)
    if exclusion is not None:
        changes.append(exclusion)
    changes += _staff(heard, evidence)
    changes += money.changes
    if money.span:
        evidence["budget"] = (shortened(folded.original[slice(*money.span)]),)
    declined = _declines(heard, money, asks)
    if declined:
        changes.append(Decline("budget"))
        evidence["budget"] = tuple(_words(heard, hit) for name in _DECLINES for hit in heard.act(name))[:1]
    elif not money.changes and "forget" in heard.acts and heard.act("budget"):
        changes.append(Forget("budget"))
    if changes:  # "I never said skincare, it is makeup" puts it right and asks nothing
        asked = tuple(one for one in asked if one.kind != "understood")
    acts = heard.acts
    wants = _wanted_language(heard)
    edit_of = next((act.removeprefix("change_") for act in sorted(acts) if act.startswith("change_")), None)
    intents = _intents(heard, changes, bool(asked), money, edit_of, wants)
    intents |= {"brief"} if never else set()
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
        never=never,
        wants_language=wants,
        edit_of=edit_of,
        refused=money.refused,
        cut=cut,
        evidence=evidence,
    )


def _clauses(folded: Folded, hits: Mapping[str, Sequence[Hit]]) -> Clauses:
    """The clauses; over a pause a "not" reaches what follows, unless it closes a phrase: "ดาราไม่เอา เอา KOL"."""
    text = folded.text
    before = [hit for kind in ("not_before", "exclude_before", "act:why") for hit in hits.get(kind, ())]
    after = [hit for kind in ("not_after", "exclude_after") for hit in hits.get(kind, ())]
    either_side = {(hit.start, hit.end) for hit in after}
    opening = [
        hit for hit in before if (hit.start, hit.end) not in either_side or text[hit.start - 1 : hit.start] in ("", " ")
    ]
    alone = [hit for hit in after if text[hit.end : hit.end + 1] in ("", " ", "\n")]
    return Clauses(folded, hits.get("clause", ()), opening, alone)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _words(heard: Heard, hit: Hit, *, since: int | None = None) -> str:
    """The person's own words where a hit is, or from the folded place `since` to its end."""
    return shortened(heard.folded.original[slice(*heard.folded.span(hit.start if since is None else since, hit.end))])


def _stated(heard: Heard, kind: str) -> list[Hit]:
    """Hits of a kind that stand outside questions about terms."""
    return [hit for hit in heard.hits.get(kind, []) if not heard.in_question(hit)]


def _goal(heard: Heard, changes: list[Change], evidence: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The goal said outright, or the goals that words only suggest."""
    own, suggested = wishes(heard)
    if not own:
        return suggested
    first = own[0]
    evidence["goal"] = (_words(heard, first),)
    if first.term.kind == "goal_reading":
        reading = heard.knowledge.readings[first.term.value]
        changes.append(Set("goal", reading.likelier, reading.id))
        return ()
    changes.append(Set("goal", first.term.value))
    second = next((hit for hit in own if hit.term.kind == "goal" and hit.term.value != first.term.value), None)
    if second is not None:
        changes.append(Set("second", second.term.value))
        evidence["goal"] = (*evidence["goal"], _words(heard, second))
    return ()


def _category(
    heard: Heard, changes: list[Change], evidence: dict[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], str | None]:
    own = [*_stated(heard, "category"), *_stated(heard, "category_reading")]
    before = [word for word in heard.hits.get("not_before", []) if word.term.language]
    own = [hit for hit in own if not negated(hit, before, [], heard.clauses, 2)]
    own = [hit for hit in own if not _denied(hit, heard)]
    own = [hit for hit in own if not any(0 <= word.start - hit.end <= 1 for word in heard.act("flavour"))]
    strong = sorted((hit for hit in own if not hit.term.weak), key=lambda hit: (hit.term.kind != "category", hit.start))
    if strong:
        # The last noun of a clause is the product, those before it describe it ("coffee machine cleaner");
        # in Vietnamese and Thai the first is.
        hit = strong[0]
        for other in strong[1:]:
            adjacent = (
                other.start - hit.end <= 1 and other.term.kind == hit.term.kind and hit.term.language not in HEAD_FIRST
            )
            if adjacent and heard.clauses.clause(other.start) == heard.clauses.clause(hit.start):
                hit = other
            else:
                break
        owner = _owner(hit, own, heard)
        evidence["category"] = (_words(heard, owner or hit),)
        if owner is not None:
            changes.append(Set("category", owner.term.value))
        elif hit.term.kind == "category_reading":
            reading = heard.knowledge.readings[hit.term.value]
            changes.append(Set("category", reading.likelier, reading.id))
        else:
            changes.append(Set("category", hit.term.value))
        return (), None
    guesses = tuple(dict.fromkeys(hit.term.value for hit in own if hit.term.weak))
    groups = _stated(heard, "group")
    return guesses[:3], groups[0].term.value if groups else None


def _owner(product: Hit, own: list[Hit], heard: Heard) -> Hit | None:
    """The word beside a product that says whose it is, where that outranks the thing: "cat hammock", "nệm chó"."""
    for hit in own:
        gap = hit.start - product.end if hit.term.language in HEAD_FIRST else product.start - hit.end
        takes = hit.term.kind == "category" and product.term.value in heard.knowledge.categories[hit.term.value].takes
        if takes and 0 <= gap <= 1 and heard.clauses.clause(hit.start) == heard.clauses.clause(product.start):
            return hit
    return None


def _denied(hit: Hit, heard: Heard) -> bool:
    """Whether a word that denies what stands before it touches the hit: "化粧水ではなく美容液"."""
    return any(word.start == hit.end for word in heard.hits.get("not_after", []))


def _market(heard: Heard, changes: list[Change], evidence: dict[str, tuple[str, ...]]) -> None:
    products = [hit for kind in ("category", "category_reading", "group") for hit in heard.hits.get(kind, [])]
    products = [hit for hit in products if not hit.term.weak]
    named = heard.hits.get("market", [])
    if "edit" in heard.acts:
        named = named[::-1]  # "to Hong Kong, no, to Japan": people correct themselves forwards
    before = heard.hits.get("not_before", [])
    named = [hit for hit in named if not negated(hit, before, [], heard.clauses, 2) and not _denied(hit, heard)]
    for hit in named:
        if not heard.in_question(hit) and (_is_market(hit, heard) or not _origin(hit, products, heard)):
            changes.append(Set("market", hit.term.value))
            evidence["market"] = (_words(heard, hit),)
            return


def _is_market(hit: Hit, heard: Heard) -> bool:
    """Whether the word "market" stands at the name: "日本市場", "thị trường Thái", "US market"."""
    return any(word.start <= hit.end + 1 and hit.start <= word.end + 1 for word in heard.act("market"))


def _origin(hit: Hit, products: list[Hit], heard: Heard) -> bool:
    """Whether a country's name says where the product comes from: "日本面膜", "serum Nhật", "Korean skincare"."""
    if any(0 <= hit.start - word.end <= 1 for word in heard.act("origin")):
        return True
    if any(word.start <= hit.start <= word.end + 1 for word in heard.act("place")):
        return False
    if any(hit.start < word.start <= hit.end <= word.end for word in heard.act("place_after")):
        return False
    if hit.term.language in HEAD_FIRST:
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


def _excluded(heard: Heard, evidence: dict[str, tuple[str, ...]]) -> Exclude | Allow | None:
    """The roles the person does not want, or wants to hear of again."""
    before, after = heard.hits.get("exclude_before", []), heard.hits.get("exclude_after", [])
    # A word that may stand on either side speaks of the role behind it: "หา KOL ไม่เอาดารา".
    either_side = {(word.start, word.end) for word in before}
    text, named_behind = heard.folded.text, {hit.start for hit in heard.hits.get("role", [])}
    after = [
        word
        for word in after
        if (word.start, word.end) not in either_side
        or (
            word.end not in named_behind and not (text[word.end : word.end + 1] == " " and word.end + 1 in named_behind)
        )
    ]
    roles: frozenset[Role] = frozenset()
    named: frozenset[Role] = frozenset()
    last: Hit | None = None
    words: list[str] = []
    left: list[Hit] = []
    for hit in heard.hits.get("role", []):
        if heard.in_question(hit):
            continue
        named |= _roles(hit, heard.knowledge)
        here = negated(hit, before, after, heard.clauses, EXCLUDE_REACH)
        here = here or _refused_later(hit, heard)
        chained = last is not None and bool(_LISTED.fullmatch(heard.folded.plain[last.end : hit.start]))
        if here or chained:
            roles |= _roles(hit, heard.knowledge)
            if len(words) < MOST_QUOTES:
                near = [] if chained else [word.start for word in before if 0 <= hit.start - word.end <= EXCLUDE_REACH]
                words.append(_words(heard, hit, since=max(near, default=None)))
            last = hit
            left.append(hit)
    roles |= _listed_before(left, after, heard)
    if roles:
        evidence["excluded"] = tuple(words)
        return Exclude(roles)
    if named and "allow" in heard.acts:
        evidence["excluded"] = tuple(_words(heard, hit) for hit in heard.act("allow"))[:1]
        return Allow(named)
    return None


def _refused_later(hit: Hit, heard: Heard) -> bool:
    """Whether the role is what its sentence is about, and its end refuses it: "有名人は高いので無理"."""
    if not _begins_within(heard.hits.get("theme", []), hit.end, hit.end + 1):
        return False
    later = heard.hits.get("exclude_later", [])
    place = bisect_left(later, hit.end, key=lambda word: word.start)
    if place == len(later) or later[place].start > hit.end + TOPIC_REACH:
        return False
    word = later[place]
    kinds = ("role", "goal", "category")
    between = any(_begins_within(heard.hits.get(kind, []), hit.end, word.start) for kind in kinds)
    return not between and heard.clauses.sentence(word.start) == heard.clauses.sentence(hit.start)


def _begins_within(hits: Sequence[Hit], start: int, end: int) -> bool:
    """Whether one of the hits, which are in the order of the text, begins in [start, end)."""
    place = bisect_left(hits, start, key=lambda hit: hit.start)
    return place < len(hits) and hits[place].start < end


def _listed_before(left: list[Hit], after: list[Hit], heard: Heard) -> frozenset[Role]:
    """The roles of a list whose last one is refused by a word behind it: "KOLとKOPは使わない"."""
    roles: frozenset[Role] = frozenset()
    named = heard.hits.get("role", [])
    reached = 0
    for hit in left:
        if not negated(hit, [], after, heard.clauses, 0):
            continue
        place = bisect_left(named, hit.start, key=lambda one: one.start)
        first, floor, reached = hit, reached, place
        for other in reversed(named[floor:place]):
            between = heard.folded.plain[other.end : first.start]
            if not between or not _LISTED.fullmatch(between):
                break
            roles |= _roles(other, heard.knowledge)
            first = other
    return roles


def _never(heard: Heard) -> tuple[str, ...]:
    """People whom no answer names, and who are not wanted either: "no KOCs"."""
    before, after = heard.hits.get("exclude_before", []), heard.hits.get("exclude_after", [])
    hits = [hit for hit in _stated(heard, "role") if not _roles(hit, heard.knowledge)]
    unwanted = [hit for hit in hits if negated(hit, before, after, heard.clauses, EXCLUDE_REACH)]
    return tuple(dict.fromkeys(hit.term.value for hit in unwanted))


def _staff(heard: Heard, evidence: dict[str, tuple[str, ...]]) -> list[Change]:
    for act, value in (("staff_no", False), ("staff_yes", True)):
        told = _stated(heard, f"act:{act}")
        if told:
            evidence["staff"] = (_words(heard, told[0]),)
            return [Set("staff", value)]
    return []


def _declines(heard: Heard, money: Spending, asks: Question | None) -> bool:
    if money.changes or money.refused:
        return False
    about_budget = asks == "budget" or bool(heard.hits.get("act:budget"))
    return about_budget and bool(heard.acts & set(_DECLINES))


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
            or any(0 <= word.start - hit.end <= 1 for word in heard.act("switch_after"))
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
    corrected = money.changes and (
        any(_before_figure(hit, heard) for hit in heard.hits.get("not_before", []))
        or any(_behind_figure(hit, heard) for hit in heard.hits.get("not_after", []))
    )
    moved = any(isinstance(change, Set) and change.field == "market" for change in changes)
    denied = heard.hits.keys() & {"not_before", "not_after"}
    corrected = corrected or (moved and len(heard.hits.get("market", [])) > 1 and bool(denied))
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


def _behind_figure(hit: Hit, heard: Heard) -> bool:
    """Whether a figure stands right before a "not" of the languages that say it last: "20万じゃなくて30万"."""
    ahead = heard.folded.text[max(0, hit.start - 5) : hit.start]
    return any(character.isdigit() for character in re.split(r"[,.、;!?]", ahead)[-1])


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
