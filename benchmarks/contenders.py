"""Who is compared: our own server on each platform and database, and small bots on the libraries people use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.doubles import LINE_SECRET, LINE_TOKEN, TELEGRAM_TOKEN, TELEGRAM_WORD
from benchmarks.process import ROOT, Absent, Server, free_port
from benchmarks.storage import postgres, redis
from benchmarks.talk import Replies

PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
ADVISER = "adviser"
GUARANTEES = {
    "adviser": "durable before the 200 (FULL sync), once, in order; whole advice computed",
    "line echo": "stateless: answers before the 200, no advice, nothing kept",
    "aiogram echo": "stateless: 200 first, answers after it, nothing kept",
    "ptb echo": "stateless: 200 first, answers after it, nothing kept",
    "ptb conversation": "200 first; loses up to 60 s of state when killed, processes a repeated update twice",
    "aiogram redis": "200 first; state in Redis, a killed process loses the answer, repeats are processed twice",
}


@dataclass
class Contender:
    """A server with what it stores in.

    `storage` are the processes of its database, whose time counts too. `kill`: it is ended by SIGKILL, because it
    takes minutes to stop.
    """

    name: str
    kind: str
    platform: str
    path: str
    server: Server
    storage: tuple[int, ...] = ()
    whole_advice: bool = False
    kill: bool = False

    @property
    def pids(self) -> list[int]:
        """All processes that work for it."""
        return [self.server.pid, *self.storage]


def adviser(
    platform: str, url: str, double: int, on: set[int], launch: tuple[str, ...] = (), storage: tuple[int, ...] = ()
) -> Contender:
    """Our server as an operator starts it, configured by the environment. `launch`: started by this module instead."""
    port = free_port()
    base = f"http://127.0.0.1:{double}"
    environment = {
        "KOL_ADVISOR_SERVER__PORT": str(port),
        "KOL_ADVISOR_SERVER__ADMIN_PORT": "0",
        "KOL_ADVISOR_SERVER__PUBLIC_URL": "https://bench.invalid",
        "KOL_ADVISOR_MEMORY__URL": url,
    }
    if platform == "line":
        environment |= {
            "KOL_ADVISOR_LINE__CHANNEL_SECRET": LINE_SECRET,
            "KOL_ADVISOR_LINE__CHANNEL_ACCESS_TOKEN": LINE_TOKEN,
            "KOL_ADVISOR_LINE__API_BASE": base,
        }
    else:
        environment |= {
            "KOL_ADVISOR_TELEGRAM__TOKEN": TELEGRAM_TOKEN,
            "KOL_ADVISOR_TELEGRAM__MODE": "webhook",
            "KOL_ADVISOR_TELEGRAM__SECRET_TOKEN": TELEGRAM_WORD,
            "KOL_ADVISOR_TELEGRAM__BASE_URL": base,
        }
    module = ("handlers", "serve") if platform == "line" else ("benchmarks.unpaced", "serve")
    command = [sys.executable, "-m", *(launch or module)]
    database = "PostgreSQL" if url.startswith("postgres") else "SQLite"
    return Contender(
        f"{ADVISER} {platform} {database}", ADVISER, platform, f"/{platform}",
        Server(command, environment, port, on), storage, whole_advice=True,
    )  # fmt: skip


def peer(
    kind: str, script: str, platform: str, double: int, size: int, on: set[int], *, own: bool, more: str = ""
) -> Contender:
    """A peer's bot. `size`: bytes of each reply. `own`: it needs the peers' own environment."""
    python = PEERS_PYTHON if own else Path(sys.executable)
    if own and not python.exists():
        raise Absent("its packages are not installed: make bench-peers")
    port = free_port()
    command = [str(python), str(PEERS / script), str(port), f"http://127.0.0.1:{double}", str(size), more]
    token, word = (LINE_TOKEN, LINE_SECRET) if platform == "line" else (TELEGRAM_TOKEN, TELEGRAM_WORD)
    environment = {"BENCH_TOKEN": token, "BENCH_SECRET": word}
    return Contender(kind, kind, platform, f"/{platform}", Server(command, environment, port, on))


def field_of(
    stack: AsyncExitStack, folder: Path, double: int, replies: dict[str, Replies], on: set[int], wanted: tuple[str, ...]
) -> tuple[list[Contender], dict[str, str]]:
    """Everybody who may run here, and why the others cannot. `wanted`: parts of names; none means all.

    `double` is the doubles' port, `replies` what the adviser says, `on` the cores of servers and databases.
    """
    line, telegram = replies["line"].mean_bytes, replies["telegram"].mean_bytes

    def peers(kind: str, script: str, platform: str, size: int, *, own: bool = False, more: str = "") -> Contender:
        return peer(kind, script, platform, double, size, on, own=own, more=more)

    def on_postgres() -> Contender:
        base = postgres(stack, on)
        return adviser("line", base.url, double, on, storage=base.pids)

    def on_redis() -> Contender:
        base = redis(stack, folder, on)
        made = peers("aiogram redis", "aiogram_fsm.py", "telegram", telegram, own=True, more=base.url)
        made.storage = base.pids
        return made

    def pickled() -> Contender:
        more = str(folder / "ptb.pickle")
        made = peers("ptb conversation", "ptb_conversation.py", "telegram", telegram, more=more)
        made.kill = True
        return made

    makers: dict[str, Callable[[], Contender]] = {
        "line echo": lambda: peers("line echo", "line_echo.py", "line", line),
        "adviser line SQLite": lambda: adviser("line", f"sqlite:///{folder}/line.db", double, on),
        "adviser line PostgreSQL": on_postgres,
        "aiogram echo": lambda: peers("aiogram echo", "aiogram_fsm.py", "telegram", telegram, own=True),
        "ptb echo": lambda: peers("ptb echo", "ptb_conversation.py", "telegram", telegram),
        "ptb conversation": pickled,
        "aiogram redis": on_redis,
        "adviser telegram SQLite": lambda: adviser("telegram", f"sqlite:///{folder}/telegram.db", double, on),
    }
    found: list[Contender] = []
    absent: dict[str, str] = {}
    for name, make in makers.items():
        if wanted and not any(part.lower() in name.lower() for part in wanted):
            continue
        if name == "ptb echo" and not wanted and "aiogram echo" not in absent:
            continue  # one stateless bot on Telegram is enough, and aiogram's is the faster
        try:
            found.append(make())
        except Absent as why:
            absent[name] = str(why)
    return found, absent
