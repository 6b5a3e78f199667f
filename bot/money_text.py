"""Money text: one plain form of a message for the money grammar, with the way back to the original."""

from __future__ import annotations

import re
import unicodedata

# One character for another, so that places in the text stay: full width, mathematical letters and digits (a
# favourite in posts), Thai digits, dashes and spaces. The full-width comma stays: it ends a clause.
_FORMS = {
    place: unicodedata.normalize("NFKC", chr(place))
    for block in (range(0xFF01, 0xFF5F), range(0xFFE0, 0xFFE7), range(0x1D400, 0x1D800))
    for place in block
    if len(unicodedata.normalize("NFKC", chr(place))) == 1 and place != 0xFF0C
}
_FORMS |= {0x0E50 + digit: str(digit) for digit in range(10)}
_FORMS |= dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE63), "-")
_FORMS |= dict.fromkeys((0x00A0, 0x2007, 0x2009, 0x200A, 0x202F, 0x3000), " ")
_FORMS |= {0x301C: "~", 0x223C: "~", 0x2019: "'", 0x02BC: "'"}
# Wider than `_FORMS` and quick to search: most texts hold none of these.
_FORMED = re.compile(
    "[\u00a0\u02bc\u0e50-\u0e59\u2007-\u202f\u2212-\u223c\u3000-\u301c\ufe63\uff01-\uffe6\U0001d400-\U0001d7ff]"
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff]")
_TWICE = "เเ"  # typed for แ
_MARKS = 4  # combining marks that one letter may carry


def prepare(text: str) -> tuple[str, list[int] | None]:
    """The text as it is read: small letters, composed, plain forms, nothing invisible.

    With it comes the place in the original of each character and of the end, or `None` where places are the same.
    """
    if text.isascii():
        return text.lower(), None
    places = None
    if not unicodedata.is_normalized("NFC", text) or _UNSEEN.search(text) or _TWICE in text:
        text, places = _composed(text)
    if _FORMED.search(text):
        text = text.translate(_FORMS)
    small = text.lower()
    if len(small) != len(text):
        small = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    return small, places


def _composed(text: str) -> tuple[str, list[int]]:
    kept: list[str] = []
    places: list[int] = []
    start, size = 0, len(text)
    while start < size:
        end = start + 1
        while end < size and end - start <= _MARKS and unicodedata.combining(text[end]):
            end += 1
        for character in unicodedata.normalize("NFC", text[start:end]):
            if character == "เ" and kept and kept[-1] == "เ":
                kept[-1] = "แ"
            elif not _UNSEEN.match(character):
                kept.append(character)
                places.append(start)
        start = end
    places.append(size)
    return "".join(kept), places


def without_marks(text: str) -> str:
    """A composed text as it is typed by those who leave the marks out."""
    kept = (part for part in unicodedata.normalize("NFD", text) if not unicodedata.combining(part))
    return "".join("d" if part == "đ" else part for part in kept)
