"""Knowledge: everything true, loaded and checked, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from knowledge.brief import Brief
from knowledge.shapes import (
    Article,
    CategoryFile,
    Claim,
    Comparison,
    Conflict,
    Goal,
    Group,
    Item,
    Kind,
    KnownWords,
    MarketFile,
    Reading,
    RoleFile,
    RuleEntry,
    Source,
    StageEntry,
    Step,
    Symptom,
    Topic,
    Weights,
    Wording,
)
from knowledge.speech import LanguageFile

FALLBACK_LANGUAGE = "en"
OTHER_MARKET = "other"
STALE_DAYS = 365


@dataclass(frozen=True, slots=True)
class Cited:
    """A source as it is shown: an article's line, or a page."""

    id: str
    article: str | None
    line: int | None
    title: str
    publisher: str
    locator: str
    published: date | None = None
    checked: date | None = None


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The whole knowledge; made only by `knowledge.load.load`, never changed afterwards."""

    articles: Mapping[str, Article]
    sources: Mapping[str, Source]
    personas: Mapping[str, Kind]
    kpis: Mapping[str, Kind]
    roles: Mapping[str, RoleFile]
    topics: Mapping[str, Topic]
    trends: Mapping[str, Topic]
    comparisons: Mapping[str, Comparison]
    selection: tuple[Step, ...]
    conflicts: Mapping[str, Conflict]
    journey: Mapping[str, StageEntry]
    goals: Mapping[str, Goal]
    readings: Mapping[str, Reading]
    symptoms: Mapping[str, Symptom]
    groups: Mapping[str, Group]
    rules: tuple[RuleEntry, ...]
    categories: Mapping[str, CategoryFile]
    markets: Mapping[str, MarketFile]
    languages: Mapping[str, LanguageFile]
    weights: Weights
    simplified: Mapping[str, str]
    known_words: Mapping[str, KnownWords]

    def cite(self, source: str) -> Cited:
        """What stands behind a source id: an article item such as `Z40`, or a page."""
        item = self._item(source)
        if item is not None:
            article = self.articles[source[0]]
            return Cited(source, source[0], item.line, article.title, article.publisher, "")
        page = self.sources[source]
        return Cited(page.id, None, None, page.title, page.publisher, page.locator, page.published, page.checked)

    def _item(self, source: str) -> Item | None:
        article = self.articles.get(source[:1])
        return article.items.get(source) if article else None

    def say(self, wording: Wording, language: str) -> str:
        """A wording in `language`, in English where it is not there yet."""
        return wording.get(language) or wording[FALLBACK_LANGUAGE]

    def claims(self, about: str) -> tuple[Claim, ...]:
        """What is known of a role, topic or trend."""
        for table in (self.roles, self.topics, self.trends):
            if about in table:
                return table[about].claims
        return ()

    def market_of(self, brief: Brief, language: str | None = None) -> str:
        """The market whose law counts: said outright, else by the currency, else by the language."""
        if brief.market:
            return brief.market
        if brief.budget and brief.budget.currency:
            for market in self.markets.values():
                if market.currency == brief.budget.currency:
                    return market.id
        spoken = self.languages.get(language or "")
        return (spoken.market if spoken else None) or OTHER_MARKET

    @property
    def finished(self) -> tuple[str, ...]:
        """The languages in which every wording exists."""
        return tuple(code for code, language in self.languages.items() if language.finished)
