"""Hearing: which language a message is in, told by script, marks and everyday words."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.fold import Folded, fold
from knowledge.knowledge import Knowledge

_WORD = re.compile(r"[a-z']+")
A_WORD, ENGLISH = 4, 3  # a short Thai word ("บาท") among so many everyday English ones leaves a message English


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


@lru_cache(maxsize=4)
def _chinese_words(knowledge: Knowledge) -> frozenset[str]:
    return frozenset(fold(word, knowledge.simplified).text for word in knowledge.languages["zh-Hant"].common)


def _in_characters(folded: Folded, knowledge: Knowledge, known: str | None) -> str:
    """Japanese or Chinese, for a text of Chinese characters, by the characters and words that only one has.

    Japanese is looked for as typed: folding takes the characters of both to one form.
    """
    japanese = sum(len(word) for word in knowledge.languages["ja"].common if word in folded.original)
    chinese = sum(len(word) for word in _chinese_words(knowledge) if word in folded.text)
    if known == "ja":
        return "zh-Hant" if chinese >= japanese + 2 else "ja"
    return "ja" if japanese >= chinese + (2 if known == "zh-Hant" else 1) else "zh-Hant"


def language_of(folded: Folded, knowledge: Knowledge, known: str | None) -> str | None:
    """The language a message is written in, or `None` when it shows none ("50k", "KOL", an emoji).

    `known` is the conversation's language: it needs more than a word or two of another Latin-script
    language to be left, because product and trade words are English everywhere.
    """
    han = kana = spelled = thai = latin = 0
    for character in folded.text:
        if "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf":
            han += 1
        elif "\u3040" <= character <= "\u30ff" and character != "・":
            kana += 1
            spelled += character < "\u30a0" and character != "の"
        elif "\u0e00" <= character <= "\u0e7f":
            thai += 1
        elif "a" <= character <= "z" or (character > "\xbf" and character.isalpha()):
            latin += 1
    words = _WORD.findall(folded.plain)
    if thai > han + kana and not (thai <= A_WORD and _english(words, knowledge) >= ENGLISH):
        return "th"
    if spelled or (kana and kana >= han):
        return "ja"
    if kana >= 2:  # katakana alone may be a product's name in a Chinese sentence
        return _in_characters(folded, knowledge, "ja")
    spoken = _latin(folded, words, knowledge)
    if han:
        return spoken if spoken and han <= 2 and len(words) >= 5 else _in_characters(folded, knowledge, known)
    if not words:
        return None
    if folded.marked:
        return "vi"
    if spoken is None or spoken == known or known is None:
        return spoken
    evidence = sum(word in _common(knowledge)[spoken][0] for word in words)
    return spoken if evidence >= 2 or (evidence and len(words) <= 3) else None


def _english(words: list[str], knowledge: Knowledge) -> int:
    """How many of the words are everyday English."""
    return sum(word in _common(knowledge)["en"][0] for word in words)


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
