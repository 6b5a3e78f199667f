"""Language gaps: what one language still lacks, each by file and entry, so that a contributor knows where to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from jinja2 import Environment, nodes

from bot.voice import FOLDER
from bot.word_check import LEAST_WORDS, counts
from knowledge.check import entries
from knowledge.knowledge import FALLBACK_LANGUAGE, Knowledge
from knowledge.shapes import Shape, Wording, Words
from knowledge.speech import ACTS, LanguageFile

Part = Literal["wording", "words", "act", "reply"]
PARTS: tuple[Part, ...] = get_args(Part)
# Vietnamese names the flavour last ("trà vị đào"), so nothing before it is described.
_NOT_EVERYWHERE = frozenset({"flavour"})
# `common` words tell apart only what is written in Latin letters.
_NO_LISTS = frozenset({"acts", "money", "finished", "market", "common"})


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a language must have: which part of the work it is, where it stands, and what is missing there.

    `lacks` is empty where nothing is.
    """

    part: Part
    file: str
    entry: str
    lacks: str = ""


def needs(language: str, knowledge: Knowledge) -> Iterator[Need]:
    """Everything that a language must have, in the order of the files, whether it has it or not."""
    yield from _wordings(language, knowledge)
    yield from _words(language, knowledge)
    yield from _acts(knowledge.languages[language], knowledge)
    yield from _replies(language)


def _wordings(language: str, knowledge: Knowledge) -> Iterator[Need]:
    for file, entry, shape in _entries(knowledge):
        for name, field in type(shape).model_fields.items():
            value = getattr(shape, name)
            if field.annotation == dict[str, Wording]:
                texts = {f"{name}.{key}": wording for key, wording in value.items()}
            elif value and Wording in (field.annotation, *get_args(field.annotation)):
                texts = {name: value}
            else:
                continue
            for part, wording in texts.items():
                lacks = "" if language in wording else f"no wording; English: {wording[FALLBACK_LANGUAGE]!r}"
                yield Need("wording", file, _joined(entry, part), lacks)


def _words(language: str, knowledge: Knowledge) -> Iterator[Need]:
    counted = counts(knowledge)
    for key in knowledge.categories:
        have = counted[key, language][0]
        lacks = "" if have >= LEAST_WORDS else f"{have} of at least {LEAST_WORDS} words"
        yield Need("words", f"categories/{key}.yaml", "words", lacks)
    for file, entry, shape in _entries(knowledge):
        if file.startswith("categories/"):
            continue
        for name, field in type(shape).model_fields.items():
            if field.annotation != Words or not (field.is_required() or name == "words"):
                continue
            listed = getattr(shape, name)
            # A word with two readings, or a group's, need not exist everywhere: only what all others have is asked.
            if all(listed.get(code) for code in knowledge.finished if code != language):
                yield Need("words", file, _joined(entry, name), "" if listed.get(language) else "no words")


def _acts(spoken: LanguageFile, knowledge: Knowledge) -> Iterator[Need]:
    file = f"languages/{spoken.code}.yaml"
    others = [knowledge.languages[code] for code in knowledge.finished if code != spoken.code]
    for act in sorted(ACTS - _NOT_EVERYWHERE):
        if all(other.acts.get(act) for other in others):
            yield Need("act", file, f"acts.{act}", "" if spoken.acts.get(act) else _like(act, knowledge))
    for name in type(spoken).model_fields:
        if name not in _NO_LISTS and all(getattr(other, name) for other in others):
            yield Need("act", file, name, "" if getattr(spoken, name) else "no words")


def _like(act: str, knowledge: Knowledge) -> str:
    english = knowledge.languages[FALLBACK_LANGUAGE].acts.get(act, ())
    return "no words" + (f"; English: {', '.join(english[:3])} ..." if english else "")


def _replies(language: str) -> Iterator[Need]:
    own = _macros(language)
    for name, arguments in _macros(FALLBACK_LANGUAGE).items():
        lacks = ""
        if name not in own:
            lacks = f"no macro {name}({', '.join(arguments)})"
        elif own[name] != arguments:
            lacks = f"takes ({', '.join(own[name])}) and not ({', '.join(arguments)})"
        yield Need("reply", f"bot/replies/{language}.j2", name, lacks)


@cache
def _macros(language: str) -> dict[str, tuple[str, ...]]:
    """The macros of a language's replies with their arguments; none where it has no file yet."""
    file = FOLDER / f"{language}.j2"
    if not file.is_file():
        return {}
    tree = Environment(autoescape=False).parse(file.read_text(encoding="utf-8"))  # noqa: S701 - never rendered
    return {macro.name: tuple(arg.name for arg in macro.args) for macro in tree.find_all(nodes.Macro)}


def _entries(knowledge: Knowledge) -> Iterator[tuple[str, str, Shape]]:
    """The entries that speak to people; a language's own file holds one language only."""
    return (found for found in entries(knowledge) if not found[0].startswith("languages/"))


def _joined(entry: str, name: str) -> str:
    return f"{entry}.{name}".strip(".")
