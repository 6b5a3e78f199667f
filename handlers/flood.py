"""The flood gate: of one kind of line, only so many a minute reach the log; how many were left out is told later."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

MOST_LINES = 20
WINDOW_SECONDS = 60.0
_MOST_KINDS = 1_000


class FloodGate(logging.Filter):
    """Lets all lines below warning pass; of each kind above, `most` in `seconds`. `clock` never goes back.

    A kind is a logger and a text before its values are put in. The first line after a flood says in `left_out` how
    many are missing; the metrics have counted them all.
    """

    def __init__(
        self,
        most: int = MOST_LINES,
        seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line may pass."""
        if record.levelno < logging.WARNING:
            return True
        said = record.msg
        kind = (record.name, str(said.get("event") if isinstance(said, dict) else said))
        now = self._clock()
        with self._lock:
            if len(self._seen) > _MOST_KINDS:
                self._seen.clear()
            began, count = self._seen.get(kind, (now, 0))
            missing = 0
            if now - began >= self._seconds:
                missing, began, count = max(0, count - self._most), now, 0
            self._seen[kind] = (began, count + 1)
        if missing:
            record.left_out = missing
        return count < self._most
