"""Language gaps: what a language lacks is named by file and entry, and a finished one lacks nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.language_gaps import PARTS, needs
from handlers.cli import app
from knowledge.knowledge import Knowledge
from knowledge.load import ROOT, load, shipped


def _lacks(language: str, knowledge: Knowledge) -> set[str]:
    return {f"{need.file}: {need.entry}: {need.lacks}" for need in needs(language, knowledge) if need.lacks}


@pytest.mark.parametrize("language", shipped().finished)
def test_a_finished_language_lacks_nothing(language: str) -> None:
    assert _lacks(language, shipped()) == set()


def test_every_part_of_the_work_is_looked_at() -> None:
    assert {need.part for need in needs("en", shipped())} == set(PARTS)


@pytest.fixture
def new_language(tmp_path: Path) -> Path:
    """The knowledge with a language that only has a file of its own."""
    root = Path(shutil.copytree(ROOT, tmp_path / "knowledge", ignore=shutil.ignore_patterns("*.py", "__pycache__")))
    spoken = (
        'code: "eo"\nnative: "Esperanto"\nfinished: false\nwords: "esperanto"\n'
        'acts: {greeting: "saluton"}\nmoney: {decimal: ".", numbers: {1: "unu"}, scales: {1000: "mil"}, '
        'currencies: {USD: "dolaro"}}\n'
    )
    (root / "languages" / "eo.yaml").write_text(spoken, encoding="utf-8")
    return root


def test_a_new_language_is_told_where_to_write(new_language: Path) -> None:
    lacks = _lacks("eo", load(new_language))
    assert "groups.yaml: beauty.names: no wording; English: 'Beauty & care'" in lacks
    assert "categories/drug.yaml: words: 0 of at least 150 words" in lacks
    assert "roles/kop.yaml: words: no words" in lacks
    assert any(one.startswith("languages/eo.yaml: acts.thanks: no words; English: ") for one in lacks)
    assert not any("acts.greeting" in one for one in lacks)
    assert "bot/replies/eo.j2: ask_group: no macro ask_group(group)" in lacks


def test_the_report_lists_the_unfinished_and_fails_for_the_finished(new_language: Path) -> None:
    call = ["check", "--languages", "--root", str(new_language)]
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 0, told.output
    assert "eo (not finished): 0 of " in told.output
    assert "  groups.yaml: beauty.names: no wording; English: 'Beauty & care'" in told.output.splitlines()
    english = new_language / "languages" / "en.yaml"
    english.write_text(english.read_text(encoding="utf-8").replace("  thanks: ", "  thanked: ", 1), encoding="utf-8")
    assert CliRunner().invoke(app, call).exit_code == 2  # no such act: the loader says so first
    lines = english.read_text(encoding="utf-8").splitlines(keepends=True)
    english.write_text("".join(line for line in lines if not line.startswith("  thanked: ")), encoding="utf-8")
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 1
    assert "  languages/en.yaml: acts.thanks: no words" in told.output


def test_the_report_of_words_fails_for_a_fault(new_language: Path) -> None:
    call = ["check", "--words", "--root", str(new_language)]
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 0, told.output
    assert "\n0 faults, " in told.output
    pets = new_language / "categories" / "pet.yaml"
    pets.write_text(pets.read_text(encoding="utf-8").replace('"dog, cat, ', '"dog, dog, cat, ', 1), encoding="utf-8")
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 1
    assert "FAULT: en: categories/pet.yaml: pet.hints.en: 'dog' stands twice" in told.output
