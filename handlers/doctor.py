"""The doctor: what an operator would otherwise find out from a person's complaint."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from bot.memory import MemoryFault
from handlers.terminal import console_for
from knowledge.knowledge import Knowledge
from knowledge.law import stale

if TYPE_CHECKING:
    from handlers.platforms import Finding


def examine(url: str, knowledge: Knowledge, findings: Sequence[Finding] = ()) -> bool:
    """Print a line for each thing looked at, the platforms' `findings` too; whether all of them are well."""
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
        *(_line(console, one.well, one.what, one.text) for one in findings),
    ]
    return all(sound)


def _memory(console: Console, url: str) -> bool:
    from bot.sql import SqlMemory

    async def look() -> None:
        await (await SqlMemory.open(url)).close()

    try:
        asyncio.run(look())
    except MemoryFault as fault:
        return _line(console, False, "memory", str(fault))
    return _line(console, True, "memory", "opens and can be written")


def _line(console: Console, well: bool, what: str, text: str) -> bool:
    console.print(f"{'ok  ' if well else 'BAD '} {what}: {text}")
    return well
