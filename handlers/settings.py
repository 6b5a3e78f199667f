"""Settings: one file, the environment over it, every fault in plain words and none with a secret."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

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


class LineSettings(_Section):
    """A LINE channel (Messaging API); it runs when both secrets are there."""

    channel_secret: SecretStr = Field(SecretStr(""), description="The channel secret, by which webhooks are verified.")
    channel_access_token: SecretStr = Field(SecretStr(""), description="The long-lived channel access token.")
    api_base: str = Field("https://api.line.me", description="Where LINE's API answers; another only for tests.")

    @property
    def configured(self) -> bool:
        """Whether LINE is to run."""
        return bool(self.channel_secret.get_secret_value() and self.channel_access_token.get_secret_value())


class TelegramSettings(_Section):
    """A Telegram bot; it runs when the token is there."""

    token: SecretStr = Field(SecretStr(""), description="The bot's token, from BotFather.")
    mode: Literal["polling", "webhook"] = Field("polling", description="How updates come; a webhook needs public_url.")
    secret_token: SecretStr = Field(SecretStr(""), description="What Telegram repeats in each webhook request.")
    base_url: str = Field("https://api.telegram.org", description="Where the Bot API answers; another for your own.")

    @property
    def configured(self) -> bool:
        """Whether Telegram is to run."""
        return bool(self.token.get_secret_value())


class ServerSettings(_Section):
    """The HTTP server for webhooks, and a second listener for the operator."""

    host: str = Field("127.0.0.1", description="The address to listen on; a reverse proxy speaks TLS before it.")
    port: int = Field(8080, ge=0, le=65535, description="The port for webhooks; 0 takes a free one.")
    public_url: str = Field("", description="The address under which platforms reach the server, https://...")
    admin_port: int = Field(9090, ge=0, le=65535, description="The operator's port on loopback: healthz, readyz.")


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
    line: LineSettings = LineSettings()
    telegram: TelegramSettings = TelegramSettings()
    server: ServerSettings = ServerSettings()
    memory: MemorySettings = MemorySettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that somebody began to configure; a half-set one is a fault that `serve` names."""
        line = self.line.channel_secret.get_secret_value() or self.line.channel_access_token.get_secret_value()
        return (*(["line"] if line else []), *(["telegram"] if self.telegram.configured else []))

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
