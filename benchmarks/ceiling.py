"""What the measuring itself can do: driver and doubles with no server between them, all on the driver's one core.

A contender that comes near this figure is not measured by it any more.
"""

from __future__ import annotations

from benchmarks.doubles import Doubles
from benchmarks.load import Driver
from benchmarks.talk import Person, Talk
from benchmarks.wire import Connections, request

PEOPLE = 200


class _Straight(Driver):
    """Says the reply itself, as a server would, right after the webhook."""

    def __init__(self, talk: Talk, doubles: Doubles, port: int, people: list[Person], size: int) -> None:
        super().__init__(talk, doubles, [port], people)
        self._own, self._text = Connections(port), b"." * size

    async def _post(self, raw: bytes, name: str) -> int:
        status = await super()._post(raw, name)
        body = b'{"replyToken":"%s.1","messages":[{"type":"text","text":"%s"}]}' % (name.encode(), self._text)
        await self._own.post(request("/v2/bot/message/reply", {}, body))
        return status

    def close(self) -> None:
        super().close()
        self._own.close()


async def ceiling(doubles: Doubles, port: int, size: int, turns: int) -> float:
    """Turns a second: each a signed webhook and a reply of `size` bytes, both answered by the doubles."""
    straight = _Straight(Talk("line", "/webhook", None), doubles, port, [Person(n) for n in range(PEOPLE)], size)
    await straight.closed(turns // 5)
    load = await straight.closed(turns)
    straight.close()
    return load.rate
