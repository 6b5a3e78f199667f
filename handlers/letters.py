"""Letters: how a dead letter is shown to the operator."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.dead_letter import DeadLetter


def line_of(letter: DeadLetter, *, texts: bool) -> str:
    """One line: when, what, whose and why; with `texts` a second one with what was said."""
    at = datetime.fromtimestamp(letter.at, UTC).isoformat(sep=" ", timespec="seconds")
    line = f"{at} {letter.kind} of {_plain(letter.conversation)}: {_plain(letter.reason)}"
    return f"{line}\n    {_plain(letter.body)}" if texts else line


def _plain(text: str) -> str:
    """Without signs that would move about in the operator's terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
