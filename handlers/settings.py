"""Settings: one file, the environment over it, every fault in plain words and none with a secret."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from handlers.peers import networks
from handlers.secret_files import SecretFilesFault, source
from knowledge.fault import nearest

CONFIG_VARIABLE = "KOL_ADVISOR_CONFIG"
DEFAULT_FILE = Path("config.toml")
MOST_KEEP_DAYS = 36_500
SHORTEST_KEY = 16


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
    keep_days: int = Field(
        180,
        ge=0,
        le=MOST_KEEP_DAYS,
        description="Days after which a conversation nobody went on with, and a dead letter, is deleted; 0: never.",
    )


class LineSettings(_Section):
    """A LINE channel (Messaging API); it runs when both secrets are there."""

    channel_secret: SecretStr = Field(SecretStr(""), description="The channel secret, by which webhooks are verified.")
    channel_access_token: SecretStr = Field(SecretStr(""), description="The long-lived channel access token.")
    api_base: str = Field("https://api.line.me", description="Where LINE's API answers; another only for tests.")
    mark_as_read: bool = Field(True, description='Whether people see "read" once their message is kept.')

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
    admin_host: str = Field("127.0.0.1", description="The address of the operator's port; it asks for no password.")
    admin_port: int = Field(9090, ge=0, le=65535, description="The operator's port: healthz, readyz, metrics.")
    trusted_proxies: str = Field("", description="Proxies whose X-Forwarded-For is believed; commas between them.")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        try:
            networks(text)
        except ValueError:
            raise ValueError("is no list of addresses and networks: write for example 127.0.0.1, 10.0.0.0/8") from None
        return text


class LimitSettings(_Section):
    """What an address, a connection and a person may take of the server."""

    body_bytes: int = Field(1_000_000, ge=10_000, description="The largest body of a webhook request.")
    connections: int = Field(512, ge=8, description="Connections at a time; beyond, the idlest makes room.")
    head_seconds: float = Field(10.0, gt=0, description="How long the head of a request may take to arrive.")
    body_seconds: float = Field(10.0, gt=0, description="How long its body may take.")
    idle_seconds: float = Field(130.0, gt=0, description="How long a connection stays open between two requests.")
    refused_per_minute: int = Field(60, ge=1, description="Unsigned requests of an address before it is told 429.")
    waiting_per_person: int = Field(20, ge=1, description="Webhook calls of one conversation that may wait at a time.")


class LogSettings(_Section):
    """What the server tells about itself on standard error."""

    format: Literal["text", "json"] = Field("text", description="A line for people, or one JSON object a line.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug adds a line for each turn.")
    texts: bool = Field(False, description="Whether the debug lines also hold what people write.")
    key: SecretStr = Field(SecretStr(""), description="Shared by replicas, so that they name a person alike.")

    @field_validator("key")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"has fewer than {SHORTEST_KEY} characters: make it longer, or leave it out")
        return key


class MissSettings(_Section):
    """What is kept to learn from: messages that were not understood, with the button tapped next."""

    keep: bool = Field(False, description="Whether they are kept, without their person; they hold people's words.")


class KnowledgeSettings(_Section):
    """What is true."""

    root: str = Field("", description="A folder of knowledge files to use instead of the shipped one; empty: shipped.")


class Settings(BaseSettings):
    """Every setting. Environment variables are named KOL_ADVISOR_SECTION__KEY; files of secrets likewise."""

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
    limits: LimitSettings = LimitSettings()
    misses: MissSettings = MissSettings()
    log: LogSettings = LogSettings()

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
        """The environment wins over files of secrets, and those over the configuration file."""
        return env_settings, source(file_secret_settings), init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration: `path`, else $KOL_ADVISOR_CONFIG, else ./config.toml where it exists.

    Raises `SettingsFault` with every unknown key (and the nearest valid one) and every wrong value.
    """
    file = file_of(path)
    data = said_in(file) if file else {}
    try:
        return Settings(**data)
    except ValidationError as error:
        raise SettingsFault("\n".join(_lines(error, file, data))) from None
    except SecretFilesFault as fault:
        raise SettingsFault(str(fault)) from None
    except SettingsError as error:
        # The library's text names the section; only what caused it would quote the value.
        raise SettingsFault(f"environment: {error}; name one key, as KOL_ADVISOR_SECTION__KEY") from None


def file_of(path: Path | None = None) -> Path | None:
    """The configuration file that is read: a named one, there or not, or ./config.toml if it is there."""
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def said_in(file: Path) -> dict[str, Any]:
    """What a configuration file says, unchecked. Raises `SettingsFault`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault(f"{file}: cannot be read ({error.__class__.__name__})") from None
    except tomllib.TOMLDecodeError as error:
        # The decoder's message names line and column but may quote a value; only the place is kept.
        place = str(error).rpartition("(")[2].rstrip(")") if "(" in str(error) else "unknown place"
        raise SettingsFault(f"{file}: not valid TOML ({place})") from None


def _lines(error: ValidationError, file: Path | None, data: dict[str, Any]) -> Iterable[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in problem["loc"]]
        where = file if _says(data, place) else "environment or secret file"
        if problem["type"] == "extra_forbidden":
            yield f"{where}: unknown key {'.'.join(place)!r} {_near(place)}".strip()
        else:
            yield f"{where}: {'.'.join(place)}: {problem['msg']}"


def _says(data: object, place: list[str]) -> bool:
    """Whether the file says something at this place."""
    for part in place:
        if not isinstance(data, dict):
            return True
        if part not in data:
            return False
        data = data[part]
    return True


def _near(place: list[str]) -> str:
    model: type[BaseModel] = Settings
    for part in place[:-1]:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        model = inner
    hint = nearest(place[-1], model.model_fields)
    return f"({hint})" if hint else ""
