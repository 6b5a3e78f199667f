"""The keeper of a test database: it outlives the tests, however they end, and clears away what they left.

Standard input brings the number of the server's process, a line at each start, `0` when it is stopped. When the input
ends, the tests are over: what still runs is stopped, and the folder is deleted.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 5.0


def main(folder: str) -> None:
    """Wait for the end, then clear away."""
    process = 0
    for line in sys.stdin:
        process = int(line)
    if process:
        _stop(process, Path(folder) / "data" / "postmaster.pid")
    shutil.rmtree(folder, ignore_errors=True)


def _stop(process: int, mark: Path) -> None:
    """Stop the server; its last act is to delete its mark."""
    end = time.monotonic() + PATIENCE_SECONDS
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGQUIT)  # at once, without waiting for anybody
        while mark.exists():
            if time.monotonic() > end:
                os.kill(process, signal.SIGKILL)
                return
            time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1])
