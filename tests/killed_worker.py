"""The worker of the kill loop: a store whose events come from, and whose replies go to, one loopback socket.

Lines of JSON: `{"event", "conversation"}` comes in, `{"done", "how"}` goes out when it is durable;
`{"send", "key", "conversation", "body", "tries"}` goes out, `{"sent", "outcome"}` comes in.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from zlib import crc32

from bot.delivery import Delivered, Outcome, Outgoing, Retry
from bot.memory import MemoryFault
from bot.store import Busy, Store


def work(state: str | None, payload: str) -> tuple[str | None, tuple[str, ...]]:
    """Chain the event to all before it: what is lost, doubled or out of order changes every link after it."""
    number, chain = json.loads(state) if state else (0, 0)
    number, chain = number + 1, crc32(payload.encode(), chain)
    return json.dumps([number, chain]), tuple(json.dumps([number, part, chain, payload]) for part in (1, 2))


async def serve(port: int, url: str, owner: str, lanes: int) -> None:
    """Work until the socket closes, or until somebody kills the process."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sends: dict[int, asyncio.Future[str]] = {}
    tasks: set[asyncio.Task[None]] = set()

    def tell(line: dict[str, Any]) -> None:
        writer.write(json.dumps(line).encode() + b"\n")

    async def send(outgoing: Outgoing) -> Outcome:
        number = len(sends)
        sends[number] = asyncio.get_running_loop().create_future()
        tell(
            {"send": number, "key": outgoing.key, "conversation": outgoing.conversation,
             "body": outgoing.body, "tries": outgoing.tries}
        )  # fmt: skip
        outcome = await sends[number]
        if outcome == "wait":
            return Retry(0.0, "429")
        return Retry(0.02, "500") if outcome == "error" else Delivered()

    store = Store(url, work, send, owner=owner, lanes=lanes, lease=3.0, tick=0.02)
    await store.start()
    tell({"ready": owner})

    async def answer(event: str, conversation: str) -> None:
        try:
            tell({"done": event, "how": await store.submit(event, conversation, event)})
        except (Busy, MemoryFault):
            tell({"done": event, "how": "again"})

    while line := await reader.readline():
        said = json.loads(line)
        if "sent" in said:
            sends[said["sent"]].set_result(said["outcome"])
        elif "stop" in said:
            break
        else:
            task = asyncio.create_task(answer(said["event"], said["conversation"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    await store.stop(10)
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
