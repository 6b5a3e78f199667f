"""Peer: the LINE SDK's aiohttp echo bot as its examples show it; keeps nothing.

Answers inside the webhook request, as the example does. Says as many bytes as the adviser's mean answer, because an
echo of ten would be another task.
"""

from __future__ import annotations

import os
import sys

from aiohttp import web
from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import AsyncApiClient, AsyncMessagingApi, Configuration, ReplyMessageRequest, TextMessage
from linebot.v3.webhooks import MessageEvent, TextMessageContent

MOST_TEXT = 5000


class Handler:
    """What the SDK's example calls it."""

    def __init__(self, api: AsyncMessagingApi, parser: WebhookParser, size: int) -> None:
        self.api, self.parser, self.size = api, parser, size

    async def echo(self, request: web.Request) -> web.Response:
        """Answer every text."""
        signature = request.headers["X-Line-Signature"]
        body = await request.text()
        try:
            events = self.parser.parse(body, signature)
        except InvalidSignatureError:
            return web.Response(status=400, text="Invalid signature")
        for event in events:
            if not isinstance(event, MessageEvent) or not isinstance(event.message, TextMessageContent):
                continue
            text = event.message.text.ljust(min(self.size, MOST_TEXT), ".")
            await self.api.reply_message(
                ReplyMessageRequest(replyToken=event.reply_token, messages=[TextMessage(text=text)])
            )
        return web.Response(text="OK\n")


async def application(base: str, size: int) -> web.Application:
    """The bot, ready to be served."""
    api = AsyncApiClient(Configuration(host=base, access_token=os.environ["BENCH_TOKEN"]))
    handler = Handler(AsyncMessagingApi(api), WebhookParser(os.environ["BENCH_SECRET"]), size)
    app = web.Application()
    app.add_routes([web.post("/line", handler.echo)])
    return app


if __name__ == "__main__":
    port, base, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    web.run_app(application(base, size), host="127.0.0.1", port=port, access_log=None)
