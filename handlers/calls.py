"""Calls: what every command shares: its configuration, and how it ends when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from handlers.settings import Settings, SettingsFault, load_settings

BAD_CALL, FAILURE = 2, 1
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file; ./config.toml where left out.")]


def fail(text: str, code: int = BAD_CALL) -> NoReturn:
    """End with a clear sentence on standard error."""
    typer.echo(f"kol-advisor: {text}", err=True)
    raise typer.Exit(code)


def settings_of(config: Path | None) -> Settings:
    """The settings, or the end with every fault of them."""
    try:
        return load_settings(config)
    except SettingsFault as fault:
        fail(str(fault))
