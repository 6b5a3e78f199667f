"""Where a turn's time goes: our server under cProfile in all its threads, for a number of turns.

`python -m benchmarks.profile` drives it and prints the functions by own time. cProfile makes small functions look
dearer than they are: trust the order, not the sum.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import adviser
from benchmarks.doubles import Doubles
from benchmarks.load import Driver, Load
from benchmarks.process import cores, pin
from benchmarks.talk import Person, Talk, replies_of
from benchmarks.wire import listen
from knowledge.load import shipped

PEOPLE = 2000
WARM_UP = 300
# Calls that wait for something to do; they are left out.
_WAITING = ("of '_queue.SimpleQueue'", "of 'select.epoll'", "method 'acquire' of '_thread.lock'")


def serve(out: str) -> None:
    """Run the server; every thread has a profile of its own, joined into the file `out` at the end.

    SIGUSR1 begins them anew, so that starting is not counted.
    """
    from benchmarks.unpaced import lift
    from handlers.cli import run

    found: list[cProfile.Profile] = []
    thread_run: Callable[[threading.Thread], None] = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        found.append(cProfile.Profile())
        found[-1].runcall(thread_run, thread)

    def anew(*_: object) -> None:
        for each in found:
            each.clear()

    signal.signal(signal.SIGUSR1, anew)
    threading.Thread.run = profiled  # type: ignore[method-assign]
    lift()
    sys.argv = ["kol-advisor", "serve"]
    found.append(cProfile.Profile())
    try:
        found[0].runcall(run)
    finally:
        stats = pstats.Stats(found[0])
        for other in found[1:]:
            stats.add(other)
        stats.dump_stats(out)


async def drive(platform: str, turns: int, url: str, out: str) -> Load:
    """Start the server under the profiler, let people talk, stop it."""
    replies = replies_of(shipped())
    doubles = Doubles()
    server, port = await listen(doubles.answer)
    here, there = cores()
    pin(os.getpid(), here)
    contender = adviser(platform, url, port, there, ("benchmarks.profile", "--serve", out))
    await contender.server.start()
    people = [Person(number) for number in range(PEOPLE)]
    driver = Driver(Talk(platform, contender.path, replies[platform].calls), doubles, [contender.server.port], people)
    await driver.closed(WARM_UP)
    os.kill(contender.server.pid, signal.SIGUSR1)
    load = await driver.closed(turns)
    driver.close()
    await contender.server.stop()
    server.close()
    return load


def main() -> None:
    """Profile and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--platform", choices=("line", "telegram"), default="line")
    asked.add_argument("--turns", type=int, default=3000)
    asked.add_argument("--top", type=int, default=25)
    asked.add_argument("--by", choices=("tottime", "cumtime"), default="tottime", help="own time, or with all called")
    asked.add_argument("--memory", help="a database address; left out, a SQLite file")
    asked.add_argument("--serve", help=argparse.SUPPRESS)
    told = asked.parse_args()
    if told.serve:
        serve(told.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "profile")
        url = told.memory or f"sqlite:///{folder}/profile.db"
        load = asyncio.run(drive(told.platform, told.turns, url, out))
        faults = load.faults or "none"
        print(f"{told.platform}: {load.turns} turns, {load.rate:.0f}/s under the profiler, faults: {faults}")
        show(out, load.turns, told.by, told.top)


def show(out: str, turns: int, by: str, top: int) -> None:
    """Print the dearest functions, in microseconds a turn."""
    rows = []
    for (file, line, name), (_, calls, own, whole, _) in pstats.Stats(out).stats.items():  # type: ignore[attr-defined]
        if not any(waiting in name for waiting in _WAITING):
            place = name if file == "~" else f"{Path(*Path(file).parts[-2:])}:{line} {name}"
            rows.append((own, whole, calls, place))
    total = sum(own for own, *_ in rows)
    print(f"{total / turns * 1e6:.0f} us a turn in all, of these:")
    print("  own us  with called us  calls")
    for own, whole, calls, place in sorted(rows, key=lambda row: row[by == "cumtime"], reverse=True)[:top]:
        print(f"{own / turns * 1e6:8.1f} {whole / turns * 1e6:15.1f} {calls / turns:6.1f}  {place}")


if __name__ == "__main__":
    main()
