"""Setting Telegram up, and what an operator is told: read first, change only what differs, never show the token."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from handlers.setup_cli import telegram_app
from handlers.telegram import TelegramClient
from handlers.telegram_setup import SetupFault, examine, set_up, shipped_texts
from tests.telegram_double import TOKEN, Telegram
from tests.test_telegram_send import Clock, with_telegram

URL = "https://bot.example.test/telegram"


def test_setting_up_twice_changes_once() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        changed = await set_up(client, "webhook", URL, "s3cret")
        assert len(changed) == 3 * len(shipped_texts()) + 1
        assert double.webhook["secret"] == "s3cret"  # noqa: S105
        assert "inline_query" not in double.webhook["allowed_updates"]
        double.calls.clear()
        assert await set_up(client, "webhook", URL, "s3cret") == []
        assert not [method for method, _ in double.calls if method.startswith(("set", "delete"))]
        again = [f"webhook set to {URL} again, with the secret token"]
        assert await set_up(client, "webhook", URL, "s3cret", force=True) == again
        double.webhook["last_error_message"] = "Wrong response from the webhook: 403 Forbidden"
        assert await set_up(client, "webhook", URL, "n3w") == again
        assert double.webhook["secret"] == "n3w"  # noqa: S105
        assert await set_up(client, "polling", URL) == ["webhook removed (was at bot.example.test)"]
        assert await set_up(client, "polling", URL) == []
        assert double.webhook == {"url": ""}

    with_telegram(work)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_the_webhook_of_another_host_is_only_taken_away_with_force(mode: Any) -> None:
    """What would be overridden is said, without the path, which may hold somebody's token; and nothing is changed."""

    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.webhook = there = {"url": "https://us:er@elsewhere.test/hook/77:token", "allowed_updates": []}
        with pytest.raises(SetupFault, match=r"--force") as fault:
            await set_up(client, mode, URL, "s3cret")
        assert "elsewhere.test" in str(fault.value)
        assert "token" not in str(fault.value) and "er@" not in str(fault.value)
        assert double.webhook == there and double.shown == {}
        changed = await set_up(client, mode, URL, "s3cret", force=True)
        assert changed[-1].endswith("(was at elsewhere.test)")
        assert double.webhook["url"] == (URL if mode == "webhook" else "")

    with_telegram(work)


def test_the_command_refuses_and_with_force_does_it(tmp_path: Path) -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        double.webhook = {"url": "https://elsewhere.test/hook"}
        config = tmp_path / "config.toml"
        config.write_text(f'[telegram]\ntoken = "{TOKEN}"\nbase_url = "{double.base}"\n', encoding="utf-8")

        async def called(*more: str) -> tuple[int, str]:
            run = CliRunner().invoke
            done = await asyncio.to_thread(run, telegram_app, ["setup", "--config", str(config), *more])
            return done.exit_code, done.output

        code, said = await called()
        assert code == 1 and "elsewhere.test" in said and "--force" in said
        code, said = await called("--force")
        assert code == 0 and "webhook removed (was at elsewhere.test)" in said
        assert double.webhook == {"url": ""}
        assert await called() == (0, "ok   telegram: all was so already\n")

    with_telegram(work)


def test_a_port_that_telegram_does_not_call_is_named() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        with pytest.raises(SetupFault, match="443"):
            await set_up(client, "webhook", "https://bot.example.test:9443/telegram", "s3cret")

    with_telegram(work)


def test_only_what_differs_is_changed() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        await set_up(client, "polling")
        double.shown["description", "vi"] = "cũ"
        assert await set_up(client, "polling") == ["description (vi)"]

    with_telegram(work)


def test_texts_fit_and_name_the_same_commands_in_every_language() -> None:
    texts = shipped_texts()
    assert {entry.language for entry in texts} == {"zh-Hant", "vi", "en", "th", "ja"}
    assert [entry.language for entry in texts if not entry.code] == ["en"]
    for entry in texts:
        assert len(entry.description) <= 512 and len(entry.short) <= 120
        assert list(entry.commands) == list(texts[0].commands)
        assert all(1 <= len(text) <= 256 for text in entry.commands.values())


def test_a_webhook_without_secret_or_https_is_refused() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        for url, secret in (("http://x.test", "s"), ("", "s"), (URL, "")):
            with pytest.raises(SetupFault, match="secret_token"):
                await set_up(client, "webhook", url, secret)
        assert double.calls == []

    with_telegram(work)


def test_setting_up_says_what_is_wrong_without_the_token() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        with pytest.raises(SetupFault, match="BotFather") as fault:
            await set_up(client, "polling")
        assert "77:wrong" not in str(fault.value)

    with_telegram(work, token="77:wrong")  # noqa: S106 - of the double


def test_the_examination_says_what_to_do() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        async def bad(mode: Any) -> list[str]:
            return [f"{f.what}: {f.text}" for f in await examine(client, mode, URL, now) if not f.well]

        assert [line.split(":")[0] for line in await bad("polling")] == ["telegram commands"]
        await set_up(client, "polling", URL)
        assert await bad("polling") == []
        assert "should be" in (await bad("webhook"))[0]
        await set_up(client, "webhook", URL, "s3cret")
        assert await bad("webhook") == []
        assert "polling gets nothing" in (await bad("polling"))[0]
        double.webhook["allowed_updates"] = ["message"]
        assert "does not send callback_query" in (await bad("webhook"))[0]
        double.webhook |= {"last_error_date": int(now.timestamp()) - 60, "last_error_message": "403 Forbidden"}
        double.updates = [{"update_id": number} for number in range(200)]
        double.me["can_read_all_group_messages"] = True
        said = "\n".join(await bad("webhook"))
        assert "secret token may differ" in said and "200 updates wait" in said and "setprivacy" in said

    with_telegram(work)


def test_the_examination_never_raises() -> None:
    async def work(double: Telegram, client: TelegramClient, clock: Clock) -> None:
        (finding,) = await examine(client, "polling", "", datetime.now(UTC))
        assert not finding.well and "token is refused" in finding.text
        gone = TelegramClient(TOKEN, "http://127.0.0.1:9")
        async with gone:
            (finding,) = await examine(gone, "polling", "", datetime.now(UTC))
        assert not finding.well and "cannot be reached" in finding.text and TOKEN not in finding.text

    with_telegram(work, token="77:wrong")  # noqa: S106 - of the double
