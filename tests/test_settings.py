"""Settings: complete example, nearest valid key, and no secret in any error."""

from __future__ import annotations

import json
import tomllib
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from handlers.secret_files import FOLDER_VARIABLE, SYSTEMD_VARIABLE
from handlers.secret_values import places
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


# ---- secrets as files


def _folder(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("variable", [FOLDER_VARIABLE, SYSTEMD_VARIABLE])
@pytest.mark.parametrize("name", ["KOL_ADVISOR_LINE__CHANNEL_SECRET", "kol_advisor_line__channel_secret"])
def test_a_secret_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str) -> None:
    monkeypatch.setenv(variable, str(_folder(tmp_path, **{name: f"{SECRET}\n", "other": "not ours"})))
    monkeypatch.chdir(tmp_path)
    assert load_settings().line.channel_secret.get_secret_value() == SECRET


def test_every_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {f"KOL_ADVISOR_{section}__{key}".upper(): f"{section}-{key}-{SECRET}" for section, key in places(Settings)}
    assert len(named) >= 6
    monkeypatch.setenv(FOLDER_VARIABLE, str(_folder(tmp_path, **named)))
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    for section, key in places(Settings):
        assert getattr(getattr(settings, section), key).get_secret_value() == f"{section}-{key}-{SECRET}"
    assert SECRET not in repr(settings)


def test_files_as_kubernetes_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(tmp_path)
    (folder / "..2026").mkdir()
    (folder / "..2026" / "KOL_ADVISOR_TELEGRAM__TOKEN").write_text(SECRET, encoding="utf-8")
    (folder / "..data").symlink_to("..2026")
    (folder / "KOL_ADVISOR_TELEGRAM__TOKEN").symlink_to("..data/KOL_ADVISOR_TELEGRAM__TOKEN")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.chdir(tmp_path)
    assert load_settings().telegram.token.get_secret_value() == SECRET


def test_who_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment over the named folder, that over systemd's, that over the configuration file."""
    name = "KOL_ADVISOR_TELEGRAM__TOKEN"
    config = _file(tmp_path, '[telegram]\ntoken = "file"\nmode = "webhook"\n')

    def token() -> str:
        settings = load_settings(config)
        assert settings.telegram.mode == "webhook"  # the rest of the section stays
        return settings.telegram.token.get_secret_value()

    assert token() == "file"
    systemd, named = tmp_path / "systemd", tmp_path / "named"
    for folder in (systemd, named):
        folder.mkdir()
        (folder / name).write_text(folder.name, encoding="utf-8")
    monkeypatch.setenv(SYSTEMD_VARIABLE, str(systemd))
    assert token() == "systemd"
    monkeypatch.setenv(FOLDER_VARIABLE, str(named))
    assert token() == "named"
    monkeypatch.setenv(name, "environment")
    assert token() == "environment"


def test_a_folder_of_secrets_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nowhere"))
    assert f"{FOLDER_VARIABLE}: {tmp_path / 'nowhere'}" in _fault(_file(tmp_path, ""))


def test_systemds_folder_of_another_unit_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SYSTEMD_VARIABLE, str(tmp_path / "nowhere"))
    assert load_settings(_file(tmp_path, "")) == Settings()


def test_a_file_that_is_no_text_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(tmp_path)
    (folder / "KOL_ADVISOR_TELEGRAM__TOKEN").write_bytes(SECRET.encode() + b"\xff\xfe")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert "cannot be read as text" in _fault(_file(tmp_path, ""))


def test_a_misspelt_secret_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(_folder(tmp_path, KOL_ADVISOR_TELEGRAM__TOKN=SECRET)))
    fault = _fault(_file(tmp_path, ""))
    assert "environment or secret file: unknown key 'telegram.tokn' (did you mean 'token'?)" in fault


def test_a_section_that_is_no_section_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOL_ADVISOR_TELEGRAM", SECRET)
    assert "KOL_ADVISOR_SECTION__KEY" in _fault(_file(tmp_path, ""))


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    assert "log.key" in _fault(_file(tmp_path, '[log]\nkey = "short"\n'))


KEYS = [
    (section, key)
    for section, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    for key in field.annotation.model_fields
]
ODD = st.sampled_from(["{}", "[{}]", '{{"a": "{}"}}', "{}\x7f", " {} ", "-{}", "1e9{}", "{}\n{}", "'{}", '"{}"'])


@given(st.sampled_from(KEYS), ODD, st.sampled_from(["toml", "environment", "file"]))
def test_no_bad_value_is_ever_shown(entry: tuple[str, str], shape: str, way: str) -> None:
    """Whatever is wrong with a value, whichever setting and wherever it comes from: the fault does not repeat it."""
    section, key = entry
    value, name = shape.format(SECRET, SECRET), f"KOL_ADVISOR_{section}__{key}".upper()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        config, said = Path(folder) / "config.toml", ""
        if way == "toml":
            said = f"[{section}]\n{key} = [{json.dumps(value)}]\n"
        elif way == "environment":
            patch.setenv(name, value)
        else:
            (Path(folder) / name).write_text(value, encoding="utf-8")
            patch.setenv(FOLDER_VARIABLE, folder)
        config.write_text(said, encoding="utf-8")
        try:
            settings = load_settings(config)
        except SettingsFault as fault:
            told = "".join(traceback.format_exception(fault))
            assert f"{section}.{key}" in told
        else:
            told = repr(settings.line) + repr(settings.telegram) + repr(settings.memory.url) + repr(settings.log.key)
            if (section, key) not in places(Settings):
                return
        assert SECRET not in told
