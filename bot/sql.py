"""The memory of a chat: conversations in the store, answered here rather than sent somewhere."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

from bot.conversation import Conversation
from bot.delivery import Dropped, Outcome, Outgoing
from bot.memory import MemoryFault
from bot.message import Message
from bot.store import Store

T = TypeVar("T")
IN_PROCESS = "sqlite://"


class SqlMemory:
    """`bot.memory.Memory` on a `Store`: the same tables as the server's, and one process at a time on SQLite."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    async def open(cls, url: str) -> SqlMemory:
        """Open the database and bring its tables up to date. Raises `MemoryFault` in plain words."""
        store = Store(url, _no_work, _no_send, owner=f"{socket.gethostname()}/chat", in_flight=0)
        await store.start()
        return cls(store)

    async def transact(self, message: Message, work: Callable[[Conversation], tuple[Conversation, T]]) -> T | None:
        """See `bot.memory.Memory.transact`."""

        def answered(state: str | None) -> tuple[str | None, T]:
            after, result = work(Conversation.load(state) if state else Conversation())
            return (None if after == Conversation() else after.dump()), result

        return await self._store.transact(message.id, message.person, answered)

    async def close(self) -> None:
        """Close the database."""
        await self._store.stop(0)


def _no_work(state: str | None, payload: str) -> tuple[str | None, tuple[str, ...]]:
    raise MemoryFault("a chat answers its messages itself")


async def _no_send(outgoing: Outgoing) -> Outcome:
    return Dropped("a chat sends nothing")
