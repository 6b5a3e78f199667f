"""Loading: from the YAML files to one checked `Knowledge`, or to all faults at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from knowledge.check import cross_faults
from knowledge.fault import Fault, Faults, nearest
from knowledge.knowledge import Knowledge
from knowledge.shapes import (
    Article,
    CategoryFile,
    Comparison,
    Conflict,
    Goal,
    Group,
    Kind,
    KnownWords,
    MarketFile,
    Pick,
    Reading,
    RoleFile,
    RuleEntry,
    Shape,
    Source,
    StageEntry,
    Step,
    Symptom,
    Topic,
    Weights,
    When,
)
from knowledge.speech import LanguageFile
from knowledge.strict_yaml import read

ROOT = Path(__file__).parent
S = TypeVar("S", bound=Shape)

LISTS: Mapping[str, type[Shape]] = {
    "sources": Source,
    "personas": Kind,
    "kpis": Kind,
    "goals": Goal,
    "journey": StageEntry,
    "selection": Step,
    "trends": Topic,
    "topics": Topic,
    "comparisons": Comparison,
    "conflicts": Conflict,
    "readings": Reading,
    "symptoms": Symptom,
    "groups": Group,
    "rules": RuleEntry,
    "known_words": KnownWords,
}
FOLDERS: Mapping[str, type[Shape]] = {
    "roles": RoleFile,
    "categories": CategoryFile,
    "markets": MarketFile,
    "languages": LanguageFile,
}


def load(root: Path = ROOT) -> Knowledge:
    """Read and check everything below `root`.

    Raises `Faults` with every fault of every file: broken YAML, repeated or unknown keys, missing
    sources or wordings, ids that nothing answers to, dates out of order.
    """
    reader = _Reader(root)
    articles = reader.mapping("articles.yaml", Article)
    lists = {name: reader.entries(f"{name}.yaml", shape) for name, shape in LISTS.items()}
    folders = {name: reader.folder(name, shape) for name, shape in FOLDERS.items()}
    weights = reader.one("points.yaml", Weights)
    simplified = reader.pairs("simplified.yaml")
    if reader.faults or weights is None:
        # Cross checks on half a knowledge would name faults that are not there.
        raise Faults(reader.faults)
    categories: dict[str, Any] = folders["categories"]
    goals: dict[str, Any] = lists["goals"]
    general: dict[str, Any] = lists["rules"]
    rules = [rule for goal in goals.values() for rule in goal.rules]
    rules += [*general.values(), *(r for c in categories.values() for r in category_rules(c, weights, goals))]
    parts: dict[str, Any] = {**lists, **folders}
    parts |= {"articles": articles, "rules": tuple(rules), "weights": weights, "simplified": simplified}
    parts["selection"] = tuple(sorted(lists["selection"].values(), key=lambda step: step.number))
    knowledge = Knowledge(**parts)
    faults = list(cross_faults(knowledge))
    if faults:
        raise Faults(faults)
    return knowledge


@cache
def shipped() -> Knowledge:
    """The knowledge that comes with the program, loaded once a process."""
    return load()


def category_rules(category: CategoryFile, weights: Weights, goals: Mapping[str, Goal]) -> Iterable[RuleEntry]:
    """The rules that a category file's choices stand for.

    A role that the category leaves out comes back for a goal whose first rule names it alone: who wants trust
    is told to hire a KOP even for a game.
    """

    def rule(name: str, pick: Pick, points: int, goals: tuple[str, ...] = ()) -> RuleEntry:
        return RuleEntry.model_construct(
            id=f"{category.id}.{name}",
            when=When.model_construct(goals=goals, categories=(category.id,), staff=None),
            points={pick.role: points},
            because=pick.because,
            sources=pick.sources,
            origin=pick.origin,
            since=None,
            until=None,
        )

    yield rule("kos", category.kos, weights.kos, ("conversion",))
    yield rule("support", category.support, weights.support)
    yield rule("closes", category.closes, weights.closes)
    yield rule("listens_to", category.listens_to, weights.listens_to, ("loyalty",))
    for pick in category.leave_out:
        others = tuple(g.id for g in goals.values() if set(g.rules[0].points) != {pick.role})
        yield rule(f"leave_out.{pick.role}", pick, weights.leave_out, others)


class _Reader:
    """Reads files into shapes and keeps what is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []

    def _read(self, name: str) -> Any:
        data, faults = read(self.root / name, name)
        self.faults += faults
        return data

    def _shape(self, name: str, entry: str, shape: type[S], data: Any) -> S | None:
        try:
            return shape.model_validate(data)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False, include_input=False):
                place = ".".join(str(part) for part in problem["loc"])
                where = ".".join(part for part in (entry, place) if part)
                hint = ""
                if problem["type"] == "extra_forbidden":
                    hint = nearest(str(problem["loc"][-1]), _fields(shape, problem["loc"][:-1]))
                self.faults.append(Fault(name, where, _plain(problem["type"], problem["msg"]), hint))
            return None

    def one(self, name: str, shape: type[S]) -> S | None:
        data = self._read(name)
        return None if data is None else self._shape(name, "", shape, data)

    def mapping(self, name: str, shape: type[S]) -> dict[str, S]:
        data = self._read(name)
        if not isinstance(data, dict):
            self._want(name, data, "a mapping")
            return {}
        made = {key: self._shape(name, str(key), shape, value) for key, value in data.items()}
        return {key: value for key, value in made.items() if value is not None}

    def entries(self, name: str, shape: type[S]) -> dict[str, S]:
        data = self._read(name)
        if not isinstance(data, list):
            self._want(name, data, "a list of entries")
            return {}
        found: dict[str, S] = {}
        for number, value in enumerate(data, 1):
            entry = str(value.get("id", f"entry {number}")) if isinstance(value, dict) else f"entry {number}"
            made = self._shape(name, entry, shape, value)
            if entry in found:
                self.faults.append(Fault(name, entry, "this id stands twice"))
            elif made is not None:
                found[entry] = made
        return found

    def folder(self, name: str, shape: type[S]) -> dict[str, S]:
        found: dict[str, S] = {}
        for path in sorted((self.root / name).glob("*.yaml")):
            made = self.one(f"{name}/{path.name}", shape)
            own = getattr(made, "id", None) or getattr(made, "code", None)
            if made is not None and own != path.stem:
                self.faults.append(Fault(f"{name}/{path.name}", "id", f"is {own!r}, the file says {path.stem!r}"))
            if made is not None:
                found[path.stem] = made
        return found

    def pairs(self, name: str) -> dict[str, str]:
        data = self._read(name)
        ours, theirs = (data.get("from", ""), data.get("to", "")) if isinstance(data, dict) else ("", "")
        if data is not None and (not ours or len(ours) != len(theirs)):
            self.faults.append(Fault(name, "", "`from` and `to` must be texts of one length"))
        return dict(zip(ours, theirs, strict=False))

    def _want(self, name: str, data: Any, what: str) -> None:
        if data is not None or not any(fault.file == name for fault in self.faults):
            self.faults.append(Fault(name, "", f"must be {what}"))


def _fields(shape: type[Shape], place: tuple[int | str, ...]) -> Iterable[str]:
    """The keys allowed at `place` inside `shape`, as far as the annotations tell."""
    for part in place:
        if isinstance(part, int) or part not in shape.model_fields:
            continue
        inner = _inner(shape.model_fields[part].annotation)
        if inner is None:
            return ()
        shape = inner
    return shape.model_fields


def _inner(annotation: Any) -> type[Shape] | None:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner(argument)
        if found is not None:
            return found
    return None


def _plain(kind: str, message: str) -> str:
    """pydantic's sentence where it is plain, ours where it is not."""
    return {
        "extra_forbidden": "unknown key",
        "missing": "is missing",
        "too_short": "needs at least one entry" if "1 item" in message else message,
    }.get(kind, message)
