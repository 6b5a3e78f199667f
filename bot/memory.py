"""Memory: what a store of conversations must promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from bot.conversation import Conversation
from bot.message import Message

T = TypeVar("T")


class MemoryFault(Exception):
    """The store cannot be opened or written; the text says what to do and holds no password."""


class InUse(MemoryFault):
    """Another process of this program works on the embedded database."""


class Busy(Exception):
    """The inbox is full, or the program is stopping: nothing was kept, the platform should deliver again later."""


class Memory(Protocol):
    """Conversations by person; one message is one transaction."""

    async def transact(self, message: Message, work: Callable[[Conversation], tuple[Conversation, T]]) -> T | None:
        """Load the person's conversation, do `work`, keep what it returns, and remember the message's id.

        All of it is durable when this returns. `None` means that a message of this id was answered before;
        then `work` is not called and nothing changes. Turns of one person never overlap.
        """

    async def close(self) -> None:
        """Give back what is held."""
