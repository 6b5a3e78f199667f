"""What the sentences' understanding comes to: right, wrong and missing by language and part of the brief.

Run `python -m tests.report_sentences [--say | --held]`: `--say` also lists what is not right, `--held` counts the
sentences in `sentences/held/` instead, which are never listed: words grown from them would prove nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any, Literal

from bot.understand import understand
from knowledge.brief import Brief
from knowledge.change import changed
from knowledge.load import shipped
from tests.cases import load_cases

KEYS = frozenset({"say", "intent", "goal", "second", "hinted", "category", "amount", "low", "currency", "period",
                  "excluded", "market", "declined", "asks", "language", "asked", "fails"})  # fmt: skip
# What a person would have to correct if it were wrong.
PARTS = ("goal", "second", "category", "amount", "currency", "market", "excluded")
Outcome = Literal["right", "wrong", "missing"]


def got(case: dict[str, Any]) -> dict[str, Any]:
    """Everything that is understood of a case, under the keys of a case."""
    heard = understand(case["say"], shipped(), asks=case.get("asks"))
    brief = Brief()
    for change in heard.changes:
        brief = changed(brief, change)
    return {
        "intent": heard.intent,
        "goal": brief.goal,
        "second": brief.second,
        "hinted": list(heard.goal_guesses),
        "category": brief.category,
        "amount": format(brief.budget.most.amount.normalize(), "f") if brief.budget else None,
        "low": format(brief.budget.low.amount.normalize(), "f") if brief.budget and brief.budget.low else None,
        "currency": brief.budget.currency if brief.budget else None,
        "period": brief.budget.period if brief.budget else None,
        "excluded": sorted(brief.excluded),
        "market": brief.market,
        "declined": sorted(brief.declined),
        "language": heard.language,
        "asked": [asked.kind for asked in heard.asked],
    }


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """What a case says must be understood; what it leaves out is not judged."""
    wanted = {key: value for key, value in case.items() if key not in ("say", "asks", "fails")}
    if "excluded" in wanted:
        wanted["excluded"] = sorted(wanted["excluded"])
    return wanted


def judged(wanted: object, heard: object) -> Outcome:
    """One part of the brief: missing costs the person a tap, wrong costs their trust."""
    if wanted == heard:
        return "right"
    return "missing" if heard in (None, []) else "wrong"


def report(*, say: bool = False, held: bool = False) -> str:
    """A table of all cases, or of the `held` ones, and with `say` one line for each part that is not right."""
    counts: dict[tuple[str, str], Counter[Outcome]] = {}
    lines = []
    for name, case in load_cases("sentences", KEYS):
        if name.startswith("held/") != held:
            continue
        heard, wanted = got(case), expected(case)
        language = name.partition("/")[2].rpartition("-")[0]
        for part in PARTS:
            if part in wanted:
                outcome = judged(wanted[part], heard[part])
                counts.setdefault((language, part), Counter())[outcome] += 1
                if say and outcome != "right" and not held:
                    lines.append(f"{name} {part} {outcome}: {wanted[part]} heard as {heard[part]}: {case['say']}")
    lines.append(f"{'':12}{'':10}{'right':>7}{'wrong':>7}{'missing':>9}")
    for (language, part), count in sorted(counts.items()):
        lines.append(f"{language:12}{part:10}{count['right']:7}{count['wrong']:7}{count['missing']:9}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(say="--say" in sys.argv[1:], held="--held" in sys.argv[1:]) + "\n")
