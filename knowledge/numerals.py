"""The shape of a language's `money:` section: the words by which figures, currencies and budgets are told."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from knowledge.brief import Period
from knowledge.shapes import Shape, Terms


class Sides(Shape):
    """Words that mean something only on one side of an amount."""

    before: Terms = ()
    after: Terms = ()


class MoneyWords(Shape):
    """How one language writes amounts of money. Words are in lower case; two grammars are never equal.

    **Figures.** `decimal` is the mark before a fraction, the other of "." and "," groups thousands.
    `numbers` are words below 100; `endings` are those that only follow a scale (lăm, mốt, เอ็ด); `scales`
    multiply what stands before them; `attached` do so only when written onto figures (5k). A scale in
    `implicit` may stand alone for one of it (百萬, แสน). `shorthand`: a lone digit counts tenths of the scale
    before it, "last" only behind a single scale from a thousand on (แสนห้า), "within" wherever no zero or
    link denies it (一萬五, trăm hai triệu). `positional`: digit words in a row are figures (二〇二五).
    `pairs`: digits said together for a range beside the neighbours that always are (三五萬). `parts` stand
    before a scale (half a million), `halves` add half of the scale before them (rưỡi). `ones` are articles
    (a million); `links` are silent (and, lẻ); `points` begin a fraction; `odd` loosens a number from inside
    (三十多萬); `vague` before a scale makes it no number (幾萬). `measures` are scales that also count litres and the
    like: money only where a budget, or "about" or "have", stands before.

    **Money.** `currencies` and `implies` map ISO 4217 to marks and words, and to scales that imply it.
    `periods` are whole phrases, `units` count only behind "/", a figure 1, or written onto the amount.
    `ranges` stand between two ends, `joins` do so after `between`, `either` where the first has no unit.

    **Around an amount.** `about` says nothing; `at_most`, `at_least` open an end; `budget` names the
    budget; `negations` deny an amount; `negatives` are minus signs; `add`, `less`, `becomes` change the
    budget, and after `moves` a range is a change ("raise from 5k to 8k"). `apart` begins another thought.

    **What is no budget.** `counted` are nouns that make a bare figure a count, `counters` any amount
    without a currency, `reached` the same on either side (followers), `aims` any amount behind them (targets),
    `worth` one on either side, with a currency too (prices, revenue), `each` makes it a price per piece or per
    day, `ordinals` a number in a row. `adjectives` is how many unknown words may stand before such a noun
    ("50k organic views"). A bare figure below `bare_from` is none: nobody has a budget of 50 yen, and "予算50" leaves
    out its scale. `shields` are words in which another word of this section is hidden and means nothing.

    **Factors.** `percent` and `tenths` follow a number, `times` stands beside one, `factors` are whole
    phrases. **Folding.** `unfolded` words never match without their marks.
    """

    decimal: Literal[".", ","] = "."
    shorthand: Literal["never", "last", "within"] = "never"
    positional: bool = False
    adjectives: int = Field(default=0, ge=0, le=3)
    bare_from: int = Field(default=0, ge=0)
    pairs: tuple[tuple[int, int], ...] = ()
    numbers: dict[int, Terms]
    endings: dict[int, Terms] = {}
    scales: dict[int, Terms]
    attached: dict[int, Terms] = {}
    implicit: Terms = ()
    parts: dict[Decimal, Terms] = {}
    halves: Terms = ()
    ones: Terms = ()
    links: Terms = ()
    points: Terms = ()
    odd: Terms = ()
    vague: Terms = ()
    measures: Terms = ()

    currencies: dict[str, Terms] = Field(min_length=1)
    implies: dict[str, Terms] = {}
    periods: dict[Period, Terms] = {}
    units: dict[Period, Terms] = {}
    ranges: Terms = ()
    between: Terms = ()
    joins: Terms = ()
    either: Terms = ()

    about: Terms = ()
    at_most: Sides = Sides()
    at_least: Sides = Sides()
    budget: Terms = ()
    negations: Sides = Sides()
    negatives: Terms = ()
    add: Sides = Sides()
    less: Sides = Sides()
    becomes: Sides = Sides()
    moves: Terms = ()
    apart: Terms = ()

    counted: Terms = ()
    counters: Terms = ()
    reached: Terms = ()
    aims: Terms = ()
    worth: Terms = ()
    each: Terms = ()
    ordinals: Terms = ()
    shields: Terms = ()

    percent: Terms = ()
    tenths: Terms = ()
    times: Sides = Sides()
    factors: dict[Decimal, Terms] = {}

    unfolded: Terms = ()

    # A grammar is loaded once and looked up on every message: it is known by what it is, not by what it says.
    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @model_validator(mode="after")
    def _one_value_a_word(self) -> Self:
        """Refuse a word with two values, which the reader could only guess between."""
        for name, tables in (
            ("number or scale", (self.numbers, self.endings, self.scales, self.attached)),
            ("currency", (self.currencies,)),
            ("implied currency", (self.implies,)),
            ("part", (self.parts,)),
            ("factor", (self.factors,)),
        ):
            words = Counter(word for table in tables for terms in table.values() for word in set(terms))
            twice = sorted(word for word, count in words.items() if count > 1)
            if twice:
                raise ValueError(f"stands for more than one {name}: {', '.join(twice)}")
        scales = {word for table in (self.scales, self.attached) for terms in table.values() for word in terms}
        for name, terms in (("implicit", self.implicit), *(("implies", terms) for terms in self.implies.values())):
            unknown = sorted(set(terms) - scales)
            if unknown:
                raise ValueError(f"{name} names what is no scale: {', '.join(unknown)}")
        return self
