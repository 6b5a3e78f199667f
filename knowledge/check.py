"""Cross checks: what one file promises about another, and what no single shape can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import get_args

from knowledge.brief import ROLES
from knowledge.fault import Fault, nearest
from knowledge.knowledge import Knowledge
from knowledge.shapes import Persona, RuleEntry, Shape, Stage, Wording, Words
from knowledge.speech import ACTS

LABEL_CHARACTERS = 20  # LINE's limit of a quick reply's label; counted in characters as people see them
MOST_GROUPS = 10


def cross_faults(knowledge: Knowledge) -> Iterator[Fault]:
    """Every fault that shows only when the files are seen together."""
    for file, entry, shape in entries(knowledge):
        yield from _wordings(knowledge, file, entry, shape)
        yield from _sources(knowledge, file, entry, shape)
    yield from _articles(knowledge)
    yield from _references(knowledge)
    yield from _law(knowledge)
    yield from _dates(knowledge)
    yield from _repeated(knowledge)
    yield from _words(knowledge)
    yield from _labels(knowledge)


def entries(knowledge: Knowledge) -> Iterator[tuple[str, str, Shape]]:
    """Each shape of each file, nested ones too, as (file, entry, shape)."""
    for name in ("roles", "categories", "markets", "languages"):
        for key, shape in getattr(knowledge, name).items():
            yield from _nested(f"{name}/{key}.yaml", "", shape)
    for name in (
        "personas", "kpis", "goals", "journey", "trends", "topics", "comparisons", "conflicts", "readings", "symptoms",
    ):  # fmt: skip
        for key, shape in getattr(knowledge, name).items():
            yield from _nested(f"{name}.yaml", key, shape)
    for key, group in knowledge.groups.items():
        yield from _nested("groups.yaml", key, group)
    for step in knowledge.selection:
        yield from _nested("selection.yaml", step.id, step)
    for rule in general_rules(knowledge):
        yield from _nested("rules.yaml", rule.id, rule)


def general_rules(knowledge: Knowledge) -> tuple[RuleEntry, ...]:
    """The rules that stand in rules.yaml, not in a goal or a category."""
    goals = {rule.id for goal in knowledge.goals.values() for rule in goal.rules}
    return tuple(
        rule
        for rule in knowledge.rules
        if rule.id not in goals and rule.id.partition(".")[0] not in knowledge.categories
    )


def _nested(file: str, entry: str, shape: Shape) -> Iterator[tuple[str, str, Shape]]:
    yield file, entry, shape
    for name in type(shape).model_fields:
        value = getattr(shape, name)
        inner = value if isinstance(value, tuple) else (value,)
        for number, part in enumerate(inner, 1):
            if isinstance(part, Shape):
                own = getattr(part, "id", None) or (f"{name} {number}" if isinstance(value, tuple) else name)
                yield from _nested(file, ".".join(x for x in (entry, str(own)) if x), part)


def _wordings(knowledge: Knowledge, file: str, entry: str, shape: Shape) -> Iterator[Fault]:
    if file.startswith("languages/"):
        return  # its words are all of one language; their keys are acts and currencies
    for name, field in type(shape).model_fields.items():
        value, kind = getattr(shape, name), field.annotation
        if value is None:
            continue
        if kind == dict[str, Wording]:
            for key, wording in value.items():
                yield from _wording(knowledge, file, f"{entry}.{name}.{key}", wording)
        elif Wording in (kind, *get_args(kind)):
            yield from _wording(knowledge, file, f"{entry}.{name}", value)
        elif kind == Words:
            yield from _languages(knowledge, file, f"{entry}.{name}", value)


def _wording(knowledge: Knowledge, file: str, entry: str, wording: Wording) -> Iterator[Fault]:
    yield from _languages(knowledge, file, entry, wording)
    for language in knowledge.finished:
        if language not in wording:
            yield Fault(file, entry.strip("."), f"no wording in {language}")


def _languages(knowledge: Knowledge, file: str, entry: str, codes: Iterable[str]) -> Iterator[Fault]:
    yield from _known(file, entry, "language", codes, knowledge.languages)


def _known(file: str, entry: str, what: str, names: Iterable[str], valid: Collection[str]) -> Iterator[Fault]:
    for name in names:
        if name not in valid:
            yield Fault(file, entry.strip("."), f"no {what} {name!r}", nearest(name, valid))


def _sources(knowledge: Knowledge, file: str, entry: str, shape: Shape) -> Iterator[Fault]:
    sources: tuple[str, ...] = getattr(shape, "sources", ())
    items = {item for article in knowledge.articles.values() for item in article.items}
    yield from _known(file, f"{entry}.sources", "source", sources, items | set(knowledge.sources))
    origin = getattr(shape, "origin", None)
    if origin == "article" and sources and not any(source in items for source in sources):
        yield Fault(file, entry, "says it comes from an article but cites no line of one", "origin: house?")
    if origin == "external" and sources and not any(s in knowledge.sources and s != "house" for s in sources):
        yield Fault(file, entry, "says it comes from outside but cites no page", "origin: house?")


def _articles(knowledge: Knowledge) -> Iterator[Fault]:
    for key, article in knowledge.articles.items():
        for name, item in article.items.items():
            if not name.startswith(key):
                yield Fault("articles.yaml", f"{key}.{name}", f"an item of article {key} begins with {key}")
            if max(item.line, item.to or 0) > article.lines or (item.to or item.line) < item.line:
                yield Fault("articles.yaml", f"{key}.{name}", f"no line {item.to or item.line}", f"of {article.lines}")
        left = [entry.item for entry in article.left_out]
        yield from _known("articles.yaml", f"{key}.left_out", "item", left, article.items)


def _references(knowledge: Knowledge) -> Iterator[Fault]:
    categories, goals, kpis = knowledge.categories, knowledge.goals, knowledge.kpis
    for file, entry, shape in entries(knowledge):
        when = getattr(shape, "when", None)
        if when is not None:
            yield from _known(file, f"{entry}.when", "goal", when.goals, goals)
            yield from _known(file, f"{entry}.when", "category", when.categories, categories)
    for role in knowledge.roles.values():
        yield from _known(f"roles/{role.id}.yaml", "kpis", "KPI", role.kpis, kpis)
    for missing in sorted(set(ROLES) - set(knowledge.roles)):
        yield Fault(f"roles/{missing}.yaml", "", "is missing")
    for stage in knowledge.journey.values():
        for role_id, names in stage.kpis.items():
            yield from _known("journey.yaml", f"{stage.id}.kpis.{role_id}", "KPI", names, kpis)
    for missing in sorted(set(get_args(Stage)) - set(knowledge.journey)):
        yield Fault("journey.yaml", missing, "this stage is missing")
    for goal in goals.values():
        for missing in sorted(set(get_args(Stage)) - set(goal.emphasis)):
            yield Fault("goals.yaml", f"{goal.id}.emphasis", f"no weight for stage {missing!r}")
    for missing in sorted(set(get_args(Persona)) - set(knowledge.personas)):
        yield Fault("personas.yaml", missing, "this persona is missing")
    for reading in knowledge.readings.values():
        valid = goals if reading.question == "goal" else categories
        pair = (reading.likelier, reading.other)
        yield from _known("readings.yaml", reading.id, reading.question, pair, valid)
    for symptom in knowledge.symptoms.values():
        yield from _known("symptoms.yaml", symptom.id, "goal", (symptom.goal,), goals)
        if symptom.people == bool(symptom.first):
            yield Fault("symptoms.yaml", symptom.id, "needs either `first` or `people: true`")
    for table in knowledge.comparisons.values():
        yield from _known("comparisons.yaml", f"{table.id}.columns", "role", table.columns, knowledge.roles)
        for row in table.rows:
            if set(row.cells) != set(table.columns):
                yield Fault("comparisons.yaml", row.id, f"needs a cell for each of {', '.join(table.columns)}")
    about = {
        *knowledge.roles, *knowledge.topics, *knowledge.comparisons, *goals, *categories, *knowledge.journey,
        *knowledge.trends, "kos",
    }  # fmt: skip
    for conflict in knowledge.conflicts.values():
        yield from _known("conflicts.yaml", f"{conflict.id}.about", "subject", conflict.about, about)
    for category_id, shape in categories.items():
        yield from _known(f"categories/{category_id}.yaml", "takes", "category", shape.takes, categories)
    shown = Counter(category for group in knowledge.groups.values() for category in group.categories)
    for group in knowledge.groups.values():
        yield from _known("groups.yaml", group.id, "category", group.categories, categories)
    for category in categories:
        if shown[category] != 1:
            yield Fault("groups.yaml", category, f"stands in {shown[category]} groups", "each category is in one")
    if len(knowledge.groups) > MOST_GROUPS:
        yield Fault("groups.yaml", "", f"{len(knowledge.groups)} groups", f"at most {MOST_GROUPS}")


def _law(knowledge: Knowledge) -> Iterator[Fault]:
    for market in knowledge.markets.values():
        file = f"markets/{market.id}.yaml"
        for law in market.law:
            yield from _known(file, f"{law.id}.categories", "category", law.categories, knowledge.categories)
            if law.confidence == "unsourced" and law.verdict not in ("allowed", "restricted"):
                yield Fault(file, law.id, f"is {law.verdict} without a source", "an unsourced rule is restricted")
            if law.verdict == "prohibited" and law.substitute is None:
                yield Fault(file, law.id, "forbids without saying what to do instead", "add `substitute`")
            if law.verdict == "gated" and law.gate is None:
                yield Fault(file, law.id, "is gated but names no gate", "add `gate`")


def _dates(knowledge: Knowledge) -> Iterator[Fault]:
    for file, entry, shape in entries(knowledge):
        start = getattr(shape, "since", None) or getattr(shape, "in_force", None)
        end = getattr(shape, "until", None)
        if start and end and start >= end:
            yield Fault(file, entry, f"dates out of order: from {start} until {end}")
    for source in knowledge.sources.values():
        if source.published and source.published > source.checked:
            yield Fault("sources.yaml", source.id, f"published {source.published}, after it was checked")


def _repeated(knowledge: Knowledge) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for file, entry, shape in entries(knowledge):
        own = getattr(shape, "id", None)
        if own is None or ("." not in own and not own.isupper() and "_" not in own):
            continue
        kind = type(shape).__name__
        if seen.setdefault(f"{kind} {own}", file) != file:
            yield Fault(file, entry, f"id {own!r} is taken in {seen[f'{kind} {own}']}")


def _words(knowledge: Knowledge) -> Iterator[Fault]:
    for act_file in knowledge.languages.values():
        yield from _known(f"languages/{act_file.code}.yaml", "acts", "act", act_file.acts, ACTS)
    tables = (
        ("category", [(f"categories/{k}.yaml", k, c.words) for k, c in knowledge.categories.items()]),
        (
            "category",
            [("readings.yaml", k, r.words) for k, r in knowledge.readings.items() if r.question == "category"],
        ),
        ("goal", [("goals.yaml", k, g.words) for k, g in knowledge.goals.items()]),
        ("goal", [("readings.yaml", k, r.words) for k, r in knowledge.readings.items() if r.question == "goal"]),
    )
    taken: dict[tuple[str, str, str], str] = {}
    for kind, table in tables:
        for file, key, words in table:
            for language, terms in words.items():
                for term in terms:
                    other = taken.setdefault((kind, language, term.casefold()), key)
                    if other != key:
                        yield Fault(file, f"{key}.words.{language}", f"{term!r} already means {other}")


def _labels(knowledge: Knowledge) -> Iterator[Fault]:
    named = (
        ("roles", knowledge.roles),
        ("categories", knowledge.categories),
        ("goals", knowledge.goals),
        ("groups", knowledge.groups),
        ("markets", knowledge.markets),
    )
    for name, table in named:
        for key, shape in table.items():
            file = f"{name}.yaml" if name in ("goals", "groups") else f"{name}/{key}.yaml"
            for language, text in shape.names.items():
                if len(text) > LABEL_CHARACTERS:
                    yield Fault(
                        file, f"{key}.names.{language}", f"{len(text)} characters", f"at most {LABEL_CHARACTERS}"
                    )
