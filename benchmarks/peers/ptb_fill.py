"""Write the file of `ptb_conversation.py` as if so many people were in the midst of a talk; print how long it took.

`python ptb_fill.py FILE PEOPLE FIRST`: the file, how many, the number of the first chat. Prints the seconds of one
write-out, which the library does for every changed chat, once a minute, in the event loop.
"""

from __future__ import annotations

import asyncio
import sys
import time

from telegram.ext import ExtBot, PicklePersistence

SAID = ("打開知名度", "保養品新品,預算30萬,想衝業績,該找誰?")


async def main(file: str, people: int, first: int) -> None:
    """Fill and write."""
    kept = PicklePersistence(filepath=file, on_flush=True)
    kept.set_bot(ExtBot("4242:benchmark"))
    kept.user_data, kept.conversations = {}, {"brief": {}}
    for person in range(first, first + people):
        state = person % 3
        # Everybody's words are their own, as in life: equal strings would be written, and held, once.
        said = {"goal": f"{SAID[0]} {person}", "product": f"{SAID[1]} {person}"}
        kept.user_data[person] = dict(list(said.items())[:state])
        kept.conversations["brief"][(person, person)] = state
    kept.chat_data, kept.bot_data, kept.callback_data = {}, {}, None
    began = time.perf_counter()
    await kept.flush()
    print(f"{time.perf_counter() - began:.3f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
