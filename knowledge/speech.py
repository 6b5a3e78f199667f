"""How people speak one language: the words by which a message's acts are told."""

from __future__ import annotations

from knowledge.numerals import MoneyWords
from knowledge.shapes import Shape, Terms, Text


class LanguageFile(Shape):
    """One language: `finished` means that every wording must exist in it.

    `acts` maps an act (see `ACTS`) to the words that show it. `common` are everyday words that tell this language
    from others in the same script. `not_before` and `not_after` negate what stands after or before them in the same
    clause; `exclude_before` and `exclude_after` do so for roles, `exclude_later` for the one that a particle of
    `theme` names at the head of the sentence. `clause` begins another clause. `people` are those to be won
    (customers, patients); `others` those whose wishes are not ours (competitors). `past` tells what is over, `now`
    what is wanted; `contrast` sets a wish against a fact ("but"). `does` tells what a product is for, or supposes
    ("if"); `can` what people may do with it. `harmless` hides a negating word inside a longer one ("not only").
    `unfolded` are words of any file that never match without their marks. `aside` are words that stand around a
    product and are no part of its name ("we sell", "our new"): what is left of a message may be a product nobody
    listed. `slang` maps words to how they are typed in haste.
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
    exclude_later: Terms = ()
    theme: Terms = ()
    clause: Terms = ()
    people: Terms = ()
    others: Terms = ()
    past: Terms = ()
    now: Terms = ()
    contrast: Terms = ()
    does: Terms = ()
    can: Terms = ()
    harmless: Terms = ()
    unfolded: Terms = ()
    aside: Terms = ()
    slang: dict[str, Text] = {}
    money: MoneyWords


# fmt: off
ACTS = frozenset({
    "greeting", "thanks", "restart", "cancel", "help", "human", "insult", "bot", "small_talk", "privacy", "agreed",
    "forget_me", "export_me", "question", "question_end", "what_is", "difference", "why", "why_think", "why_not",
    "source", "law", "fine", "may", "endorse", "steps", "trends", "conflicts", "matrix", "next_step", "who", "roles",
    "decline", "unsure", "edit", "change_goal", "change_category", "change_budget", "change_market", "forget", "allow",
    "staff_yes", "staff_no", "switch", "switch_after", "budget", "market", "pick", "pick_after", "flavour", "place",
    "place_after", "origin", "polite", "else", "suits",
})
# fmt: on
