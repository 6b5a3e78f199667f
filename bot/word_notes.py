"""Notes on words: which short or foreign meaning a longer word takes the place of; right as a rule, worth a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bot.fold import fold
from bot.lexicon import Hit, Term, lexicon, terms
from bot.word_check import PRODUCTS, is_talk, meaning, named
from knowledge.knowledge import Knowledge

_EXAMPLES = 3
# In a script without spaces a word this short stands in many others: one Chinese character, two of kana or Thai.
_SHORT = ("\u4e00", "\u9fff", 1), ("\u3040", "\u30ff", 2), ("\u0e00", "\u0e7f", 2)


def word_notes(knowledge: Knowledge) -> Iterator[str]:
    """One line for each hidden word: its language and meaning, and some of the longer words that hide it.

    A product hides a role, goal, act or market inside it, or one of these hides a product; of two products only
    the short ones in scripts without spaces are named.
    """
    words = lexicon(knowledge)
    hidden: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for term in terms(knowledge):
        if term.weak or not _side(term):
            continue
        folded = fold(term.word, knowledge.simplified)
        heard = {meaning(hit.term) for found in words.hits(folded, term.language).values() for hit in found}
        for hit in words.found(folded, term.language):
            inner = hit.term
            if inner.weak or hit.size == len(folded.text) or meaning(inner) in heard or meaning(inner) == meaning(term):
                continue
            sides = {_side(term), _side(inner)}
            if sides == {"product", "other"} or (sides == {"product"} and is_short(hit)):
                hidden[inner.language, inner.word, named(inner)][f"{term.word} ({named(term)})"] = None
    for (language, word, means), longer in sorted(hidden.items()):
        more = f" and {len(longer) - _EXAMPLES} more" if len(longer) > _EXAMPLES else ""
        yield f"{language}: {word!r} ({means}) is hidden in {', '.join(list(longer)[:_EXAMPLES])}{more}"


def _side(term: Term) -> str:
    if term.kind in PRODUCTS:
        return "product"
    other = term.kind in ("goal", "goal_reading", "role", "market") or is_talk(term.kind)
    return "other" if other else ""


def is_short(hit: Hit) -> bool:
    """Whether a word is so short that letters of other words spell it by chance."""
    word = hit.term.word
    return any(hit.size <= most and all(low <= sign <= high for sign in word) for low, high, most in _SHORT)
