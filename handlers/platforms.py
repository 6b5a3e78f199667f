"""Platforms: setting them up, and what they tell about themselves, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from handlers import line_setup, outside, telegram_setup
from handlers.finding import Finding
from handlers.line import LineClient
from handlers.settings import Settings
from handlers.telegram import TelegramClient

__all__ = ["Finding", "examine", "set_up_line", "set_up_telegram", "webhook_of"]


def webhook_of(settings: Settings, name: str) -> str:
    """The address under which a platform reaches us; empty where no public address is configured."""
    base = settings.server.public_url.rstrip("/")
    return f"{base}/{name}" if base else ""


async def set_up_line(settings: Settings) -> Sequence[Finding]:
    """Register the webhook at LINE and let LINE test it."""
    async with LineClient(settings.line.channel_access_token.get_secret_value(), settings.line.api_base) as client:
        return await line_setup.set_up(client, webhook_of(settings, "line"))


async def set_up_telegram(settings: Settings, *, force: bool = False) -> Sequence[Finding]:
    """Set commands, descriptions and the way updates come; twice is as good as once. `force`: see `set_up`."""
    telegram = settings.telegram
    async with TelegramClient(telegram.token.get_secret_value(), telegram.base_url) as client:
        address, word = webhook_of(settings, "telegram"), telegram.secret_token.get_secret_value()
        try:
            changed = await telegram_setup.set_up(client, telegram.mode, address, word, force=force)
        except telegram_setup.SetupFault as fault:
            return [Finding(False, "telegram", str(fault))]
    return [Finding(True, "telegram", line) for line in changed or ("all was so already",)]


async def examine(settings: Settings) -> Sequence[Finding]:
    """What the configured platforms say of token, webhook and quota, and what is seen of us from outside."""
    found: list[Finding] = []
    if "line" in settings.platforms:
        async with LineClient(settings.line.channel_access_token.get_secret_value(), settings.line.api_base) as line:
            found += await line_setup.examine(line, webhook_of(settings, "line"))
    if "telegram" in settings.platforms:
        telegram = settings.telegram
        async with TelegramClient(telegram.token.get_secret_value(), telegram.base_url) as client:
            address = webhook_of(settings, "telegram")
            found += await telegram_setup.examine(client, telegram.mode, address, datetime.now(UTC))
    return found + await outside.examine(settings)
