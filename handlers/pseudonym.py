"""The pseudonym: how a person or an event is named in the log, so that nobody can tell later who it was.

A name is a keyed hash that holds for one day (UTC). Without a configured key, each day, each start and each person
forgotten makes a key of its own, which is kept nowhere: when it is gone, not even we can find the lines of somebody
who asked to be forgotten, and somebody who comes back has another name.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

DAY_SECONDS = 86_400
_KEY_BYTES = 32
_NAME_BYTES = 6  # 12 hexadecimal digits


class Pseudonym:
    """Call it with an id. `key`: shared by replicas, empty for one of our own; `now` gives seconds since 1970."""

    def __init__(self, key: str = "", now: Callable[[], float] = time.time) -> None:
        self._shared = hashlib.blake2b(key.encode(), digest_size=_KEY_BYTES).digest() if key else b""
        self._now = now
        self._today: tuple[int, bytes] = (-1, b"")

    def __call__(self, id: str) -> str:
        """Twelve hexadecimal digits, the same all day."""
        day = int(self._now() // DAY_SECONDS)
        held, key = self._today
        if held != day:
            key = self._key(day)
            self._today = (day, key)
        return hashlib.blake2b(id.encode("utf-8", "replace"), key=key, digest_size=_NAME_BYTES).hexdigest()

    def renew(self) -> None:
        """Somebody was forgotten: everybody has another name from now on, unless replicas share a key."""
        self._today = (-1, b"")

    def _key(self, day: int) -> bytes:
        if not self._shared:
            return secrets.token_bytes(_KEY_BYTES)
        return hashlib.blake2b(str(day).encode(), key=self._shared, digest_size=_KEY_BYTES).digest()
