"""A server under measurement: a process on a core of its own, its processor time and its memory."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Absent(Exception):
    """A contender cannot run on this machine; the text says why. Its column is left out, the others run."""


def cores() -> tuple[set[int], set[int]]:
    """The core of the driver with its doubles, and the one of the server measured; the same where there is but one."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    ours = sorted(os.sched_getaffinity(0))
    return {ours[0]}, {ours[-1]}


def pin(pid: int, wanted: Iterable[int]) -> None:
    """Keep a process, all its threads and children to come, on these cores; where the system cannot, do nothing."""
    allowed = set(wanted)
    if not allowed or not hasattr(os, "sched_setaffinity"):
        return
    for each in [pid, *(thread.id for thread in psutil.Process(pid).threads())]:
        os.sched_setaffinity(each, allowed)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it, as far as they still live."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


class Server:
    """One process that listens on `port`; it is started and stopped here, and nowhere else."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], port: int, on: set[int]) -> None:
        self._command, self._environment, self._on = list(command), dict(environment), on
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its number while it runs."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it listens. Raises `Absent` with its last words if it ends before that."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KOL_ADVISOR_")}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the server is stopped
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**kept, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise Absent(f"{self._command[0]}: {error.strerror}") from None
        for _ in range(int(START_SECONDS * 20)):
            if self._process.poll() is not None:
                said = self.last_words()
                await self.stop()
                raise Absent(said)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                pin(self.pid, self._on)  # only now: its own core may be slow at starting, and nothing is measured yet
                return
            except OSError:
                await asyncio.sleep(0.05)
        await self.stop()
        raise Absent(f"it did not listen within {START_SECONDS:.0f} s")

    def last_words(self) -> str:
        """The last line it wrote."""
        if self._log is None:
            return "it said nothing"
        self._log.seek(0)
        lines = [line for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it said nothing"

    async def stop(self, *, at_once: bool = False) -> None:
        """End it as an operator would, by SIGTERM; by SIGKILL if it does not obey, or `at_once`."""
        process, self._process = self._process, None
        if self._log is not None:
            self._log.close()
            self._log = None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of these processes and all below them, children that ended included."""
    total = 0.0
    for pid in pids:
        for each in tree(pid):
            try:
                times = each.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + getattr(times, "children_user", 0.0)
            total += getattr(times, "children_system", 0.0)
    return total


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes and all below them."""
    total = 0
    for pid in pids:
        for each in tree(pid):
            try:
                total += each.memory_info().rss
            except psutil.Error:
                continue
    return total
