"""Labels: what a button says, in one language."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from bot.press import read_press
from bot.say_money import say_money
from bot.voice import Voice
from knowledge.brief import Money
from knowledge.knowledge import Knowledge

_NAMED = ("goal", "category", "group", "market")
_OF_ROLE = ("why_not", "allow", "exclude")


@lru_cache(maxsize=4096)
def label(payload: str, voice: Voice, knowledge: Knowledge) -> str:
    """The label of a press that this program made; at most 20 characters, which a test holds to."""
    press = read_press(payload)
    if press is None:
        raise ValueError(f"not a press: {payload!r}")
    verb, value = press.verb, press.value
    speaker, phrases = voice.speaker, voice.phrases
    if verb in _NAMED:
        return speaker.name(verb, value)
    if verb in _OF_ROLE:
        return _say(phrases, verb, speaker.name("role", value))
    match verb:
        case "budget" if value == "decline":
            return _say(phrases, "decline")
        case "budget":
            amount, _, currency = value.partition("-")
            return say_money(Money(Decimal(amount), currency), voice.language)
        case "reading":
            return speaker.say(knowledge.readings[value].offers)
        case "language":
            return knowledge.languages[value].native
        case "topic":
            return speaker.subject(value)
        case "conflicts_from" | "law_from":
            return _say(phrases, "more")
        case "compare":
            return _say(phrases, "compare", value)
        case "step":
            return _say(phrases, "step", int(value))
        case "staff" | "ask":
            return _say(phrases, f"{verb}_{value}")
    return _say(phrases, verb)


def _say(phrases: object, name: str, *args: object) -> str:
    return str(getattr(phrases, f"label_{name}")(*args)).strip()
