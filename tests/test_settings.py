"""Settings: complete example, nearest valid key, and no secret in any error."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from handlers.settings import Settings, SettingsFault, load_settings

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
SECRET = "hunter2-very-secret"  # noqa: S105


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _fault(path: Path) -> str:
    with pytest.raises(SettingsFault) as caught:
        load_settings(path)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    return str(caught.value)


def test_example_holds_every_setting_with_its_default() -> None:
    data = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        assert set(data[section]) == set(model.model_fields), section
        for key, inner in model.model_fields.items():
            default = inner.default.get_secret_value() if isinstance(inner.default, SecretStr) else inner.default
            assert data[section][key] == default, f"{section}.{key}"
    assert set(data) == set(Settings.model_fields)


def test_example_explains_every_setting() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), line


def test_example_loads() -> None:
    assert load_settings(EXAMPLE) == Settings()


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    fault = _fault(_file(tmp_path, f'[memory]\nuri = "{SECRET}"\n'))
    assert "memory.uri" in fault
    assert "did you mean 'url'?" in fault


def test_unknown_section_names_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'memory'?" in _fault(_file(tmp_path, "[memry]\n"))


def test_all_faults_at_once(tmp_path: Path) -> None:
    fault = _fault(_file(tmp_path, "[memory]\nuri = 1\n[chat]\nlanguage = 3\nlang = 'vi'\n"))
    assert len(fault.splitlines()) == 3


def test_broken_toml_shows_the_place_and_no_value(tmp_path: Path) -> None:
    fault = _fault(_file(tmp_path, f'[memory]\nurl = "{SECRET}\n'))
    assert "not valid TOML" in fault
    assert "line 2" in fault


def test_wrong_type_shows_no_value(tmp_path: Path) -> None:
    assert "memory.url" in _fault(_file(tmp_path, f'[memory]\nurl = ["{SECRET}"]\n'))


def test_missing_file(tmp_path: Path) -> None:
    assert "cannot be read" in _fault(tmp_path / "nowhere.toml")


def test_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOL_ADVISOR_CHAT__LANGUAGE", "vi")
    assert load_settings(_file(tmp_path, '[chat]\nlanguage = "en"\n')).chat.language == "vi"


def test_secrets_do_not_print(tmp_path: Path) -> None:
    settings = load_settings(_file(tmp_path, f'[memory]\nurl = "sqlite:///{SECRET}"\n'))
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
