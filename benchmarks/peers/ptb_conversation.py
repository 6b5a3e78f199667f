"""Peer: a python-telegram-bot that asks three questions by ConversationHandler, kept by PicklePersistence.

The webhook is the library's own "custom webhook" example on aiohttp: 200 at once, the update into the queue, which
one worker empties (ConversationHandler forbids concurrent updates). Without a file it keeps nothing and only echoes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from aiohttp import web
from telegram import Update
from telegram.ext import (
    Application,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    filters,
)

GOAL, PRODUCT, BUDGET = range(3)
MOST_TEXT = 4096
SIZE = min(int(sys.argv[3]), MOST_TEXT)


def _said(text: str) -> str:
    return text.ljust(SIZE, ".")


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Say it again."""
    await update.message.reply_text(_said(update.message.text))


async def begin(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Ask for the goal."""
    context.user_data.clear()
    await update.message.reply_text(_said("What is your goal?"))
    return GOAL


async def goal(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Keep the goal, ask for the product."""
    context.user_data["goal"] = update.message.text
    await update.message.reply_text(_said("What do you sell?"))
    return PRODUCT


async def product(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Keep the product, ask for the budget."""
    context.user_data["product"] = update.message.text
    await update.message.reply_text(_said("What is your budget?"))
    return BUDGET


async def budget(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Keep the budget and answer."""
    context.user_data["budget"] = update.message.text
    await update.message.reply_text(_said(f"Thank you: {context.user_data}"))
    return ConversationHandler.END


def bot(base: str, file: str) -> Application:
    """The bot; with a file, the one that remembers."""
    builder = Application.builder().token(os.environ["BENCH_TOKEN"]).updater(None).base_url(f"{base}/bot")
    if not file:
        application = builder.build()
        application.add_handler(MessageHandler(filters.TEXT, echo))
        return application
    application = builder.persistence(PicklePersistence(filepath=file)).build()
    text = filters.TEXT & ~filters.COMMAND
    states = {
        GOAL: [MessageHandler(text, goal)],
        PRODUCT: [MessageHandler(text, product)],
        BUDGET: [MessageHandler(text, budget)],
    }
    application.add_handler(
        ConversationHandler([MessageHandler(text, begin)], states, [], name="brief", persistent=True)
    )
    return application


async def main(port: int, base: str, file: str) -> None:
    """Serve until SIGTERM, then write what is kept."""
    application = bot(base, file)
    word = os.environ["BENCH_SECRET"]

    async def heard(request: web.Request) -> web.Response:
        if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != word:
            return web.Response(status=401)
        await application.update_queue.put(Update.de_json(json.loads(await request.read()), application.bot))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/telegram", heard)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with application:
        await application.start()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await stop.wait()
        await runner.cleanup()
        await application.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[4] if len(sys.argv) > 4 else ""))
