"""The server in a process of its own whose files may only grow so far; the test says how far, on standard input.

The kernel refuses to write beyond the limit (EFBIG), to root as to anybody, in the middle of a file as a disk that is
full does. Reads settings as JSON from the first line, then a number of bytes a line (empty: no limit); answers "ok".
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys

from handlers.serving import running
from handlers.settings import Settings
from knowledge.load import shipped


def say(text: str) -> None:
    """Answer the test."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main() -> None:
    logging.basicConfig(level=logging.INFO)
    given = json.loads(sys.stdin.readline())
    async with running(Settings(**given["settings"]), shipped(), given["url"]) as now:
        say(json.dumps([now.address, now.admin]))
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        while line := await asyncio.to_thread(sys.stdin.readline):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(line) if line.strip() else hard, hard))
            say("ok")


if __name__ == "__main__":
    asyncio.run(main())
