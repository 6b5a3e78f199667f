"""Words: enough of them, no clash, compounds as people mean them, and good guesses for what no list names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.conversation import Conversation
from bot.fold import fold
from bot.lexicon import lexicon
from bot.resembling import with_guesses
from bot.step import take
from bot.understand import understand
from bot.word_check import LEAST_WORDS, counts, word_faults
from bot.word_notes import word_notes
from knowledge.load import ROOT, load, shipped
from knowledge.strict_yaml import read
from tests.cases import HERE, message


def _cases(file: str) -> list[Any]:
    data, faults = read(HERE / "words" / file, file)
    assert not faults
    found = [(language, say, wanted) for language, listed in data.items() for say, wanted in listed.items()]
    return [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in found]


COMPOUNDS, UNKNOWN = _cases("compounds.yaml"), _cases("unknown.yaml")


def _category(say: str) -> str | None:
    changes = understand(say, shipped()).changes
    return next((change.value for change in changes if getattr(change, "field", None) == "category"), None)  # type: ignore[union-attr]


def test_every_category_has_enough_words_in_every_finished_language() -> None:
    counted = counts(shipped())
    few = {place: found for place, (found, _) in counted.items() if place[1] in shipped().finished}
    assert {place: found for place, found in few.items() if found < LEAST_WORDS} == {}


def test_no_word_of_a_finished_language_is_at_fault() -> None:
    assert [str(one.fault) for one in word_faults(shipped()) if one.language in shipped().finished] == []


@pytest.mark.parametrize(("language", "say", "category"), COMPOUNDS)
def test_a_compound_is_what_is_sold(language: str, say: str, category: str) -> None:
    assert language in shipped().finished
    assert _category(say) == category


def test_there_are_enough_compounds() -> None:
    assert len(COMPOUNDS) >= 60


@pytest.mark.parametrize(("language", "say", "category"), UNKNOWN)
def test_an_unknown_product_is_asked_for_with_guesses_as_buttons(language: str, say: str, category: str) -> None:
    done = take(Conversation(language=language, chosen=True), message(say), shipped())
    assert done.conversation.brief.category is None
    assert done.replies[-1].name == "ask_guess"
    offered = done.replies[-1].choices
    assert f"v1|category|{category}" in offered
    assert sum(choice.startswith("v1|category|") for choice in offered) <= 3
    assert "v1|ask|category" in offered


@pytest.mark.parametrize(
    "say",
    ["asdf qwerty", "uhm", "哈", "nobody in my team has hired a KOL before", "trời ơi", "老闆說週五前要名單", "🙂"],
)
def test_talk_is_no_product(say: str) -> None:
    assert with_guesses(understand(say, shipped()), say, shipped()).guesses == ()


def test_a_known_product_is_not_guessed_at() -> None:
    for say in ("面膜", "sữa rửa mặt, 20 triệu", "pet insurance"):
        heard = understand(say, shipped())
        assert with_guesses(heard, say, shipped()) is heard


def test_a_hint_of_two_products_offers_both() -> None:
    found = lexicon(shipped()).hits(fold("gaming", shipped().simplified))["category"]
    assert {hit.term.value for hit in found} == {"electronics", "game"}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "knowledge", ignore=shutil.ignore_patterns("*.py", "__pycache__")))


def _write(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        pytest.param(
            "categories/pet.yaml", '"寵物, 寵物用品', '"寵物, 宠物, 寵物用品',
            "categories/pet.yaml: pet.words.zh-Hant: '宠物' stands twice, as '寵物' too", id="twice, in Simplified",
        ),
        pytest.param(
            "categories/pet.yaml", '"寵物, 寵物用品', '"寵物, 保养品, 寵物用品',
            "'保養品' already means category pet", id="two products, one in Simplified",
        ),
        pytest.param(
            "categories/pet.yaml", '"đồ thú cưng, ', '"đồ thú cưng, sửa rửa mặt, ',
            "'sữa rửa mặt' without its marks is also 'sửa rửa mặt', category pet", id="alike without marks",
        ),
        pytest.param(
            "categories/pet.yaml", '"dog, cat, ', '"dog, cat, airline, ',
            "the hint 'airline' is never heard: it already means category travel", id="a hint that never gets its turn",
        ),
        pytest.param(
            "categories/drug.yaml", '"藥品, 藥物', '"重, 藥品, 藥物',
            "'重' is heard in '重來', which is act restart", id="a short word in a word of the talk",
        ),
    ],
)  # fmt: skip
def test_a_bad_word_is_named(copied: Path, file: str, old: str, new: str, says: str) -> None:
    _write(copied, file, old, new)
    assert any(says in str(one.fault) for one in word_faults(load(copied)))


def test_a_fault_that_is_meant_is_listed_with_its_reason_and_no_longer_than_needed(copied: Path) -> None:
    _write(copied, "categories/pet.yaml", '"寵物, 寵物用品', '"寵物, 宠物, 寵物用品')
    known = copied / "known_words.yaml"
    known.write_text('- {id: script, words: {zh-Hant: "宠物"}, because: "a test"}\n', encoding="utf-8")
    assert [one for one in word_faults(load(copied)) if one.language == "zh-Hant"] == []
    _write(copied, "categories/pet.yaml", "宠物, ", "")
    (fault,) = (one for one in word_faults(load(copied)) if one.language == "zh-Hant")
    assert str(fault.fault) == "known_words.yaml: script.words.zh-Hant: '宠物' is not reported any more"


def test_what_hides_what_is_noted() -> None:
    notes = list(word_notes(shipped()))
    assert any(note.startswith("zh-Hant: '獸醫' (role kop) is hidden in 獸醫院 (category pet)") for note in notes)
