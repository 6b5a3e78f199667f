"""Memory from the command line: `kol-advisor memory copy`."""

from __future__ import annotations

from typing import Annotated

import typer

from handlers.calls import FAILURE, Config, fail, settings_of

memory_app = typer.Typer(help="The database.", no_args_is_help=True, rich_markup_mode=None)


@memory_app.command("copy")
def copy_memory(
    source: Annotated[str, typer.Option("--from", help="Database address to copy, e.g. sqlite:///kol-advisor.db.")],
    target: Annotated[
        str | None, typer.Option("--to", help="Database address of an empty database; left out: memory.url.")
    ] = None,
    config: Config = None,
) -> None:
    """Copy everything kept into another, empty database. Stop the servers of both first."""
    from bot.memory import MemoryFault
    from bot.store_copy import copy

    to = target or settings_of(config).memory.url.get_secret_value()
    if not to:
        fail("--to is left out and memory.url is empty: name the database to copy to")
    try:
        done = copy(source, to)
    except MemoryFault as fault:
        fail(str(fault), FAILURE)
    typer.echo("copied: " + ", ".join(f"{count} {name}" for name, count in done.items()))


@memory_app.callback()
def memory_only() -> None:
    """The database."""
