"""Sent: which messages in groups are ours, so that quoting one of them speaks to us.

LINE names the quoted message by its id alone, and tells that id only in its answer to our call. The latest stand in
memory; all of them in the store as long as event ids do, for after a restart and for the other replicas.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.memory import MemoryFault
from handlers.line_events import PLATFORM, quoted_in_group

if TYPE_CHECKING:
    from bot.store import Store

REMEMBERED = 10_000


class Sent:
    """The ids of what this bot said in groups."""

    def __init__(self) -> None:
        """Nothing yet; `keep_in` gives it a store."""
        self._known: OrderedDict[str, None] = OrderedDict()
        self._store: Store | None = None
        self._unkept: list[str] = []
        self._keeping: asyncio.Task[None] | None = None

    def keep_in(self, store: Store) -> None:
        """From now on keep ids in `store` too."""
        self._store = store

    def add(self, ids: Sequence[str]) -> None:
        """These are ours. They are in the store a moment later; answers do not wait for it."""
        for one in ids:
            self._known[one] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        if self._store is None:
            return
        self._unkept += ids
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep(self._store))

    async def quoted(self, events: Iterable[Mapping[str, Any]]) -> Callable[[str], bool]:
        """Which messages quoted by these events are ours. Raises `MemoryFault` where the store does not tell."""
        asked = {quoted for event in events if (quoted := quoted_in_group(event))}
        ours = {one for one in asked if one in self._known}
        if self._store is not None:
            for one in sorted(asked - ours):
                if await self._store.noted(_name(one)):
                    ours.add(one)
        return ours.__contains__

    async def close(self) -> None:
        """Wait for what is being kept."""
        if self._keeping is not None:
            await self._keeping

    async def _keep(self, store: Store) -> None:
        # All that came meanwhile in one transaction, however many answers go out.
        with suppress(MemoryFault):
            while self._unkept:
                ids, self._unkept = self._unkept, []
                await store.note([_name(one) for one in ids])
        self._keeping = None


def _name(message_id: str) -> str:
    return f"{PLATFORM}:sent:{message_id}"
