"""Questions: what a message asks about terms, reasons, sources, steps and the law."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from bot.clauses import Clauses
from bot.fold import Folded
from bot.lexicon import Hit
from bot.understood import Asked
from bot.why_so import fields_behind, fields_beside
from knowledge.knowledge import Knowledge

# Acts that make the clause they stand in a question about something, not a part of the brief.
ASKING = (
    "why_think", "why_not", "why", "what_is", "difference", "source", "law", "conflicts", "trends", "steps", "matrix",
    "roles", "next_step",
)  # fmt: skip
_NUMBER = re.compile(r"\d+")
_NUMERALS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "หนึ่ง": 1,
    "สอง": 2,
    "สาม": 3,
    "สี่": 4,
    "ห้า": 5,
    "หก": 6,
    "เจ็ด": 7,
    "แปด": 8,
}
_SHORT = 14


class Heard:
    """One message as found: its hits by kind, its clauses, and which of them ask something."""

    def __init__(self, folded: Folded, hits: Mapping[str, list[Hit]], clauses: Clauses, knowledge: Knowledge) -> None:
        self.folded, self.hits, self.clauses, self.knowledge = folded, hits, clauses, knowledge

    @cached_property
    def acts(self) -> frozenset[str]:
        """The acts that the message's words show; "may a doctor promote this?" asks for the law."""
        shown = frozenset(kind.removeprefix("act:") for kind in self.hits if kind.startswith("act:"))
        ends = any(hit.end >= len(self.folded.text.rstrip(" .!~。")) for hit in self.act("question_end"))
        asks = "?" in self.folded.text or "question" in shown or ends
        if "why" in shown and all(self._part_of_what(hit) for hit in self.act("why")):
            shown -= {"why"}
        if "law" not in shown and "fine" in shown and asks:
            return shown | {"law"}
        if "law" not in shown and {"may", "endorse"} <= shown and asks and self._role_endorses():
            return shown | {"law"}
        return shown

    def _role_endorses(self) -> bool:
        """Whether a role does the recommending: "may doctors recommend it", not "can you recommend a doctor"."""
        may = {self.clauses.clause(hit.start) for hit in self.act("may")}
        verbs = [verb for verb in self.act("endorse") if self.clauses.clause(verb.start) in may]
        return any(role.end <= verb.start for role in self.hits.get("role", []) for verb in verbs)

    def _part_of_what(self, why: Hit) -> bool:
        """Whether the letters of a "why" belong to a "what is" or a "how": "là sao vậy", "ra sao vậy"."""
        how = any(word.start < why.start < word.end for word in self.act("question"))
        return how or any(what.start <= why.start < what.end for what in self.act("what_is"))

    def act(self, name: str) -> Sequence[Hit]:
        """Where an act shows."""
        return self.hits.get(f"act:{name}", [])

    @cached_property
    def _asking(self) -> frozenset[int]:
        """The clauses that ask something about a term, a reason or the law."""
        subjects = [*self.hits.get("role", []), *self.hits.get("topic", []), *self.hits.get("stage", [])]
        found = set()
        for name in ASKING:
            hits = self.act(name) or (self.act("may") if name == "law" and "law" in self.acts else ())
            for hit in hits:
                sentence = self.clauses.sentence(hit.start)
                same = [s for s in subjects if self.clauses.sentence(s.start) == sentence]
                if name in ("what_is", "difference") and not same:
                    continue
                if name == "why_not" and not same and self._names_more(hit):
                    continue
                if name == "why" and self.told(hit):
                    continue
                found.add(self.clauses.clause(hit.start))
                if name == "law":
                    same += [m for m in self.hits.get("market", []) if self.clauses.sentence(m.start) == sentence]
                if name in ("what_is", "difference", "why_not", "law"):
                    found |= {self.clauses.clause(subject.start) for subject in same}
        return frozenset(found)

    def _names_more(self, asking: Hit) -> bool:
        """Whether the clause names a market, product or goal: "what about Vietnam?" changes the brief."""
        clause = self.clauses.clause(asking.start)
        kinds = ("market", "category", "goal")
        return any(self.clauses.clause(hit.start) == clause for kind in kinds for hit in self.hits.get(kind, []))

    @cached_property
    def suggests(self) -> bool:
        """Whether every "why not" only proposes another market, product or goal."""
        return not self.hits.get("role") and all(self._names_more(hit) for hit in self.act("why_not"))

    def told(self, why: Hit) -> bool:
        """Whether a "why" is what the product must explain: "教育店家為什麼要數位化" asks nothing of us."""
        return any(
            goal.end <= why.start and self.clauses.clause(goal.start) == self.clauses.clause(why.start)
            for goal in self.hits.get("goal", [])
        )

    def in_question(self, hit: Hit) -> bool:
        """Whether the hit stands in a clause that asks, and so is no statement."""
        return self.clauses.clause(hit.start) in self._asking

    @property
    def mostly_question(self) -> bool:
        """Whether the message says more by asking than by telling: it holds no wish of its own."""
        return not self.hits.get("act:who") and not self.hits.get("act:budget")


def questions(heard: Heard) -> tuple[Asked, ...]:
    """What is asked, the most particular first; empty for a brief that only ends in "who should I hire?"."""
    found: dict[Asked, None] = {}
    roles = _values(heard, "role")
    topics = _values(heard, "topic")
    stages = _values(heard, "stage")
    acts = heard.acts
    if "why" in acts and all(heard.told(hit) for hit in heard.act("why")):
        acts -= {"why"}
    if "why_think" in acts and not roles:
        found[Asked("understood", fields_beside(heard))] = None
        acts -= {"why", "source"}
    elif "why" in acts and not roles and (fields := fields_behind(heard)):
        found[Asked("understood", fields)] = None
        acts -= {"why"}
    if heard.suggests:
        acts -= {"why_not"}
    if "why_not" in acts and roles:
        found[Asked("why_not", roles)] = None
    elif acts & {"why", "why_not"}:
        found[Asked("why_not" if "why_not" in acts and "why" not in acts else "why", roles)] = None
    if "law" in acts:
        subjects = (*roles, *_values(heard, "category"), *_values(heard, "market"))
        found[Asked("fine" if "fine" in acts else "law", subjects)] = None
    if "source" in acts and not (acts & {"law"} and len(acts) < 2):
        found[Asked("source", roles)] = None
    if "conflicts" in acts or ("difference" in acts and "articles" in topics and not roles):
        found[Asked("conflicts", (*roles, *topics))] = None
    elif "difference" in acts and (len(roles) >= 1 or topics):
        found[Asked("compare", roles)] = None
    if "steps" in acts or _step(heard):
        found[Asked("steps", number=_step(heard))] = None
    if "trends" in acts or set(topics) & set(heard.knowledge.trends):
        found[Asked("trends", tuple(t for t in topics if t in heard.knowledge.trends))] = None
    if "roles" in acts:
        found[Asked("roles")] = None
    if "matrix" in acts and "what_is" not in acts:
        found[Asked("matrix")] = None
    if "next_step" in acts:
        found[Asked("next_step")] = None
    plain = not found
    if "what_is" in acts and (roles or stages) and not acts & {"difference", "why", "why_not", "law"}:
        found[Asked("topic", (*roles, *stages))] = None
    if plain and topics and (_inquiring(heard) or _bare(heard)):
        found[Asked("topic", topics)] = None
    if plain and not found and "else" in acts and not roles and _unfilled(heard):
        found[Asked("others")] = None
    if (
        plain
        and not found
        and roles
        and _unfilled(heard)
        and ("suits" in acts or (_bare(heard) and heard.hits.get("now")))
    ):
        found[Asked("suits", roles)] = None
    if plain and not found and stages and "who" in acts:
        found[Asked("topic", stages)] = None
    if plain and not found and (roles or stages) and (_bare(heard) or (_inquiring(heard) and _unfilled(heard))):
        found[Asked("topic", (*roles, *stages))] = None
    return tuple(found)


def _values(heard: Heard, kind: str) -> tuple[str, ...]:
    """The ids named, in order; a family is dropped where one of its kinds is named at the same place."""
    hits = [hit for hit in heard.hits.get(kind, []) if not hit.term.weak]
    return tuple(dict.fromkeys(hit.term.value for hit in hits))


def _inquiring(heard: Heard) -> bool:
    return bool(heard.acts & {"question", "what_is", "who"}) or "?" in heard.folded.text


def _unfilled(heard: Heard) -> bool:
    """Whether the message says nothing of the brief beside its question."""
    kinds = ("goal", "category", "market", "exclude_before", "exclude_after")
    acts = ("act:budget", "act:allow", "act:staff_yes", "act:staff_no", "act:who")
    return not heard.hits.keys() & {*kinds, *acts}


def _bare(heard: Heard) -> bool:
    """Whether the message is hardly more than the name itself ("KOS?", "KPI")."""
    return _unfilled(heard) and len(heard.folded.text.strip()) <= _SHORT


def _step(heard: Heard) -> int | None:
    """The number in "step 3", "第三步", "bước 3"."""
    text = heard.folded.text
    for pattern in (
        r"第?\s*([一二三四五六七八\d])\s*(?:番目の|つ目の)?ステップ(?:目|(?!を|で|が))",
        r"第\s*([一二三四五六七八\d])\s*[步个]",
        r"(?:step|bước|buoc|步骤|ステップ|手順)\s*([1-8]|one|two|three|four|five|six|seven|eight)(?![a-z\d])",
        r"ขั้น(?:ตอน)?(?:ที่)?\s*([1-8๑-๘](?!\s*ขั้น)|หนึ่ง|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด)",
    ):
        match = re.search(pattern, text) or re.search(pattern, heard.folded.plain)
        if match:
            return _NUMERALS.get(match[1]) or (
                int(match[1]) if _NUMBER.fullmatch(match[1]) and 1 <= int(match[1]) <= 8 else None
            )
    return None
