"""The terminal as a platform: a line in, rich text or plain ASCII out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TextIO
from uuid import uuid4

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.bubble import Bubble, Card
from bot.memory import Memory
from bot.message import Message
from bot.press import press
from bot.turn import take_turn
from knowledge.knowledge import Knowledge

PERSON = "local:terminal"
# What stands for each sign where output is no terminal.
_ASCII = str.maketrans(
    {"▶": "=>", "•": "-", "●": "*", "○": ".", "⛔": "X", "⚠": "!", "△": "!", "→": "->", "–": "-", "…": "...",
     "·": "|", "«": '"', "»": '"', "“": '"', "”": '"', "’": "'"}
)  # fmt: skip


def console_for(stream: TextIO | None = None) -> Console:
    """A console for standard output: coloured and wrapped on a terminal, plain and unwrapped otherwise."""
    out: TextIO = stream or sys.stdout
    return Console(file=out, highlight=False, soft_wrap=not out.isatty(), emoji=False)


def to_terminal(bubbles: tuple[Bubble, ...], console: Console) -> None:
    """Show bubbles; the choices of all of them are numbered as the conversation counts them."""
    offered = next((bubble.buttons for bubble in reversed(bubbles) if bubble.buttons), ())
    for bubble in bubbles:
        if bubble.card is not None:
            _card(bubble.card, console)
        elif bubble.text:
            _text(bubble.text, console)
        console.print()
    for number, button in enumerate(offered, 1):
        console.print(Text(f"  {number:>2}. ", style="cyan") + Text(_plain(button.label, console)))
    if offered:
        console.print()


def _plain(text: str, console: Console) -> str:
    return text if console.is_terminal else text.translate(_ASCII)


def _text(text: str, console: Console) -> None:
    for line in _plain(text, console).splitlines():
        style = "bold" if line.startswith("▶") else "red" if line.startswith("⛔") else ""
        console.print(Text(line, style=style))


def _card(card: Card, console: Console) -> None:
    """A table whose columns line up in wide scripts too; rich counts cells, not characters."""
    shape = box.ROUNDED if console.is_terminal else box.ASCII
    table = Table(title=_plain(card.title, console), box=shape, title_justify="left", show_lines=False)
    for head in card.heads:
        table.add_column(_plain(head, console), overflow="fold")
    for row in card.rows:
        table.add_row(*(Text(_plain(cell, console)) for cell in row.cells), style="bold" if row.weight == 3 else "")
    console.print(table, soft_wrap=False)
    _text(card.note, console)


async def talk(
    memory: Memory, knowledge: Knowledge, now: Callable[[], datetime], hint: str | None, console: Console
) -> None:
    """Hold a conversation until the input ends; Ctrl-C and end of input leave quietly."""

    async def say(text: str, pressed: str | None = None) -> None:
        message = Message(f"local:{uuid4()}", PERSON, text, now(), pressed, hint)
        to_terminal(await take_turn(message, memory, knowledge), console)

    # asyncio's own handler would only ask the loop to stop, which waits in `input` and never hears it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    await say("", press("resume"))
    while True:
        try:
            line = input("> " if console.is_terminal else "")
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        except UnicodeDecodeError:
            line = ""
        if not console.is_terminal:
            console.print(Text(f"> {line}"))
        await say(line)
