"""Delivery: how a reply is sent, and what its outcome means for the next try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zlib import crc32

# A reply is given up after this many tries of its own, or at this age (seconds): LINE forgets a retry key after 24 h.
TRIES = 40
GIVE_UP = 23 * 3600.0
LONGEST_WAIT = 600.0
SHORTEST_WAIT = 0.05
_REASON = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One reply on its way. `key` (a UUID) is the same at every try; `at` is when it was made (seconds since 1970).

    `tries` counts earlier tries of which it is not known, or known not to be so, that they arrived: 0 at the first.
    Kills while it was on its way count as one try in all.
    """

    conversation: str
    key: str
    body: str
    tries: int
    at: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. `after`: seconds the platform asks for; `None` leaves it to us.

    `everyone` says that the platform wants quiet from all of us (a global 429): every conversation of that platform
    waits, and the try is not held against this reply. `moved_to`: the conversation goes on under this name, and is
    moved there with all that waits for it.
    """

    after: float | None = None
    reason: str = ""
    everyone: bool = False
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Never: the reply goes to the dead letters with this reason.

    `unread`: there is nobody to read it (we were blocked, or taken out of the group); it is no dead letter then,
    because nothing is to be mended.
    """

    reason: str
    unread: bool = False


Outcome = Delivered | Retry | Dropped
Send = Callable[[Outgoing], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Later:
    """To be sent again at `due` (seconds since 1970), having been tried `tries` times."""

    due: float
    tries: int


def platform_of(conversation: str) -> str:
    """The platform's name: what stands before the first colon."""
    return conversation.partition(":")[0]


def back_off(tries: int, key: str) -> float:
    """Seconds to wait after `tries` tries: doubling, and spread so that replies do not come back in step."""
    spread = 0.5 + crc32(f"{key}{tries}".encode()) / 2**33  # 0.5 to 1, the same on every machine
    return float(min(LONGEST_WAIT, 2.0 ** min(tries, 30)) * spread)


def settle(outcome: Outcome, outgoing: Outgoing, now: float) -> Delivered | Later | Dropped:
    """What becomes of a reply after one try."""
    if not isinstance(outcome, Retry):
        return outcome
    tries = outgoing.tries + (not outcome.everyone)
    if tries >= TRIES or now - outgoing.at >= GIVE_UP:
        return Dropped(f"given up after {tries} tries: {outcome.reason or 'no reason given'}"[:_REASON])
    after = back_off(tries, outgoing.key) if outcome.after is None else outcome.after
    return Later(now + max(after, SHORTEST_WAIT), tries)


class Pauses:
    """Which platforms want quiet, and until when (seconds since 1970). Shared by all lanes of a process."""

    def __init__(self) -> None:
        """Nobody wants quiet."""
        self._until: dict[str, float] = {}

    def pause(self, conversation: str, until: float) -> None:
        """Let everyone on this conversation's platform wait; a pause never ends earlier than was asked before."""
        platform = platform_of(conversation)
        self._until[platform] = max(until, self._until.get(platform, 0.0))

    def end(self, conversation: str) -> float:
        """When this conversation may be written to again; a time gone by if it may be now."""
        return self._until.get(platform_of(conversation), 0.0) if self._until else 0.0


async def deliver(outgoing: Outgoing, send: Send, deadline: float) -> Outcome:
    """Try once, until `deadline` (by `time.monotonic`); whatever goes wrong in `send` is a reason to try again.

    Nothing of an exception but its name is kept: its text may hold a token.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        return Retry(0.0, "the lease ended before sending began")
    try:
        async with asyncio.timeout(left):
            return await send(outgoing)
    except TimeoutError:
        return Retry(None, "no answer in time")
    except asyncio.CancelledError:
        # Cancelled by `Store.stop`, which wants the outcome: it is not known whether the reply arrived.
        return Retry(0.0, "stopped while sending")
    except Exception as error:
        return Retry(None, error.__class__.__name__)
