"""Misses: how what was not understood is shown to whoever grows the lexicon."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from bot.misses import Miss, unread
from bot.store_chores import KeptMiss
from bot.understand import understand
from knowledge.knowledge import Knowledge

_EPOCH = date(1970, 1, 1)
# Where the words for each question's values stand.
_WORDS = {"goal": "knowledge/goals.yaml, {}", "category": "knowledge/categories/{}.yaml"}


def listed(found: Sequence[KeptMiss]) -> Iterator[str]:
    """Lines by question and value, the most frequent first; each text with its language, latest day and count."""
    for (question, value), group in _grouped(found):
        yield f"{question} {value} ({len(group)})"
        counts = Counter(kept.miss for kept in group)
        for miss, count in counts.most_common():
            day = _EPOCH + timedelta(days=max(kept.day for kept in group if kept.miss == miss))
            yield f"  {day} {miss.language:7} {miss.text}{f'  (x{count})' if count > 1 else ''}"


def as_yaml(found: Sequence[KeptMiss], knowledge: Knowledge) -> Iterator[str]:
    """Cases for tests/sentences, and before each, as a remark, what of its words was not understood and where such
    words go. Whoever takes one over judges it: people also tap what they never said."""
    for (question, value), group in _grouped(found):
        for miss in dict.fromkeys(kept.miss for kept in group):
            if question in _WORDS:
                left = unread(miss.text, understand(miss.text, knowledge, language=miss.language).evidence)
                yield f"# {_WORDS[question].format(value)}, words, {miss.language}: {_quoted(left)}"
            yield f"- say: {_quoted(miss.text)}"
            yield from (f"  {key}: {value}" for key, value in _expected(miss))


def _grouped(found: Sequence[KeptMiss]) -> list[tuple[tuple[str, str], list[KeptMiss]]]:
    groups: dict[tuple[str, str], list[KeptMiss]] = {}
    for kept in found:
        groups.setdefault((kept.miss.question, kept.miss.value), []).append(kept)
    return sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def _expected(miss: Miss) -> Iterator[tuple[str, str]]:
    """What the message must be understood as, as keys of a case."""
    if miss.question != "budget":
        yield miss.question, miss.value
    elif miss.value == "decline":
        yield "declined", "[budget]"
    else:
        amount, _, currency = miss.value.partition("-")
        yield "amount", _quoted(amount)
        yield "currency", currency


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
