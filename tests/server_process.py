"""The server of the kill loop in a process of its own: `kol-advisor serve`, by the very command.

Forked from a process that has imported everything, a server stands in a few milliseconds, so that hundreds can be
killed in minutes.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from multiprocessing.process import BaseProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.server_warm"])


class Process:
    """One run of the server."""

    def __init__(self, config: Path, log: Path, cold: bool) -> None:
        """Start it; `cold` begins with the interpreter, as an operator does."""
        self._cold: subprocess.Popen[bytes] | None = None
        self._warm: BaseProcess | None = None
        if cold:
            with log.open("ab") as file:
                command = (sys.executable, "-m", "handlers", "serve", "--config", str(config))
                self._cold = subprocess.Popen(command, stdout=file, stderr=file)
        else:
            self._warm = _FORKS.Process(target=_serve, args=(str(config), str(log)), daemon=True)
            self._warm.start()

    @property
    def number(self) -> int:
        """Its number with the system."""
        found = self._cold.pid if self._cold is not None else self._warm.pid if self._warm is not None else None
        assert found is not None
        return found

    @property
    def code(self) -> int | None:
        """How it ended, -9 for a kill; `None` while it runs."""
        if self._cold is not None:
            return self._cold.poll()
        assert self._warm is not None
        return self._warm.exitcode


def _serve(config: str, log: str) -> None:
    """What runs in a forked process: the command line itself."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    from handlers import cli

    sys.argv = ["kol-advisor", "serve", "--config", config]
    cli.run()


def _end_with_parent() -> None:
    """Where the tests themselves are killed, no server stays behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
