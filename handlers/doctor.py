"""The doctor: what an operator would otherwise find out from a person's complaint."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.look import look
from bot.memory import MemoryFault
from handlers.finding import Finding
from handlers.secret_values import places
from handlers.settings import Settings, SettingsFault, said_in
from handlers.terminal import console_for
from knowledge.knowledge import Knowledge
from knowledge.law import stale

# Beyond, either nothing runs that sends, or a platform takes nothing.
MOST_WAITING_SECONDS = 600.0


def examine(url: str, knowledge: Knowledge, findings: Sequence[Finding] = (), file: Path | None = None) -> bool:
    """Print a line for each thing looked at, the platforms' `findings` too; whether all of them are well.

    `file` is the configuration file that was read.
    """
    console = console_for()
    encoding = sys.stdout.encoding or ""
    found: list[Finding] = [
        Finding(True, "configuration", "read, no unknown keys"),
        *_exposed(file),
        Finding(True, "knowledge", f"{len(knowledge.rules)} rules, sound"),
        *_law(knowledge),
        *_memory(url),
        Finding(encoding.lower().startswith("utf"), "terminal", f"writes {encoding}"),
        *findings,
    ]
    for one in found:
        console.print(f"{'ok  ' if one.well else 'BAD '} {one.what}: {one.text}")
    return all(one.well for one in found)


def _exposed(file: Path | None) -> list[Finding]:
    """Whether others on this machine may read the secrets in the configuration file."""
    try:
        said = said_in(file) if file is not None else {}
    except SettingsFault:
        return []
    names = [f"{section}.{key}" for section, key in places(Settings) if said.get(section, {}).get(key)]
    if file is None or not names or os.name != "posix":
        return []
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & 0o077:
        return [Finding(True, "secrets", f"{file} is readable by its owner alone")]
    text = (
        f"{file} holds {', '.join(names)} and may be read by others on this machine: chmod 600 {file}, "
        "or give secrets by the environment or as files (config.example.toml says how)"
    )
    return [Finding(False, "secrets", text)]


def _law(knowledge: Knowledge) -> list[Finding]:
    today = datetime.now(UTC).date()
    old = [law.id for market in knowledge.markets.values() for law in market.law if stale(law, today)]
    newest = max(law.checked for market in knowledge.markets.values() for law in market.law)
    aged = f"{len(old)} rules checked over a year ago: check them anew"
    early = f"today is {today}, before the law was checked ({newest}): set the clock"
    return [
        Finding(not old, "law", aged if old else "fresh"),
        Finding(newest <= today, "clock", f"today is {today}" if newest <= today else early),
    ]


def _memory(url: str) -> list[Finding]:
    """The database and what waits in it; a server that runs on it is not disturbed."""
    try:
        seen = look(url)
    except MemoryFault as fault:
        return [Finding(False, "memory", str(fault))]
    opens = "is in use by a server that runs" if seen.in_use else "opens and can be written"
    late = seen.oldest > MOST_WAITING_SECONDS
    waiting = f"{seen.waiting} replies wait" + (f", the oldest for {seen.oldest:.0f} s" if seen.waiting else "")
    hint = ": does the server run, and does the platform take them? its log says why not"
    dead = f"{seen.dead} dead letters" + (": kol-advisor letters tells why" if seen.dead else "")
    return [
        Finding(True, "memory", f"{opens} ({seen.database})"),
        Finding(not late, "outbox", waiting + (hint if late else "")),
        Finding(True, "dead letters", dead),
    ]
