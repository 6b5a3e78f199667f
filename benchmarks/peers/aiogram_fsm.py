"""Peer: an aiogram bot that asks three questions by its state machine, kept in Redis.

As the library's webhook example: SimpleRequestHandler, which says 200 at once and works in the background. Without
the address of a Redis it keeps nothing and only echoes.
"""

from __future__ import annotations

import os
import sys

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

MOST_TEXT = 4096
SIZE = min(int(sys.argv[3]), MOST_TEXT)
router = Router()
echoing = Router()


class Brief(StatesGroup):
    """What is missing."""

    goal = State()
    product = State()
    budget = State()


def _said(text: str) -> str:
    return text.ljust(SIZE, ".")


@router.message(Brief.goal, F.text)
async def goal(message: Message, state: FSMContext) -> None:
    """Keep the goal, ask for the product."""
    await state.update_data(goal=message.text)
    await state.set_state(Brief.product)
    await message.answer(_said("What do you sell?"))


@router.message(Brief.product, F.text)
async def product(message: Message, state: FSMContext) -> None:
    """Keep the product, ask for the budget."""
    await state.update_data(product=message.text)
    await state.set_state(Brief.budget)
    await message.answer(_said("What is your budget?"))


@router.message(Brief.budget, F.text)
async def budget(message: Message, state: FSMContext) -> None:
    """Keep the budget and answer."""
    data = await state.update_data(budget=message.text)
    await state.clear()
    await message.answer(_said(f"Thank you: {data}"))


@router.message(F.text)
async def begin(message: Message, state: FSMContext) -> None:
    """Ask for the goal."""
    await state.set_state(Brief.goal)
    await message.answer(_said("What is your goal?"))


@echoing.message(F.text)
async def echo(message: Message) -> None:
    """Say it again."""
    await message.answer(_said(message.text or ""))


def application(base: str, redis: str) -> web.Application:
    """The bot, ready to be served."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(base))
    bot = Bot(os.environ["BENCH_TOKEN"], session=session)
    dispatcher = Dispatcher(storage=RedisStorage.from_url(redis)) if redis else Dispatcher(disable_fsm=True)
    dispatcher.include_router(router if redis else echoing)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=os.environ["BENCH_SECRET"]).register(app, path="/telegram")
    setup_application(app, dispatcher, bot=bot)
    return app


if __name__ == "__main__":
    web.run_app(application(sys.argv[2], sys.argv[4]), host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
