"""The real server without its pace towards Telegram, which keeps to 30 messages a second as Telegram asks.

No peer here keeps to it (python-telegram-bot has a limiter that is off unless asked for, aiogram has none), so a
comparison of speed must lift it. Nothing else is changed.
"""

from __future__ import annotations

from handlers import telegram_client
from handlers.telegram_pace import Pace, Window


def lift() -> None:
    """Let this process send to Telegram as fast as it can."""
    free = (Window(1_000_000_000, 1.0),)
    telegram_client.Pace = lambda clock: Pace(clock, free, free, free)  # type: ignore[assignment, misc]


if __name__ == "__main__":
    from handlers.cli import run

    lift()
    run()
