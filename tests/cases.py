"""Cases as data: where they lie, how they are read, and what keys they may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from bot.message import Message
from knowledge.strict_yaml import read

HERE = Path(__file__).parent
DAY = "2026-11-22"


def load_cases(folder: str, keys: frozenset[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each case below a folder with a name of its own; a misspelt key is an error, not a case that tests nothing."""
    for path in sorted((HERE / folder).rglob("*.yaml")):
        data, faults = read(path, path.name)
        assert not faults, faults
        for number, case in enumerate(data if isinstance(data, list) else [data], 1):
            unknown = set(case) - keys
            assert not unknown, f"{path.name} case {number}: unknown keys {sorted(unknown)}"
            yield f"{path.parent.name}/{path.stem}-{number}", case


def message(text: str = "", *, pressed: str | None = None, on: str = DAY, hint: str | None = None) -> Message:
    """A message at noon of a day."""
    sent_at = datetime.combine(date.fromisoformat(on), time(12), UTC)
    return Message("test:1", "test:person", text, sent_at, pressed, hint)


def contains(whole: Any, part: Any) -> bool:
    """Whether `part` is found in `whole`: mappings by their keys, everything else as it is."""
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    return bool(whole == part)
