"""Settings: one file, the environment over it, every fault in plain words and none with a secret."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from knowledge.fault import nearest

CONFIG_VARIABLE = "KOL_ADVISOR_CONFIG"
DEFAULT_FILE = Path("config.toml")


class SettingsFault(Exception):
    """The configuration is wrong; the text holds every fault, one a line, and no value."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class Chat(_Section):
    """The chat in the terminal."""

    language: str = Field("", description="Language to begin in: zh-Hant, vi or en; empty: what the person writes.")


class MemorySettings(_Section):
    """Where conversations are kept."""

    url: SecretStr = Field(
        SecretStr(""),
        description="Database address, e.g. sqlite:///kol-advisor.db; empty: a file in the account's state folder.",
    )


class KnowledgeSettings(_Section):
    """What is true."""

    root: str = Field("", description="A folder of knowledge files to use instead of the shipped one; empty: shipped.")


class Settings(BaseSettings):
    """Every setting. Environment variables are named KOL_ADVISOR_SECTION__KEY and win over the file."""

    model_config = SettingsConfigDict(
        env_prefix="KOL_ADVISOR_",
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
        frozen=True,
    )
    chat: Chat = Chat()
    memory: MemorySettings = MemorySettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what the file says."""
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration: `path`, else $KOL_ADVISOR_CONFIG, else ./config.toml where it exists.

    Raises `SettingsFault` with every unknown key (and the nearest valid one) and every wrong value.
    """
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    file = named or DEFAULT_FILE
    data: dict[str, Any] = {}
    if named or file.is_file():
        data = _toml(file)
    try:
        return Settings(**data)
    except ValidationError as error:
        raise SettingsFault("\n".join(f"{file}: {line}" for line in _lines(error))) from None


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault(f"{file}: cannot be read ({error.__class__.__name__})") from None
    except tomllib.TOMLDecodeError as error:
        # The decoder's message names line and column but may quote a value; only the place is kept.
        place = str(error).rpartition("(")[2].rstrip(")") if "(" in str(error) else "unknown place"
        raise SettingsFault(f"{file}: not valid TOML ({place})") from None


def _lines(error: ValidationError) -> Iterable[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in problem["loc"]]
        if problem["type"] == "extra_forbidden":
            yield f"unknown key {'.'.join(place)!r} {_near(place)}".strip()
        else:
            yield f"{'.'.join(place)}: {problem['msg']}"


def _near(place: list[str]) -> str:
    model: type[BaseModel] = Settings
    for part in place[:-1]:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        model = inner
    hint = nearest(place[-1], model.model_fields)
    return f"({hint})" if hint else ""
