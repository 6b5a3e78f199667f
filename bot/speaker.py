"""The speaker: names, citations and figures in one language, as the templates ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.evidence import Account
from bot.reply import MOST_CLAIMS
from bot.say_money import say_budget
from knowledge.advice import Advice, RoleAdvice
from knowledge.brief import Budget
from knowledge.knowledge import Cited, Knowledge
from knowledge.law import STRICTNESS, stale
from knowledge.rules import Applied
from knowledge.shapes import Claim, Conflict, LawEntry, RoleFile, Source, StageEntry, Wording

MOST_REASONS = 3
MOST_LAW = 4
MOST_CITES = 3
ENOUGH_POINTS = 10  # below this a rule says "all roles a little", which is no reason to name
_FACETS = (
    "definition",
    "who",
    "value",
    "goal",
    "content",
    "influence",
    "cooperation",
    "kpi",
    "caution",
    "context",
    "audience",
)


class Speaker:
    """Everything a template may ask for in one language; each method is pure."""

    def __init__(self, language: str, knowledge: Knowledge, phrases: Any) -> None:
        self.language, self.knowledge, self.phrases = language, knowledge, phrases

    def words(self) -> Mapping[str, Callable[..., Any] | Knowledge]:
        """The names under which the templates find what is here."""
        public = [name for name in dir(type(self)) if not name.startswith("_") and name != "words"]
        return {name: getattr(self, name) for name in public} | {"knowledge": self.knowledge}

    # ---- names and wordings

    def say(self, wording: Wording) -> str:
        return self.knowledge.say(wording, self.language)

    def name(self, kind: str, key: str) -> str:
        table: Mapping[str, Any] = {
            "role": self.knowledge.roles,
            "goal": self.knowledge.goals,
            "category": self.knowledge.categories,
            "group": self.knowledge.groups,
            "market": self.knowledge.markets,
            "stage": self.knowledge.journey,
            "kpi": self.knowledge.kpis,
            "persona": self.knowledge.personas,
        }[kind]
        return self.say(table[key].names)

    def names(self, kind: str, keys: Iterable[str]) -> str:
        return str(self.phrases.separator()).join(self.name(kind, key) for key in keys)

    def budget(self, budget: Budget) -> str:
        return say_budget(budget, self.language)

    def dots(self, weight: int) -> str:
        return "●" * weight + "○" * (3 - weight)

    def value(self, field: str, value: Any) -> str:
        """A field of the brief in words, empty where nothing is set."""
        if value is None or value == frozenset():
            return ""
        if isinstance(value, Budget):
            return self.budget(value)
        if field == "excluded":
            return self.names("role", sorted(value))
        if field == "staff":
            return str(self.phrases.yes() if value else self.phrases.no())
        return self.name(field, value)

    def account_value(self, account: Account) -> str:
        """The value of a field, with a second goal or a declined budget in words."""
        if account.declined:
            return str(self.phrases.budget_open())
        value = self.value(account.field, account.value)
        return (
            f"{value}{self.phrases.separator()}{self.phrases.also(self.name('goal', account.second))}"
            if account.second
            else value
        )

    def plain(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of a short reply with their ids turned into names."""
        said = dict(args)
        if "roles" in said:
            said["roles"] = self.names("role", said["roles"])
        for key in ("first", "second"):
            if said.get(key) in self.knowledge.goals:
                said[key] = self.name("goal", said[key])
        if "group" in said:
            said["group"] = self.name("group", said["group"])
        if isinstance(said.get("budget"), Budget):
            said["budget"] = self.budget(said["budget"])
        return {key: value for key, value in said.items() if key not in ("advice", "echo")}

    def persona(self, entry: RoleAdvice) -> str:
        """The persona, where it tells more than the role's own name."""
        return self.name("persona", entry.persona) if entry.persona and entry.role == "kop" else ""

    # ---- sources

    def cite(self, said: Any) -> str:
        """The tag behind a claim: article lines, an outside page, or "house rule" with what it leans on."""
        return self._tag(said.sources, getattr(said, "origin", "article"))

    def cites(self, sources: tuple[str, ...]) -> str:
        return self._tag(sources, "article")

    def _tag(self, sources: tuple[str, ...], origin: str) -> str:
        cited = [self.knowledge.cite(source) for source in sources]
        lines = _lines(cited)
        if origin == "house":
            return str(self.phrases.house_on(lines) if lines else self.phrases.house())
        if origin == "external" or not lines:
            page = next((one for one in cited if one.article is None), None)
            if page is not None and page.id != "house":
                return str(self.phrases.outside(page.publisher, page.published.year if page.published else ""))
        return f"[{lines}]" if lines else str(self.phrases.house())

    def quotes(self, sources: tuple[str, ...]) -> str:
        """A few words of the article by which the line can be found."""
        items = [(s[0], self.knowledge.articles[s[0]].items[s]) for s in sources if s[:1] in self.knowledge.articles
                 and s in self.knowledge.articles[s[0]].items]  # fmt: skip
        return " ".join(f"«{item.quote}»" for _, item in items[:2])

    def law_source(self, law: LawEntry) -> str:
        page = self.knowledge.cite(law.sources[0])
        return page.publisher + (f" {page.published.year}" if page.published else "")

    def pages(self, advice: Advice) -> list[Source]:
        """The outside pages behind the law of this advice, without repeats."""
        shown = (*self.law_shown(advice), *(entry.law[0] for entry in advice.having("blocked")))
        ids = dict.fromkeys(source for law in shown for source in law.sources[:1])
        return [self.knowledge.sources[i] for i in ids if i in self.knowledge.sources and i != "house"]

    # ---- reasons and law

    def main_reasons(self, entry: RoleAdvice) -> list[Applied]:
        """The reasons that made it the lead, the weightiest first."""
        strong = [reason for reason in entry.reasons if reason.points >= ENOUGH_POINTS] or list(entry.reasons)
        return strong[:MOST_REASONS]

    def main_reason(self, entry: RoleAdvice) -> Applied | StageEntry:
        """Why a role supports: the category's own rule, else what the article says of its stage.

        A goal's rule speaks for whoever leads; said of a helper it would only repeat the lead's reason.
        """
        own = [r for r in entry.reasons if r.points >= ENOUGH_POINTS and not r.rule.startswith("goal.")]
        return own[0] if own else next(s for s in self.knowledge.journey.values() if entry.role in s.roles)

    def told(self, reason: Applied | StageEntry) -> str:
        return self.say(reason.because if isinstance(reason, Applied) else reason.text)

    def gates(self, entry: RoleAdvice) -> list[LawEntry]:
        """The gate that the lead must pass: the one for everybody before a finer one."""
        gated = sorted((law for law in entry.law if law.verdict == "gated"), key=lambda law: bool(law.roles))
        return gated[:1]

    def stale(self, law: LawEntry, on: Any) -> bool:
        return stale(law, on)

    def law_shown(self, advice: Advice) -> list[LawEntry]:
        """The law to say with an answer: what binds the roles in play by themselves, then the whole campaign."""
        played = [law for entry in advice.having("lead", "support") for law in entry.law if law.roles or law.categories]
        said = {law.id: law for law in (*played, *advice.warnings)}.values()
        rank = STRICTNESS.index
        strict = sorted(
            (law for law in said if rank(law.verdict) > rank("restricted")), key=lambda law: -rank(law.verdict)
        )
        product = [law for law in said if law.categories and law not in strict]
        role = [law for law in said if law.roles and not law.categories and law not in strict]
        everyone = [law for law in said if not law.roles and not law.categories and law not in strict]
        return [*strict[:2], *everyone[:1], *product[:2], *role, *everyone[1:]][:MOST_LAW]

    def disclosure(self, market: str) -> str:
        wording = self.knowledge.markets[market].disclosure
        return self.say(wording) if wording else ""

    def verdict_mark(self, verdict: str) -> str:
        return {"prohibited": "⛔", "gated": "⚠", "restricted": "△", "allowed": "○"}[verdict]

    # ---- what can be asked about

    def subject(self, about: str) -> str:
        k = self.knowledge
        for table in (k.roles, k.topics, k.trends, k.journey):
            if about in table:
                return self.say(table[about].names)
        return about

    def claims_of(self, about: str, rest: bool) -> list[Claim | StageEntry]:
        """What to say of a subject, definition first: the first claims, or the rest of them."""
        if about in self.knowledge.journey:
            return [self.knowledge.journey[about]]
        claims = sorted(self.knowledge.claims(about), key=lambda claim: _FACETS.index(claim.facet))
        return [*(claims[MOST_CLAIMS:] if rest else claims[:MOST_CLAIMS])]

    def conflicts_of(self, about: str) -> list[Conflict]:
        return [conflict for conflict in self.knowledge.conflicts.values() if about in conflict.about][:2]

    def answerable(self) -> list[RoleFile]:
        return [role for role in self.knowledge.roles.values() if role.answer]


def _lines(cited: list[Cited]) -> str:
    """ "Z L31, L10; V L12" for the article lines among the sources."""
    by_article: dict[str, list[int]] = {}
    for one in cited:
        if one.article and one.line is not None:
            lines = by_article.setdefault(one.article, [])
            if one.line not in lines and len(lines) < MOST_CITES:
                lines.append(one.line)
    return "; ".join(f"{a} " + ", ".join(f"L{line}" for line in lines) for a, lines in by_article.items())
