"""Coverage: which entry carries which statement of the articles, and which statements are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.check import entries
from knowledge.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Carried:
    """One statement: its id, article, line, the entries that cite it, or why it is left out."""

    item: str
    article: str
    line: int
    quote: str
    by: tuple[str, ...]
    left_out: str | None

    @property
    def gap(self) -> bool:
        """Whether nobody carries it and nobody says why."""
        return not self.by and self.left_out is None


def coverage(knowledge: Knowledge) -> Iterator[Carried]:
    """Every statement of both articles, in order."""
    carriers: dict[str, dict[str, None]] = {}
    for file, entry, shape in entries(knowledge):
        for source in getattr(shape, "sources", ()):
            carriers.setdefault(source, {})[f"{file}: {entry}" if entry else file] = None
    for key, article in knowledge.articles.items():
        reasons = {left.item: left.because for left in article.left_out}
        for name, item in article.items.items():
            yield Carried(name, key, item.line, item.quote, tuple(carriers.get(name, ())), reasons.get(name))
