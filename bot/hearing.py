"""Hearing: which language a message is in, told by script, marks and everyday words."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.fold import Folded, fold
from knowledge.knowledge import Knowledge

_WORD = re.compile(r"[a-z']+")


@lru_cache(maxsize=4)
def _common(knowledge: Knowledge) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Each Latin-script language's everyday words: single words, and phrases that hold a space."""
    table = {}
    for code, language in knowledge.languages.items():
        plain = {fold(word, knowledge.simplified).plain for word in language.common}
        table[code] = (
            frozenset(word for word in plain if " " not in word),
            frozenset(word for word in plain if " " in word),
        )
    return table


def language_of(folded: Folded, knowledge: Knowledge, known: str | None) -> str | None:
    """The language a message is written in, or `None` when it shows none ("50k", "KOL", an emoji).

    `known` is the conversation's language: it needs more than a word or two of another Latin-script
    language to be left, because product and trade words are English everywhere.
    """
    han = kana = thai = latin = 0
    for character in folded.text:
        if "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf":
            han += 1
        elif "\u3040" <= character <= "\u30ff":
            kana += 1
        elif "\u0e00" <= character <= "\u0e7f":
            thai += 1
        elif "a" <= character <= "z" or (character > "\xbf" and character.isalpha()):
            latin += 1
    if thai > han + kana and thai:
        return "th"
    if kana >= 2 or (kana and kana >= han):
        return "ja"
    words = _WORD.findall(folded.plain)
    spoken = _latin(folded, words, knowledge)
    if han:
        return spoken if spoken and han <= 2 and len(words) >= 5 else "zh-Hant"
    if not words:
        return None
    if folded.marked:
        return "vi"
    if spoken is None or spoken == known or known is None:
        return spoken
    evidence = sum(word in _common(knowledge)[spoken][0] for word in words)
    return spoken if evidence >= 2 or (evidence and len(words) <= 3) else None


def _latin(folded: Folded, words: list[str], knowledge: Knowledge) -> str | None:
    """Vietnamese or English, by their everyday words; `None` where neither shows."""
    score = {}
    spaced = f" {' '.join(words)} "
    for code, (single, phrases) in _common(knowledge).items():
        hits = sum(word in single for word in words)
        score[code] = hits + sum(2 for phrase in phrases if f" {phrase} " in spaced)
    vi, en = score.get("vi", 0), score.get("en", 0)
    if vi == en == 0:
        return "en" if len(words) >= 2 else None
    return "vi" if vi > en else "en"
