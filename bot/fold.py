"""Folding: one spelling for what people type many ways, without losing where it stood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_VIETNAMESE = frozenset("ăâđêôơưĂÂĐÊÔƠƯ")
_WIDE = "\u2e80-\u9fff\uf900-\ufaff"
_SPACES = re.compile(r"(?:^|(\n)|( )) +")
_BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}]) (?=[{_WIDE}])")
_VOICED = ("\u3099", "\u309a")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_THAI_TONES = frozenset("\u0e48\u0e49\u0e4a\u0e4b")
_THAI_VOWELS = frozenset("\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e4d")  # written above or below the letter
_THAI_REPEATED = _THAI_TONES | _THAI_VOWELS | frozenset("\u0e30\u0e32\u0e45\u0e47\u0e4c")
_THAI = re.compile("[ \u0e30-\u0e4d][\u0e30-\u0e4d]")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it is matched: `text` with marks, `plain` without, of the same length.

    `index[i]` is the place of character i in the original, `marked` says that Vietnamese marks were typed.
    """

    original: str
    text: str
    plain: str
    index: tuple[int, ...]
    marked: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's span of the folded span [start, end)."""
        return self.index[start], self.index[end - 1] + 1


@lru_cache(maxsize=8192)
def base(character: str) -> str:
    """The letter under Latin marks; other scripts keep theirs."""
    if character in "đĐ":
        return "d"
    if ord(character) < 0xC0 or ord(character) > 0x1EFF:
        return character
    return unicodedata.normalize("NFD", character)[0]


@lru_cache(maxsize=8192)
def _kept(character: str) -> str:
    """A character as it is matched: compatible form, small, without what cannot be seen or spoken."""
    plain = unicodedata.normalize("NFKC", character).casefold()
    kept = []
    for part in plain:
        kind = unicodedata.category(part)
        if kind[0] == "Z" or part in "\t\n\r":
            kept.append("\n" if part == "\n" else " ")
        elif kind in ("Cc", "Cf", "Co", "Cn", "Cs", "So", "Sk") or part in "\ufe0f\ufe0e":
            continue
        else:
            kept.append(part)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _vietnamese(character: str) -> bool:
    return character in _VIETNAMESE or (
        0x1EA0 <= ord(character) <= 0x1EF9
        or (0xC0 <= ord(character) <= 0x1B0 and any(m in _TONES for m in unicodedata.normalize("NFD", character)))
    )


def _is_wide(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def _spelled(character: str, simplified: Mapping[str, str]) -> str:
    """One typed character as it is matched; nothing, or more than one, for a few."""
    if character < "\x7f":
        if character.isprintable():
            return character.lower()
        return "\n" if character == "\n" else " " if character in "\t\r" else ""
    kept = simplified.get(character) or _kept(character)
    return "".join(simplified.get(part, part) for part in kept)


class Speller(dict[int, str]):
    """Folds words whose places do not matter, a whole word at a time; agrees with `fold` on every word."""

    def __init__(self, simplified: Mapping[str, str]) -> None:
        super().__init__()
        self._simplified = simplified

    def __missing__(self, code: int) -> str:
        spelled = self[code] = _spelled(chr(code), self._simplified)
        return spelled

    def text(self, word: str) -> str:
        """`fold(word).text`."""
        if not unicodedata.is_normalized("NFC", word):
            word = unicodedata.normalize("NFC", word)
        spelled = word.translate(self)
        if _THAI.search(spelled):
            mended: list[str] = []
            for part in spelled:
                mended += _thai(mended, part)
            spelled = "".join(mended)
        if " " not in spelled:
            return spelled
        return _BETWEEN_WIDE.sub("", _SPACES.sub(_one, spelled))


def _one(spaces: re.Match[str]) -> str:
    """What is left of a run of spaces: nothing at a beginning, else one."""
    return spaces[1] or spaces[2] or ""


def _thai(text: list[str], part: str) -> str:
    """What to add to a text for a Thai vowel or mark, the last character mended where people type it otherwise.

    เ typed twice is แ, a vowel or mark held down counts once, and a vowel comes before the tone on it, but ำ after.
    """
    before = text[-1] if text else ""
    if part == "\u0e46" and before == " ":
        text[-1] = part  # ๆ repeats the word before it, with or without a space
        return ""
    if part == before == "\u0e40":
        text[-1] = "\u0e41"
        return ""
    if part == before and part in _THAI_REPEATED:
        return ""
    below_tone = part in _THAI_TONES and before == "\u0e4d"
    if below_tone or (part in _THAI_VOWELS and part != "\u0e4d" and before in _THAI_TONES):
        text[-1] = part
        return before
    return part


def plain(text: str) -> str:
    """`fold(word).plain` of a text that is folded already."""
    return "".join(map(base, text))


def fold(original: str, simplified: Mapping[str, str]) -> Folded:
    """Fold width, case, spacing, Traditional to Simplified, and invisible characters.

    Spaces between two Chinese characters go, other runs of spaces become one. Never raises.
    """
    if not unicodedata.is_normalized("NFC", original):
        original = unicodedata.normalize("NFC", original)
    text: list[str] = []
    index: list[int] = []
    marked = False
    for place, character in enumerate(original):
        kept = _spelled(character, simplified)
        marked = marked or (character > "\x7e" and _vietnamese(character))
        for part in kept:
            if part in _VOICED and text and place:
                voiced = unicodedata.normalize("NFC", text[-1] + part)  # half-width katakana come in two: ｶﾞ
                if len(voiced) == 1:
                    text[-1] = voiced
                    continue
            if part == " " and (not text or text[-1] in " \n"):
                continue
            added = _thai(text, part) if "\u0e30" <= part <= "\u0e4d" else part
            if added:
                text.append(added)
                index.append(place)
    tight_text: list[str] = []
    tight_index: list[int] = []
    last = len(text) - 1
    for place, character in enumerate(text):
        if character == " " and tight_text and place < last and _is_wide(tight_text[-1]) and _is_wide(text[place + 1]):
            continue
        tight_text.append(character)
        tight_index.append(index[place])
    tight = "".join(tight_text)
    return Folded(original, tight, plain(tight), tuple(tight_index), marked)
