"""Setting up from the command line: `kol-advisor line setup`, `kol-advisor telegram setup`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from handlers.calls import FAILURE, Config, fail, settings_of


def _set_up(platform: str, config: Path | None, **how: bool) -> None:
    import asyncio

    from handlers import platforms
    from handlers.line import LineFault

    settings = settings_of(config)
    if platform not in settings.platforms:
        fail(f"{platform} is not configured: see [{platform}] in config.example.toml")
    work: Callable[..., Coroutine[Any, Any, Sequence[platforms.Finding]]]
    work = platforms.set_up_line if platform == "line" else platforms.set_up_telegram
    try:
        found = asyncio.run(work(settings, **how))
    except (LineFault, ValueError) as fault:
        fail(str(fault))
    for one in found:
        typer.echo(f"{'ok  ' if one.well else 'BAD '} {one.what}: {one.text}")
    if not all(one.well for one in found):
        raise typer.Exit(FAILURE)


Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Take the webhook away from another host, or tell Telegram the secret token again; without it, setup "
        "refuses the one and leaves out the other.",
    ),
]
line_app = typer.Typer(help="LINE.", no_args_is_help=True, rich_markup_mode=None)
telegram_app = typer.Typer(help="Telegram.", no_args_is_help=True, rich_markup_mode=None)


@line_app.command("setup")
def line_set_up(config: Config = None) -> None:
    """Register the webhook at LINE and let LINE test it."""
    _set_up("line", config)


@line_app.callback()
def line_only() -> None:
    """LINE."""


@telegram_app.command("setup")
def telegram_set_up(config: Config = None, force: Force = False) -> None:
    """Set commands, descriptions and the way updates come."""
    _set_up("telegram", config, force=force)


@telegram_app.callback()
def telegram_only() -> None:
    """Telegram."""
