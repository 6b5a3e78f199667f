"""The log: set up in one place, one form for our lines and the libraries', and no secret and nobody's words in it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from handlers.flood import FloodGate
from handlers.secret_values import scrubber
from handlers.settings import LogSettings

OURS = ("kol_advisor", "handlers", "bot", "knowledge")
_FRAMES = 12
_HOME = Path(__file__).resolve().parents[1]


def logger(name: str = "kol_advisor") -> BoundLogger:
    """A logger that takes an event and its fields; before `set_up` only warnings show, as Python's own do."""
    made: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
    ).bind()  # bound once: unbound, it would be made anew at every line
    return made


def set_up(
    settings: LogSettings, secrets: Iterable[str], stream: TextIO | None = None, gate: logging.Filter | None = None
) -> Callable[[], None]:
    """Let every line of the program go through one form to `stream` (standard error); returns how to undo it.

    Our own loggers speak from `settings.level` on, libraries from warning on, whatever the level: their debug lines
    hold addresses with tokens, and rows of the database. `secrets` are replaced wherever they would appear.
    """
    handler = _Quiet(stream or sys.stderr)
    handler.setFormatter(_formatter(settings.format, scrubber(secrets)))
    handler.addFilter(gate or FloodGate())
    root = logging.getLogger()
    level = settings.level.upper()
    before = [(one, one.level) for one in (root, *map(logging.getLogger, OURS))]
    kept, root.handlers = root.handlers, [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)

    def undo() -> None:
        logging.captureWarnings(False)
        root.handlers = kept
        for one, was in before:
            one.setLevel(was)

    return undo


class _Quiet(logging.StreamHandler[TextIO]):
    """A line that cannot be written is lost; Python's own report of it would show what the form would have hidden."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - Python's name
        """Nothing: there is nowhere to tell it."""


def _formatter(form: str, scrub: Callable[[str], str]) -> logging.Formatter:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _left_out,
    ]
    written = structlog.processors.JSONRenderer(default=str) if form == "json" else _text
    last: Any = lambda _, __, line: scrub(line)  # noqa: E731
    meta = ProcessorFormatter.remove_processors_meta
    return ProcessorFormatter(processors=[*shared, _without_values, meta, _failure, _in_order, written, last])


def _without_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A library's line without what follows the first: asyncio, for one, prints there what a task was working on."""
    if event.get("_from_structlog"):
        return event
    said, _, _ = str(event["event"]).partition("\n")
    return {**event, "event": said.partition("(")[0].strip() if event["logger"] == "asyncio" else said}


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    head = {name: event.pop(name) for name in ("time", "level", "logger", "event")}
    return {**head, **event}


def _left_out(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    missing = getattr(event.get("_record"), "left_out", 0)
    return {**event, "left_out": missing} if missing else event


def _failure(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception as its name and the places it came through; its text may quote a person or hold a token."""
    said = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = said[1] if isinstance(said, tuple) else sys.exc_info()[1] if said is True else said
    return {**event, "failure": failure(error)} if isinstance(error, BaseException) else event


def failure(error: BaseException) -> str:
    """An exception in one line: its name, and file, line and function from the innermost outwards."""
    return " < ".join([error.__class__.__name__, *reversed([*_places(error)][-_FRAMES:])])


def _places(error: BaseException) -> Iterator[str]:
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        name = file.relative_to(_HOME) if file.is_relative_to(_HOME) else Path(*file.parts[-2:])
        yield f"{name}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next


def _text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """A line for people: time, level, what happened, then the rest as name=value."""
    event = dict(event)
    time, level, said = event.pop("time"), str(event.pop("level")), _printable(str(event.pop("event")))
    source = str(event.pop("logger"))
    rest = [] if source.partition(".")[0] in OURS else [source]
    rest += (f"{name}={_value(value)}" for name, value in event.items())
    return " ".join([time, f"{level:<7}", said, *rest])


def _value(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    plain = text and text.isprintable() and not set(text) & set(' "=')
    return text if plain else json.dumps(text, ensure_ascii=False) if text.isprintable() else json.dumps(text)


def _printable(text: str) -> str:
    """A text without line ends and control signs, by which somebody could forge a line."""
    return text if text.isprintable() else json.dumps(text)[1:-1]
