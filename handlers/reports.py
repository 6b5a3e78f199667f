"""Reports: what `kol-advisor check` prints about the knowledge."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from bot.language_gaps import Part, needs
from bot.word_check import LEAST_WORDS, counts, word_faults
from bot.word_notes import word_notes
from handlers.terminal import console_for
from knowledge.coverage import coverage
from knowledge.knowledge import Knowledge

_PARTS: Mapping[Part, str] = {"wording": "wordings", "words": "word lists", "act": "acts", "reply": "replies"}
_SHOWN = 100  # characters of what is missing: enough to know the sentence, one line on a wide terminal


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


def language_report(knowledge: Knowledge) -> bool:
    """What each language lacks, a line each with file and entry; whether no finished language lacks anything."""
    console = console_for()
    whole = True
    for code, language in knowledge.languages.items():
        wanted = list(needs(code, knowledge))
        missing = [need for need in wanted if need.lacks]
        whole = whole and not (language.finished and missing)
        state = "finished" if language.finished else "not finished"
        parts = ", ".join(
            f"{sum(n.part == part and not n.lacks for n in wanted)} of {sum(n.part == part for n in wanted)} {plural}"
            for part, plural in _PARTS.items()
        )
        console.print(f"{code} ({state}): {parts}", markup=False)
        for need in missing:
            lacks = need.lacks if len(need.lacks) <= _SHOWN else need.lacks[: _SHOWN - 4].rstrip() + " ..."
            console.print(f"  {need.file}: {need.entry}: {lacks}", markup=False, soft_wrap=True)
    return whole


def word_report(knowledge: Knowledge) -> bool:
    """How many words each category has, notes and faults; whether no finished language has a fault."""
    console = console_for()
    table = Table("category", *knowledge.languages, box=None)
    counted = counts(knowledge)
    for key in knowledge.categories:
        shown = (counted[key, code] for code in knowledge.languages)
        table.add_row(key, *(f"{strong}{'' if strong >= LEAST_WORDS else '!'} + {hints}" for strong, hints in shown))
    console.print(f"Words that say it outright + words that only suggest it; ! marks fewer than {LEAST_WORDS}.")
    console.print(table)
    notes = list(word_notes(knowledge))
    for note in notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    faults = word_faults(knowledge)
    for one in faults:
        console.print(f"FAULT: {one.language}: {one.fault}", markup=False, soft_wrap=True)
    console.print(f"{len(faults)} faults, {len(notes)} notes. A fault that is meant goes into known_words.yaml.")
    return not any(one.language in knowledge.finished for one in faults)
