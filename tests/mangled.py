"""Webhook bodies as the platforms send them, and the same with something wrong inside; for property tests."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.test_serving import text_event, update

REAL = Path(__file__).parent / "webhooks"
AT = 1_795_320_000  # seconds since 1970
SAID = (
    "保養品新品,預算30萬,想衝業績,該找誰?",
    "kem chống nắng, 15 triệu, muốn ra đơn",
    "why?",
    "再加10萬",
    "/forget",
    "2",
    "v1|why",
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, float("inf"), float("nan"), 2**63, 10**30, -(2**63) - 1, "", " ", "x" * 300,
    "9" * 500,
    "\ud800", "\x00", "\u202e", "\u2028", "NaN", "v1|", "v1|set|goal", "line:Uother", "tg:1", "../../x",
    "' OR 1=1 --", "{{7*7}}",
    "user", "group", "private", "text", "message", "postback", "follow", "join", "unsend", "messageEdited",
    "callback_query",
    [], {}, [[[[]]]], [None], {"type": "text"}, {"id": 1}, {"": ""},
    {"text": "hello", "chat": {"id": 9, "type": "private"}},
)  # fmt: skip


def bodies_of(platform: str) -> list[str]:
    """Real bodies of a platform (`line`, `telegram`) as JSON: those of the webhook cases, and as many that ask."""
    key = "post" if platform == "line" else "update"
    found = [
        case[key] for file in sorted((REAL / platform).glob("*.yaml"))
        for case in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    ]  # fmt: skip
    for number, text in zip(range(len(found)), itertools.cycle(SAID)):
        event = text_event(number, f"U{number % 3:032x}", text, f"{number:032x}")
        said = update(number, 5, text)
        event["timestamp"], said["message"]["date"] = AT * 1000, AT  # the same bodies every time
        found.append({"destination": "U" + "b" * 32, "events": [event]} if platform == "line" else said)
    return [json.dumps(body, default=str) for body in found]


SPOILT = ("\ud800", "\udfff", "\x00", "\u202e", " 9999999999999999999999萬", "x" * 3000, "\n\r\t", "|")
# One number an accident: where, what and with what all come out of it, so that a body costs few draws. Beyond 24 bits
# hypothesis would draw small numbers most of the time, and the same accident with them.
_CHANCES = st.lists(st.integers(0, 2**24 - 1), min_size=2, max_size=4)


def _places(whole: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside: what holds it, and under which key or number."""
    pairs = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
    for key, value in list(pairs):
        yield whole, key
        yield from _places(value)


def _nested(value: Any, deep: int) -> Any:
    for level in range(deep):
        value = [value] if level % 2 else {"x": value}
    return value


@st.composite
def mangled(draw: st.DrawFn, real: list[str]) -> bytes:
    """A real body after accidents: fields dropped, retyped, nested, doubled, exchanged, texts spoilt, events added."""
    begin, *accidents = draw(_CHANCES)
    whole: Any = {"whole": json.loads(real[begin % len(real)])}
    for chance in accidents:
        places = list(_places(whole))
        chance, at = divmod(chance, len(places))
        chance, act = divmod(chance, 10)
        holder, key = places[at]
        if act == 0 and holder is not whole:
            del holder[key]
        elif act <= 3:
            holder[key] = copy.deepcopy(ODD[chance % len(ODD)])
        elif act == 4:
            holder[key] = _nested(holder[key], chance % 50 + 1)
        elif act == 5:
            other, under = places[chance % len(places)]
            holder[key] = copy.deepcopy(other[under])
        elif act == 6 and isinstance(holder, dict):
            holder[f"{key}{chance % 10}"] = copy.deepcopy(holder[key])
        elif act >= 8:
            _spoiled(places, chance)
        else:
            _joined(whole["whole"], json.loads(real[chance % len(real)]))
    return json.dumps(whole["whole"]).encode()


def _spoiled(places: list[tuple[Any, Any]], chance: int) -> None:
    """Put something into one of the texts that no database, or no parser, takes lightly."""
    texts = [(holder, key) for holder, key in places if isinstance(holder[key], str)]
    if texts:
        chance, at = divmod(chance, len(texts))
        holder, key = texts[at]
        holder[key] += SPOILT[chance % len(SPOILT)]


def _joined(whole: Any, more: Any) -> None:
    """Add another body's events, or its fields where it has none."""
    if not isinstance(whole, dict) or not isinstance(more, dict):
        return
    if isinstance(whole.get("events"), list) and isinstance(more.get("events"), list):
        whole["events"] += more["events"]
    else:
        whole |= {name: value for name, value in more.items() if name != "update_id"}
