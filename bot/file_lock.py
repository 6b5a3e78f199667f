"""The file lock: one process at a time works on an embedded database."""

from __future__ import annotations

import os
from pathlib import Path

from bot.memory import InUse, MemoryFault


class FileLock:
    """Held from creation to `release`; the system lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        """Take the lock beside `path`. Raises `InUse` if another process has it, `MemoryFault` if it cannot be made."""
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise MemoryFault(
                f"the database's folder cannot be written ({error.strerror}); check memory.url and its folder"
            ) from None
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise InUse(
                "the database is locked by another process of this program; stop that one, or use PostgreSQL, "
                "which many processes may share"
            ) from None

    def release(self) -> None:
        """Let another process in. The file stays: removing it would let two processes lock two files."""
        os.close(self._file)


try:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

except ImportError:  # pragma: no cover - other systems
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
