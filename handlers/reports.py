"""Reports: what `kol-advisor check` prints about the knowledge."""

from __future__ import annotations

from collections import Counter

from rich.table import Table

from handlers.terminal import console_for
from knowledge.check import entries
from knowledge.coverage import coverage
from knowledge.knowledge import Knowledge


def summary(knowledge: Knowledge) -> None:
    """One line that says what was loaded."""
    law = sum(len(market.law) for market in knowledge.markets.values())
    console_for().print(
        f"The knowledge is sound: {len(knowledge.rules)} rules, {law} law rules in {len(knowledge.markets)} markets, "
        f"{len(knowledge.categories)} categories, {len(knowledge.sources)} outside sources, "
        f"finished languages: {', '.join(knowledge.finished)}."
    )


def coverage_report(knowledge: Knowledge) -> bool:
    """A table of every statement of the articles and who carries it; whether there is no gap."""
    console = console_for()
    table = Table("item", "line", "quote", "carried by", box=None)
    items = list(coverage(knowledge))
    for item in items:
        by = item.by[0] + (f" (+{len(item.by) - 1})" if len(item.by) > 1 else "") if item.by else ""
        carried = by or (f"left out: {item.left_out}" if item.left_out else "GAP")
        table.add_row(item.item, f"{item.article} L{item.line}", item.quote, carried)
    console.print(table)
    gaps = [item.item for item in items if item.gap]
    left = sum(1 for item in items if item.left_out and not item.by)
    console.print(
        f"{len(items)} statements: {len(items) - left - len(gaps)} carried, {left} left out, {len(gaps)} gaps."
    )
    return not gaps


def language_report(knowledge: Knowledge) -> None:
    """How many wordings each language has, and the first that are missing."""
    console = console_for()
    have: Counter[str] = Counter()
    missing: dict[str, list[str]] = {code: [] for code in knowledge.languages}
    total = 0
    for file, entry, shape in entries(knowledge):
        for name in type(shape).model_fields:
            value = getattr(shape, name)
            if (
                isinstance(value, dict)
                and value
                and all(isinstance(text, str) for text in value.values())
                and "en" in value
            ):
                total += 1
                for code in knowledge.languages:
                    if code in value:
                        have[code] += 1
                    else:
                        missing[code].append(f"{file}: {entry}.{name}".replace(": .", ": "))
    for code, language in knowledge.languages.items():
        state = "finished" if language.finished else "not finished"
        console.print(f"{code} ({state}): {have[code]} of {total} wordings")
        for place in missing[code][:5]:
            console.print(f"  missing: {place}")
        if len(missing[code]) > 5:
            console.print(f"  ... and {len(missing[code]) - 5} more")
