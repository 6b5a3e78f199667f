"""The doctor: what an operator would otherwise find out from a person's complaint."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from rich.console import Console

from bot.memory import MemoryFault
from handlers.terminal import console_for
from knowledge.knowledge import Knowledge
from knowledge.law import stale


def examine(url: str, knowledge: Knowledge) -> bool:
    """Print a line for each thing looked at; whether all of them are well."""
    console = console_for()
    today = datetime.now(UTC).date()
    old = [law.id for market in knowledge.markets.values() for law in market.law if stale(law, today)]
    newest = max(law.checked for market in knowledge.markets.values() for law in market.law)
    aged = f"{len(old)} rules checked over a year ago: check them anew"
    early = f"today is {today}, before the law was checked ({newest}): set the clock"
    encoding = sys.stdout.encoding or ""
    sound = [
        _line(console, True, "configuration", "read, no unknown keys"),
        _line(console, True, "knowledge", f"{len(knowledge.rules)} rules, sound"),
        _line(console, not old, "law", aged if old else "fresh"),
        _line(console, newest <= today, "clock", f"today is {today}" if newest <= today else early),
        _memory(console, url),
        _line(console, encoding.lower().startswith("utf"), "terminal", f"writes {encoding}"),
    ]
    return all(sound)


def _memory(console: Console, url: str) -> bool:
    from bot.sql import SqlMemory

    try:
        SqlMemory(url)
    except MemoryFault as fault:
        return _line(console, False, "memory", str(fault))
    return _line(console, True, "memory", "opens and can be written")


def _line(console: Console, well: bool, what: str, text: str) -> bool:
    console.print(f"{'ok  ' if well else 'BAD '} {what}: {text}")
    return well
