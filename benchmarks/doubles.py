"""Stand-ins for LINE and Telegram that take every reply at once and tell whose turn it ended.

They enforce nothing (the doubles of the tests do); what they answer is what the SDKs need to read.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass

LINE_TOKEN = "line-token-of-the-benchmark"  # noqa: S105 - of the double
LINE_SECRET = "line-secret-of-the-benchmark"  # noqa: S105
TELEGRAM_TOKEN = "4242:benchmark"  # noqa: S105
TELEGRAM_WORD = "telegram-word-of-the-benchmark"

_LINE_TO = re.compile(rb'"(?:replyToken|to)"\s*:\s*"(U[0-9a-f]+)')
# As JSON, as a form, or as a part of a multipart body.
_CHAT = re.compile(rb"chat_id\D{1,12}(\d+)")
_LINE_TOOK = b'{"sentMessages":[{"id":"1","quoteToken":"q"}]}'
_ME = {"id": 4242, "is_bot": True, "first_name": "Bench", "username": "BenchBot", "can_join_groups": True,
       "can_read_all_group_messages": False, "supports_inline_queries": False}  # fmt: skip
_TELEGRAM_ME = json.dumps({"ok": True, "result": _ME}).encode()
_TELEGRAM_TRUE = b'{"ok":true,"result":true}'
_SENT = (
    b'{"ok":true,"result":{"message_id":1,"date":1790000000,"text":"ok","from":%s,'
    b'"chat":{"id":%%s,"type":"private","first_name":"A"}}}'
) % json.dumps(_ME).encode()


@dataclass(slots=True)
class _Owed:
    """What a person still waits for."""

    replies: int
    told: asyncio.Future[None]


class Doubles:
    """Both platforms on one port; `expect` a person's replies before their message is sent."""

    def __init__(self) -> None:
        self.calls = 0
        self.bytes = 0
        self.unexpected = 0
        self._owed: dict[bytes, _Owed] = {}

    def expect(self, person: str, replies: int) -> asyncio.Future[None]:
        """A future that ends when so many calls for a person have come: a LINE user id, or a chat's number."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._owed[person.encode()] = _Owed(replies, told)
        return told

    def give_up(self, person: str) -> None:
        """Wait for this person's replies no longer."""
        self._owed.pop(person.encode(), None)

    def answer(self, path: bytes, body: bytes) -> bytes:
        """What the platform says to a call."""
        if path.startswith(b"/v2/"):
            if path.endswith((b"/reply", b"/push")):
                self._arrived(_LINE_TO.search(body), body)
                return _LINE_TOOK
            return b"{}"
        if path.endswith(b"/sendMessage"):
            found = _CHAT.search(body)
            self._arrived(found, body)
            return _SENT % (found[1] if found else b"0")
        return _TELEGRAM_ME if path.endswith(b"/getMe") else _TELEGRAM_TRUE

    def _arrived(self, found: re.Match[bytes] | None, body: bytes) -> None:
        self.calls += 1
        self.bytes += len(body)
        owed = self._owed.get(found[1]) if found else None
        if found is None or owed is None:
            self.unexpected += 1
            return
        owed.replies -= 1
        if owed.replies == 0:
            del self._owed[found[1]]
            if not owed.told.done():
                owed.told.set_result(None)
