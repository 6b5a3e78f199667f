"""Setting Telegram up: what the bot is called to show and where it sends updates, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from handlers.finding import Finding
from handlers.telegram_client import ALLOWED_UPDATES, TelegramClient
from knowledge.strict_yaml import read

if TYPE_CHECKING:
    from telegram import WebhookInfo

TEXTS = Path(__file__).with_name("telegram_texts.yaml")
Mode = Literal["polling", "webhook"]
MOST_CONNECTIONS = 40
MANY_WAITING = 100
RECENT_SECONDS = 3600.0
# In Telegram's last error these mean that our side refused the secret token.
_REFUSED = ("401", "403")


class SetupFault(Exception):
    """Setting up failed; the text says why and what to do, without the token."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is shown of the bot in one language; `code` is Telegram's, "" for everyone else."""

    language: str
    code: str
    description: str
    short: str
    commands: Mapping[str, str]


def shipped_texts() -> tuple[Texts, ...]:
    """The texts that come with the program."""
    data, faults = read(TEXTS, TEXTS.name)
    if faults:
        raise SetupFault("; ".join(map(str, faults)))
    return tuple(Texts(**entry) for entry in data)


async def set_up(
    client: TelegramClient,
    mode: Mode,
    webhook_url: str = "",
    secret_token: str = "",
    *,
    texts: tuple[Texts, ...] | None = None,
    force: bool = False,
) -> list[str]:
    """Bring the bot to what is wanted; returns what was changed, a line each, empty if all was so already.

    Reads first and changes only what differs. Telegram never tells the secret token it has, so a new one is set
    when the address changes, when it was lately refused, or with `force`. `webhook_url` is our own address, in either
    mode. A webhook at another host, where perhaps another program relies on it, is only taken away with `force`.
    Raises `SetupFault`; then nothing was changed, or what was changed before the connection failed.
    """
    if mode == "webhook" and not (webhook_url.startswith("https://") and secret_token):
        raise SetupFault("a Telegram webhook needs server.public_url with https:// and telegram.secret_token")
    try:
        info = await client.bot.get_webhook_info()
        if info.url and not force and _host(info.url) != _host(webhook_url):
            instead = f"be sent to {webhook_url}" if mode == "webhook" else "be polled from here"
            raise SetupFault(
                f"Telegram sends this bot's updates to {_host(info.url)}, which is not server.public_url; a program "
                f"there would get nothing any more. To let them {instead} all the same: "
                "kol-advisor telegram setup --force"
            )
        return await show(client, texts) + await _receive(client, info, mode, webhook_url, secret_token, force)
    except SetupFault:
        raise
    except Exception as error:
        raise SetupFault(_words(client, error)) from None


async def show(client: TelegramClient, texts: tuple[Texts, ...] | None = None) -> list[str]:
    """Set the commands and descriptions that differ, in every language; returns what was changed, a line each.

    Raises the library's errors.
    """
    changed: list[str] = []
    for entry in shipped_texts() if texts is None else texts:
        changed += await _show(client, entry)
    return changed


async def _show(client: TelegramClient, entry: Texts) -> list[str]:
    """Commands and descriptions of one language."""
    bot, code = client.bot, entry.code or None
    where = f"({entry.language})"
    changed = []
    has = [(command.command, command.description) for command in await bot.get_my_commands(language_code=code)]
    if has != list(entry.commands.items()):
        await bot.set_my_commands(list(entry.commands.items()), language_code=code)
        changed.append(f"commands {where}")
    if (await bot.get_my_description(language_code=code)).description != entry.description:
        await bot.set_my_description(entry.description, language_code=code)
        changed.append(f"description {where}")
    if (await bot.get_my_short_description(language_code=code)).short_description != entry.short:
        await bot.set_my_short_description(entry.short, language_code=code)
        changed.append(f"short description {where}")
    return changed


async def _receive(
    client: TelegramClient, info: WebhookInfo, mode: Mode, url: str, secret: str, force: bool
) -> list[str]:
    """The webhook, or none for polling; updates that wait at Telegram are kept in either case."""
    if mode == "polling":
        if not info.url:
            return []
        await client.bot.delete_webhook(drop_pending_updates=False)
        return [f"webhook removed (was at {_host(info.url)})"]
    refused = any(code in (info.last_error_message or "") for code in _REFUSED)
    same = info.url == url and set(info.allowed_updates) == set(ALLOWED_UPDATES)
    if same and info.max_connections == MOST_CONNECTIONS and not refused and not force:
        return []
    await client.bot.set_webhook(
        url,
        max_connections=MOST_CONNECTIONS,
        allowed_updates=ALLOWED_UPDATES,
        drop_pending_updates=False,
        secret_token=secret,
    )
    if info.url == url:
        return [f"webhook set to {url} again, with the secret token"]
    return [f"webhook set to {url}" + (f" (was at {_host(info.url)})" if info.url else "")]


def _host(url: str) -> str:
    """Where an address leads; its path may hold a secret of somebody's."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


async def examine(client: TelegramClient, mode: Mode, webhook_url: str, now: datetime) -> list[Finding]:
    """What an operator should know about the bot's side at Telegram. Never raises."""
    findings: list[Finding] = []
    if not await _looked(client, "telegram token", _token, findings):
        return findings

    async def webhook(client: TelegramClient) -> list[Finding]:
        info = await client.bot.get_webhook_info()
        return [_address(info, mode, webhook_url), *_delivery(info, now)]

    await _looked(client, "telegram webhook", webhook, findings)
    await _looked(client, "telegram commands", _commands, findings)
    return findings


async def _looked(
    client: TelegramClient,
    what: str,
    look: Callable[[TelegramClient], Awaitable[list[Finding]]],
    findings: list[Finding],
) -> bool:
    """Add what a look finds, or that it failed; whether Telegram answered."""
    try:
        findings += await look(client)
    except Exception as error:
        findings.append(Finding(False, what, _words(client, error)))
        return False
    return True


async def _token(client: TelegramClient) -> list[Finding]:
    me = await client.bot.get_me()
    findings = [Finding(True, "telegram token", f"accepted, the bot is @{me.username}")]
    if me.can_join_groups is False:
        text = "the bot cannot be added to groups; if it should be, ask @BotFather: /setjoingroups"
        findings.append(Finding(True, "telegram groups", text))
    elif me.can_read_all_group_messages:
        text = "the bot is sent everything said in its groups and needs none of it; ask @BotFather: /setprivacy, Enable"
        findings.append(Finding(False, "telegram groups", text))
    return findings


async def _commands(client: TelegramClient) -> list[Finding]:
    missing = []
    for entry in shipped_texts():
        has = await client.bot.get_my_commands(language_code=entry.code or None)
        if [(command.command, command.description) for command in has] != list(entry.commands.items()):
            missing.append(entry.language)
    text = f"differ in {', '.join(missing)}: run kol-advisor telegram setup" if missing else "as they should be"
    return [Finding(not missing, "telegram commands", text)]


def _address(info: WebhookInfo, mode: Mode, url: str) -> Finding:
    what, way_out = "telegram webhook", "run kol-advisor telegram setup"
    if mode == "polling":
        set_to = f"is set (at {_host(info.url)}), so polling gets nothing: {way_out}"
        return Finding(not info.url, what, set_to if info.url else "none, updates are polled")
    if info.url != url:
        there = "not set" if not info.url else f"at {_host(info.url)}" if _host(info.url) != _host(url) else info.url
        return Finding(False, what, f"is {there}, should be {url}: {way_out}")
    if missing := set(ALLOWED_UPDATES) - set(info.allowed_updates):
        return Finding(False, what, f"does not send {', '.join(sorted(missing))}: {way_out}")
    return Finding(True, what, f"is {url}")


def _delivery(info: WebhookInfo, now: datetime) -> list[Finding]:
    """What Telegram says of its own tries to reach us."""
    what, findings = "telegram delivery", []
    if info.last_error_date and (now - info.last_error_date).total_seconds() < RECENT_SECONDS:
        said = info.last_error_message or "no reason given"
        if any(code in said for code in _REFUSED):
            said += "; the secret token may differ: run kol-advisor telegram setup --force"
        findings.append(Finding(False, what, f"failed within the last hour: {said}"))
    trouble = info.last_synchronization_error_date
    if trouble and (now - trouble).total_seconds() < RECENT_SECONDS:
        findings.append(Finding(False, what, "Telegram had trouble of its own within the last hour; wait"))
    if info.pending_update_count > MANY_WAITING:
        text = f"{info.pending_update_count} updates wait at Telegram: is the program running and reachable?"
        findings.append(Finding(False, what, text))
    return findings or [Finding(True, what, f"no recent error, {info.pending_update_count} updates waiting")]


def _words(client: TelegramClient, error: Any) -> str:
    """An error with the way out."""
    name = error.__class__.__name__
    if name == "InvalidToken":
        return "the token is refused: copy it anew from @BotFather into telegram.token"
    if name in ("TimedOut", "NetworkError"):
        return f"the Bot API cannot be reached ({client.plain(error)}): check the network and telegram.base_url"
    return client.plain(error)
