"""The command line: `kol-advisor serve | chat | ask | check | doctor | memory`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.conversation import Conversation
from bot.message import Message
from bot.step import take
from bot.turn import bubbles
from handlers.calls import FAILURE, Config, fail, settings_of
from handlers.memory_cli import memory_app
from handlers.secret_files import FOLDER_VARIABLE
from handlers.settings import Settings, file_of
from handlers.setup_cli import line_app, telegram_app
from knowledge.fault import Faults
from knowledge.knowledge import Knowledge
from knowledge.load import ROOT, load

if TYPE_CHECKING:
    from bot.memory import Memory
    from handlers.platforms import Finding

app = typer.Typer(
    name="kol-advisor",
    help="Which kind of creator to hire (KOL, KOS, KOP), why, and what the law forbids.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Language = Annotated[str | None, typer.Option("--language", help="zh-Hant, vi or en; else what the person writes.")]
Market = Annotated[str | None, typer.Option("--market", help="TW, VN, TH, JP, US or other; else taken from the text.")]
On = Annotated[
    str | None, typer.Option("--on", help="The day whose law and rules hold, as 2026-02-15; today if left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for other programs.")]


def _knowledge(settings: Settings) -> Knowledge:
    root = Path(settings.knowledge.root) if settings.knowledge.root else ROOT
    if not root.is_dir():
        fail(f"knowledge.root: there is no folder {root}")
    try:
        return load(root)
    except Faults as faults:
        fail(f"the knowledge in {root} has {len(faults.faults)} fault(s):\n{faults}")


def _clock(on: str | None) -> Callable[[], datetime]:
    """The present, or noon of the named day."""
    if on is None:
        return lambda: datetime.now().astimezone()
    try:
        day = date.fromisoformat(on)
    except ValueError:
        fail(f"--on {on!r} is no day; write it as 2026-02-15")
    return lambda: datetime.combine(day, time(12), UTC)


def _checked(name: str, value: str | None, valid: tuple[str, ...]) -> str | None:
    if value is not None and value not in valid:
        fail(f"{name} {value!r} is not known; one of: {', '.join(valid)}")
    return value


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"kol-advisor {version('kol-advisor')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and leave.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context, config: Config = None, version: Version = False) -> None:
    """Which kind of creator to hire, why, and what the law forbids. Without a command: serve."""
    if context.invoked_subcommand is None:
        serve(config)


@app.command()
def serve(config: Config = None) -> None:
    """Run everything that is configured; without any platform, the chat in this terminal."""
    settings = settings_of(config)
    if not settings.platforms:
        if os.environ.get(FOLDER_VARIABLE):
            # Whoever hands over secrets means a server; a chat with nobody would end at once, and look well.
            fail(f"no platform is configured, neither in {FOLDER_VARIABLE} nor elsewhere: see config.example.toml")
        chat(config=config)
        return
    import asyncio

    from bot.memory import MemoryFault
    from handlers.line import LineFault
    from handlers.log import set_up
    from handlers.secret_values import values
    from handlers.serving import ServeFault, run_server

    set_up(settings.log, values(settings))
    try:
        asyncio.run(run_server(settings, _knowledge(settings), _own_memory(settings)))
    except (ServeFault, LineFault) as fault:
        fail(str(fault))
    except MemoryFault as fault:
        fail(str(fault), FAILURE)


@app.command()
def chat(
    language: Language = None,
    on: On = None,
    memory: Annotated[
        str | None, typer.Option("--memory", help="Database address; with --json: else nothing is kept.")
    ] = None,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Talk in this terminal, or with --json one object a line."""
    import asyncio

    from bot.memory import MemoryFault

    settings = settings_of(config)
    knowledge = _knowledge(settings)
    _checked("--language", language, tuple(knowledge.languages))
    now = _clock(on)
    url = memory or ("sqlite://" if json else _own_memory(settings))
    talking = _json_lines(url, knowledge, now, language) if json else _talk(url, knowledge, now, language, settings)
    try:
        asyncio.run(talking)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None
    except MemoryFault as fault:
        fail(str(fault), FAILURE)


async def _talk(
    url: str, knowledge: Knowledge, now: Callable[[], datetime], language: str | None, settings: Settings
) -> None:
    from handlers.terminal import console_for, talk

    store = await _memory(url)
    try:
        await talk(store, knowledge, now, language or settings.chat.language or _account_language(), console_for())
    finally:
        await store.close()


async def _json_lines(url: str, knowledge: Knowledge, now: Callable[[], datetime], language: str | None) -> None:
    from handlers.json_lines import answer_line, lines, write

    store = await _memory(url)
    try:
        for line in lines(sys.stdin):
            write(await answer_line(line, now(), store, knowledge, language), sys.stdout)
    finally:
        await store.close()


def _account_language() -> str | None:
    """The account's language as the system names it."""
    import locale

    return locale.getlocale()[0]


def _own_memory(settings: Settings) -> str:
    """The configured database, else a file in the account's state folder."""
    url = settings.memory.url.get_secret_value()
    if url:
        return url
    import platformdirs

    try:
        folder = platformdirs.user_state_path("kol-advisor", ensure_exists=True)
    except OSError as error:
        fail(
            f"the state folder cannot be made ({error.strerror}); name a database with --memory or memory.url", FAILURE
        )
    return f"sqlite:///{folder / 'kol-advisor.db'}"


async def _memory(url: str) -> Memory:
    from bot.memory import MemoryFault
    from bot.sql import SqlMemory

    try:
        return await SqlMemory.open(url)
    except MemoryFault as fault:
        fail(str(fault))


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The brief or the question, in one message.")],
    language: Language = None,
    market: Market = None,
    on: On = None,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Answer once; nothing is kept."""
    gc.disable()  # a process that answers once has nothing to collect, and looking costs a tenth of its time
    settings = settings_of(config)
    knowledge = _knowledge(settings)
    _checked("--language", language, tuple(knowledge.languages))
    _checked("--market", market, tuple(knowledge.markets))
    conversation = Conversation()
    if language in knowledge.finished:
        conversation = conversation.having(language=language, chosen=True)
    if market:
        conversation = conversation.having(brief=conversation.brief.having(market=market))
    message = Message(
        "local:ask", "local:1", text, _clock(on)(), language_hint=language or settings.chat.language or None
    )
    done = take(conversation, message, knowledge)
    shown = bubbles(done, knowledge)
    if json:
        from handlers.contract import turn_object
        from handlers.json_lines import write

        write(turn_object(message.person, done, shown, knowledge), sys.stdout)
        return
    from handlers.terminal import console_for, to_terminal

    to_terminal(shown, console_for())


@app.command()
def check(
    coverage: Annotated[bool, typer.Option("--coverage", help="Who carries which statement of the articles.")] = False,
    languages: Annotated[bool, typer.Option("--languages", help="What each language lacks, by file.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Product words: how many, clashes, what hides what.")] = False,
    root: Annotated[Path | None, typer.Option("--root", help="A folder of knowledge files to check instead.")] = None,
    config: Config = None,
) -> None:
    """Check the knowledge whole; every fault at once."""
    from handlers.reports import coverage_report, language_report, summary, word_report

    if root is not None and not root.is_dir():
        fail(f"--root: there is no folder {root}")
    try:
        knowledge = load(root) if root else _knowledge(settings_of(config))
    except Faults as faults:
        fail(f"the knowledge in {root} has {len(faults.faults)} fault(s):\n{faults}")
    reports = ((coverage, coverage_report), (languages, language_report), (words, word_report))
    sound = [report(knowledge) for wanted, report in reports if wanted]
    if not all(sound):
        raise typer.Exit(FAILURE)
    if not sound:
        summary(knowledge)


@app.command()
def doctor(config: Config = None) -> None:
    """Look at configuration, knowledge, memory, terminal and clock, and say what to do."""
    from handlers.doctor import examine

    settings = settings_of(config)
    findings: Sequence[Finding] = ()
    if settings.platforms:
        import asyncio

        from handlers.line import LineFault
        from handlers.platforms import examine as examine_platforms

        try:
            findings = asyncio.run(examine_platforms(settings))
        except (LineFault, ValueError) as fault:
            fail(str(fault))
    if not examine(_own_memory(settings), _knowledge(settings), findings, file_of(config)):
        raise typer.Exit(FAILURE)


@app.command()
def letters(
    most: Annotated[int, typer.Option("--most", min=1, help="How many, the newest first.")] = 20,
    texts: Annotated[bool, typer.Option("--texts", help="Also show what was said; it is somebody's words.")] = False,
    config: Config = None,
) -> None:
    """List dead letters: what could not be answered or delivered, and why."""
    from bot.look import letters as dead
    from bot.memory import MemoryFault
    from handlers.letters import line_of

    try:
        found = dead(_own_memory(settings_of(config)), most)
    except MemoryFault as fault:
        fail(str(fault), FAILURE)
    for letter in found:
        typer.echo(line_of(letter, texts=texts))
    if not found:
        typer.echo("no dead letters", err=True)


@app.command()
def misses(
    most: Annotated[int, typer.Option("--most", min=1, help="How many, the newest first.")] = 500,
    yaml: Annotated[bool, typer.Option("--yaml", help="Write cases for tests/sentences, with words to add.")] = False,
    config: Config = None,
) -> None:
    """List what was not understood and the button tapped next; kept with [misses] keep. It holds people's words."""
    from bot.look import kept_misses
    from bot.memory import MemoryFault
    from handlers.misses import as_yaml, listed

    settings = settings_of(config)
    try:
        found = kept_misses(_own_memory(settings), most)
    except MemoryFault as fault:
        fail(str(fault), FAILURE)
    for line in as_yaml(found, _knowledge(settings)) if yaml else listed(found):
        typer.echo(line)
    if not found:
        kept = "" if settings.misses.keep else "; [misses] keep is off"
        typer.echo(f"no misses{kept}", err=True)


app.add_typer(line_app, name="line")
app.add_typer(telegram_app, name="telegram")
app.add_typer(memory_app, name="memory")


def run() -> None:
    """The program's entry: UTF-8 in and out whatever the account's locale says."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app(prog_name="kol-advisor")
