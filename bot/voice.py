"""The voice: one language ready to speak, its phrases bound to the shared layout."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule

from bot.reply import Reply
from bot.speaker import Speaker
from knowledge.advice import Advice
from knowledge.knowledge import FALLBACK_LANGUAGE, Knowledge
from knowledge.shapes import LawEntry

FOLDER = Path(__file__).parent / "replies"
_BLANK = re.compile(r"\n{3,}")
_ECHOED = frozenset({"ask_goal", "ask_category", "ask_group", "ask_guess", "ask_budget", "ask_edit", "exported"})

_OF_ADVICE = frozenset({"matrix", "law_notes"})


class Voice:
    """One language ready to speak: its phrases, the shared layout, and the speaker's words."""

    def __init__(self, language: str, knowledge: Knowledge) -> None:
        environment = Environment(
            loader=FileSystemLoader(FOLDER),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - plain text; platforms escape for themselves
        )
        self.language = language
        self.phrases: TemplateModule = environment.get_template(f"{language}.j2").module
        self.speaker = Speaker(language, knowledge, self.phrases)
        self._told = lru_cache(maxsize=1024)(self._tell)
        environment.globals |= {**self.speaker.words(), "once": self._told}
        self.layout: TemplateModule = environment.get_template("layout.j2").module

    def text(self, reply: Reply) -> str:
        """The words of one reply."""
        if reply.name in _OF_ADVICE:
            return self._told(reply.name, reply.args["advice"])
        args = dict(reply.args)
        echo = args.pop("echo", None) if reply.name in _ECHOED else None
        said = self.layout.echo_line(self.phrases, echo) if echo is not None else ""  # type: ignore[attr-defined]
        if hasattr(self.layout, reply.name):
            body = getattr(self.layout, reply.name)(self.phrases, **args)
        elif hasattr(self.phrases, reply.name):
            body = getattr(self.phrases, reply.name)(**self.speaker.plain(args))
        else:
            body = ""
        return _tidy(f"{said}\n{body}")

    def _tell(self, name: str, advice: Advice) -> str:
        """What says nothing but the advice: the same words for the same advice."""
        return _tidy(getattr(self.layout, name)(self.phrases, advice))

    def law_line(self, law: LawEntry, on: date) -> str:
        """One law rule as a sentence with its source, when it was checked, and that it is no legal advice."""
        return _tidy(self.layout.law_line(self.phrases, law, on))  # type: ignore[attr-defined]


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines()).replace("： ", "：")
    return _BLANK.sub("\n\n", lines).strip()


@lru_cache(maxsize=32)
def voice(language: str, knowledge: Knowledge) -> Voice:
    """The voice of a language, made once; English where the language has no replies."""
    known = (FOLDER / f"{language}.j2").is_file() and language in knowledge.languages
    return Voice(language if known else FALLBACK_LANGUAGE, knowledge)
