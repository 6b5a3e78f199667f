"""The check of words: which product words are heard as something else, stand twice, or are not heard at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.fold import Speller, fold
from bot.lexicon import Hit, Term, lexicon, terms, unmarked
from knowledge.fault import Fault
from knowledge.knowledge import Knowledge

LEAST_WORDS = 150  # of each category in a finished language: what the shelves of a general shop hold
PRODUCTS = ("category", "category_reading", "group")
# A product heard inside one of these is meant: who asks "is advertising health food legal" says a product.
_MAY_HOLD = ("act:law", "act:endorse", "act:flavour", "harmless")
_GRAMMAR = ("not_before", "not_after", "exclude_before", "exclude_after", "clause", "harmless")


@dataclass(frozen=True, slots=True)
class WordFault:
    """A fault of one language's words: `word` as it is written, and what is wrong with it."""

    language: str
    word: str
    fault: Fault


def counts(knowledge: Knowledge) -> dict[tuple[str, str], tuple[int, int]]:
    """Strong words and hints of each (category, language); spellings that are matched alike count once."""
    speller = Speller(knowledge.simplified)

    def different(words: Mapping[str, tuple[str, ...]], code: str) -> int:
        return len({speller.text(word) for word in words.get(code, ())} - {""})

    return {
        (key, code): (different(category.words, code), different(category.hints, code))
        for key, category in knowledge.categories.items()
        for code in knowledge.languages
    }


def word_faults(knowledge: Knowledge) -> tuple[WordFault, ...]:
    """Every fault that `known_words.yaml` does not excuse, and every excuse that nothing needs, sorted by file."""
    found = {*_repeated(knowledge), *_clashing(knowledge), *_misheard(knowledge)}
    excused = {
        (language, word): key
        for key, entry in knowledge.known_words.items()
        for language, listed in entry.words.items()
        for word in listed
    }
    needed = {(one.language, one.word) for one in found}
    faults = [one for one in found if (one.language, one.word) not in excused]
    for (language, word), key in excused.items():
        if (language, word) not in needed:
            what = f"{word!r} is not reported any more"
            faults.append(WordFault(language, word, Fault("known_words.yaml", f"{key}.words.{language}", what)))
    return tuple(sorted(faults, key=lambda one: (one.fault, one.language)))


def _repeated(knowledge: Knowledge) -> Iterator[WordFault]:
    """Words that stand twice in one list, in this or another spelling."""
    speller = Speller(knowledge.simplified)
    lists = [(f"categories/{key}.yaml", f"{key}.words", shape.words) for key, shape in knowledge.categories.items()]
    lists += [(f"categories/{key}.yaml", f"{key}.hints", shape.hints) for key, shape in knowledge.categories.items()]
    readings = {key: shape for key, shape in knowledge.readings.items() if shape.question == "category"}
    lists += [("readings.yaml", f"{key}.words", shape.words) for key, shape in readings.items()]
    lists += [("groups.yaml", f"{key}.words", shape.words) for key, shape in knowledge.groups.items()]
    for file, entry, words in lists:
        for language, listed in words.items():
            seen: dict[str, str] = {}
            for word in listed:
                folded = speller.text(word)
                if folded in seen:
                    what = f"{word!r} stands twice" + (f", as {seen[folded]!r} too" if seen[folded] != word else "")
                    yield WordFault(language, word, Fault(file, f"{entry}.{language}", what))
                seen.setdefault(folded, word)


def _clashing(knowledge: Knowledge) -> Iterator[WordFault]:
    """Words that mean two products, as typed or without Vietnamese marks, and hints that never get their turn."""
    speller = Speller(knowledge.simplified)
    unfolded = {word.casefold() for language in knowledge.languages.values() for word in language.unfolded}
    marked: dict[str, list[Term]] = defaultdict(list)
    for term in terms(knowledge):
        if term.kind in PRODUCTS:
            marked[speller.text(term.word)].append(term)
    bare_of: dict[str, Term] = {}
    for word, same in marked.items():
        strong = [term for term in same if not term.weak]
        if not strong:
            continue
        first = strong[0]
        for term in same:
            other = meaning(term) != meaning(first)
            if other and not term.weak:
                yield _fault(term, f"{term.word!r} already means {named(first)}")
            elif term.weak and (other or term.language == first.language):
                yield _fault(term, f"the hint {term.word!r} is never heard: it already means {named(first)}")
        for term in strong:
            bare = unmarked(word) if term.language == "vi" else None
            if bare is None or term.word.casefold() in unfolded:
                continue
            alike = [bare_of.setdefault(bare, term), *(typed for typed in marked.get(bare, ()) if not typed.weak)]
            for typed in alike:
                if meaning(typed) != meaning(term):
                    what = f"{term.word!r} without its marks is also {typed.word!r}, {named(typed)}"
                    yield _fault(term, what, "name the rarer one in `unfolded` of languages/vi.yaml")


def _misheard(knowledge: Knowledge) -> Iterator[WordFault]:
    """Product words that are not heard even alone, and words of the talk in which a product is heard.

    The second is what a short word does in a script without spaces: "ยา" (medicine) stands in "อยาก" (want).
    """
    words = lexicon(knowledge)
    for term in terms(knowledge):
        folded = fold(term.word, knowledge.simplified)
        if not folded.text:
            yield _fault(term, f"nothing is left of {term.word!r} when it is matched")
            continue
        hits = words.hits(folded, term.language)
        if term.kind in PRODUCTS:
            if not term.weak and all(hit.term.value != term.value for hit in hits.get(term.kind, ())):
                heard = ", ".join(sorted({named(hit.term) for found in hits.values() for hit in found}))
                yield _fault(term, f"{term.word!r} is not heard as that, but as {heard or 'nothing'}")
        elif is_talk(term.kind) and term.kind not in _MAY_HOLD:
            for hit in _products(hits):
                what = f"{hit.term.word!r} is heard in {term.word!r}, which is {named(term)}"
                yield _fault(hit.term, what, f"another word, or {term.word!r} without it")


def _products(hits: Mapping[str, list[Hit]]) -> Iterator[Hit]:
    for kind in ("category", "category_reading"):
        yield from (hit for hit in hits.get(kind, ()) if not hit.term.weak)


def is_talk(kind: str) -> bool:
    """Whether words of a kind are about the talk: acts, and what negates or divides."""
    return kind.startswith("act:") or kind in _GRAMMAR


def meaning(term: Term) -> tuple[str, str]:
    """What a term stands for, whatever the language."""
    return term.kind, term.value


def named(term: Term) -> str:
    """A term's meaning as it is reported."""
    kind, _, act = term.kind.partition(":")
    return f"{kind} {act or term.value}".replace("_reading", " reading")


def _fault(term: Term, what: str, hint: str = "") -> WordFault:
    folders = {"category": f"categories/{term.value}.yaml", "category_reading": "readings.yaml", "group": "groups.yaml"}
    part = "hints" if term.weak else "words"
    file = folders.get(term.kind, f"languages/{term.language}.yaml")
    return WordFault(term.language, term.word, Fault(file, f"{term.value}.{part}.{term.language}", what, hint))
