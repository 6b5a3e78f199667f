"""How people speak one language: the words by which a message's acts are told."""

from __future__ import annotations

from knowledge.numerals import MoneyWords
from knowledge.shapes import Shape, Terms, Text


class LanguageFile(Shape):
    """One language: `finished` means that every wording must exist in it.

    `acts` maps an act (see `ACTS`) to the words that show it. `common` are everyday words that tell this
    language from others in the same script. `not_before` and `not_after` negate what stands after or
    before them in the same clause; `exclude_before` and `exclude_after` do so for roles. `clause` begins
    another clause. `harmless` hides a negating word inside a longer one ("not only"). `unfolded` are words
    of any file that never match without their marks. `slang` maps words to how they are typed in haste.
    """

    code: Text
    native: Text
    finished: bool
    market: Text | None = None
    words: Terms
    common: Terms = ()
    acts: dict[str, Terms]
    not_before: Terms = ()
    not_after: Terms = ()
    exclude_before: Terms = ()
    exclude_after: Terms = ()
    clause: Terms = ()
    harmless: Terms = ()
    unfolded: Terms = ()
    slang: dict[str, Text] = {}
    money: MoneyWords


# fmt: off
ACTS = frozenset({
    "greeting", "thanks", "restart", "cancel", "help", "human", "insult", "bot", "small_talk", "privacy", "agreed",
    "forget_me", "export_me", "question", "question_end", "what_is", "difference", "why", "why_not", "source", "law",
    "fine", "may", "endorse", "steps", "trends", "conflicts", "matrix", "next_step", "who", "roles", "decline",
    "unsure", "edit", "change_goal", "change_category", "change_budget", "change_market", "forget", "allow",
    "staff_yes", "staff_no", "switch", "budget", "market", "pick", "flavour", "place",
})
# fmt: on
