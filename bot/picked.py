"""Picked: a number typed for a button, as on every screen that shows none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from bot.fold import fold
from knowledge.knowledge import Knowledge

LONGEST = 16


@lru_cache(maxsize=4)
def _pattern(knowledge: Knowledge) -> re.Pattern[str]:
    words = {word for language in knowledge.languages.values() for word in language.acts.get("pick", ())}
    polite = {
        word
        for language in knowledge.languages.values()
        for act in ("polite", "pick_after")
        for word in language.acts.get(act, ())
    }
    lead, tail = _any_of(words, knowledge), _any_of(polite, knowledge)
    return re.compile(rf"(?:{lead})?[ .#]?(\d{{1,2}})[ .、)个号]*(?:(?:{tail})[ .!]*)?")


def _any_of(words: Iterable[str], knowledge: Knowledge) -> str:
    """A pattern of any of the words, as they are matched, the longest first."""
    spelled = {form for word in words for form in (fold(word, knowledge.simplified).text, fold(word, {}).plain)}
    return "|".join(sorted(map(re.escape, spelled), key=len, reverse=True))


def picks(text: str, knowledge: Knowledge) -> int | None:
    """The number of the choice that the whole text names ("2", "2.", "số 2", "第2個"), else `None`."""
    if len(text) > LONGEST:
        return None
    match = _pattern(knowledge).fullmatch(fold(text, knowledge.simplified).text.strip())
    return int(match[1]) if match else None
