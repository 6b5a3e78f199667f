"""The pace: how long a message to Telegram must wait, per chat and for all chats together.

Telegram answers 429 to a bot that sends too fast, and repeats it ever longer to one that does not listen. Its
numbers are averages ("short bursts are allowed"), so a private chat may get one reply of three bubbles at once.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` messages in any `seconds`."""

    count: int
    seconds: float


PRIVATE = (Window(3, 3.0),)  # 1/s on average
GROUP = (Window(3, 3.0), Window(20, 60.0))
OVERALL = (Window(30, 1.0),)
_SWEEP = 1_000


class Pace:
    """Books a time for each message; `clock` gives seconds that never go back."""

    def __init__(
        self,
        clock: Callable[[], float],
        private: tuple[Window, ...] = PRIVATE,
        group: tuple[Window, ...] = GROUP,
        overall: tuple[Window, ...] = OVERALL,
    ) -> None:
        self._clock = clock
        self._private, self._group, self._all = private, group, overall
        self._sent: dict[int, deque[float]] = {}
        self._sent_all: deque[float] = deque()
        self._halted: dict[int, float] = {}
        self._halted_all = 0.0
        self._bookings = 0

    def book(self, chat: int, patience: float) -> float:
        """Seconds to wait before sending to a chat; the place is taken only if they are within `patience`.

        A chat with a negative number is a group.
        """
        now = self._clock()
        windows = self._group if chat < 0 else self._private
        sent = self._sent.setdefault(chat, deque())
        due = max(now + self.held(chat), _free(sent, windows, now), _free(self._sent_all, self._all, now))
        if due - now <= patience:
            sent.append(due)
            # Other chats' messages may be booked later than this one; the windows count in order of time.
            insort(self._sent_all, due)
        self._bookings += 1
        if self._bookings % _SWEEP == 0:
            self._sweep(now)
        return due - now

    def held(self, chat: int | None) -> float:
        """Seconds until a 429 lets go of a chat (or, with `None`, of the bot); 0 if none holds it."""
        until = self._halted_all if chat is None else max(self._halted_all, self._halted.get(chat, 0.0))
        return max(0.0, until - self._clock())

    def halt(self, chat: int | None, seconds: float) -> None:
        """Obey a 429 for a chat, or for everything where it concerned none.

        Telegram does not say whether the chat or the bot is meant. One chat is halted alone, so that a busy group
        silences nobody else; a second one within the halt of another means the bot.
        """
        now = self._clock()
        until = now + max(0.0, seconds)
        others = any(end > now for other, end in self._halted.items() if other != chat)
        if chat is None or others:
            self._halted_all = max(self._halted_all, until)
        if chat is not None:
            self._halted[chat] = max(self._halted.get(chat, 0.0), until)

    def _sweep(self, now: float) -> None:
        """Forget chats that nothing holds any more: a bot of a million chats must not remember them all."""
        longest = max(window.seconds for window in (*self._private, *self._group))
        self._sent = {chat: sent for chat, sent in self._sent.items() if sent and sent[-1] > now - longest}
        self._halted = {chat: until for chat, until in self._halted.items() if until > now}


def _free(sent: deque[float], windows: tuple[Window, ...], now: float) -> float:
    """The first moment at which one more message breaks no window."""
    longest = max(window.seconds for window in windows)
    while sent and sent[0] <= now - longest:
        sent.popleft()
    free = [now]
    for window in windows:
        if len(sent) >= window.count:
            free.append(sent[-window.count] + window.seconds)
    return max(free)
