"""`python -m benchmarks`: the adviser beside small bots on the libraries people use, against the same doubles."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.ceiling import ceiling
from benchmarks.contenders import field_of
from benchmarks.doubles import Doubles
from benchmarks.measure import Field, Plan
from benchmarks.memory import SIZES, by_size
from benchmarks.process import Absent, cores, pin
from benchmarks.replicas import all_cores, by_count
from benchmarks.talk import replies_of
from benchmarks.wire import listen
from knowledge.load import shipped

PARTS = ("peers", "memory", "replicas")
MOST_TURNS = 5000


def tell(text: str) -> None:
    """Progress, beside the results."""
    print(f"  {text}", file=sys.stderr, flush=True)


def show(title: str, *texts: str) -> None:
    """A result."""
    print("\n".join(["", title, "", *texts]), flush=True)


async def run(told: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Measure the parts asked for, print each as it is done; returns the raw figures."""
    doubles = Doubles()
    server, port = await listen(doubles.answer)
    everywhere = all_cores()
    here, there = cores()
    pin(os.getpid(), here)
    knowledge = shipped()
    replies = replies_of(knowledge)
    gc.collect()
    gc.freeze()  # the driver's own pauses would be in everybody's p99
    raw: dict[str, object] = {"machine": machine(everywhere, here, there)}
    print(raw["machine"])
    line = replies["line"]
    top = await ceiling(doubles, port, line.mean_bytes, 8000)
    raw["ceiling_turns_per_second"] = top
    print(f"driver and doubles alone: {top:.0f} turns/s. A peer's reply: LINE {line.mean_bytes} bytes, Telegram "
          f"{min(replies['telegram'].mean_bytes, 4096)}, as the adviser's on average.")  # fmt: skip
    async with AsyncExitStack() as stack:
        field = Field(doubles, replies, [])
        if "peers" in told.parts:
            contenders, absent = field_of(stack, folder, port, replies, there, tuple(told.only))
            field = Field(doubles, replies, contenders)
            await field.rounds(Plan(told.rounds, MOST_TURNS, told.seconds), tell)
            raw["peers"] = [each.raw() for each in field.all]
            show(
                "Against peers", report.guarantees(field.all), "", report.speed(field.all), "", report.ratios(field.all)
            )
            for name, why in (absent | field.absent).items():
                print(f"absent: {name}: {why}")
    if "memory" in told.parts:
        sizes = SIZES[: told.sizes]
        stored = await by_size(field, knowledge, replies, folder, port, there, sizes, int(told.seconds * 500), tell)
        raw["memory"] = [each.raw() for each in stored]
        show("By stored conversations", report.sizes(stored))
    if "replicas" in told.parts:
        # With two cores driver, replicas and database cannot be apart: all share them.
        open_to = everywhere if len(everywhere) < 4 else everywhere - here
        try:
            found = await by_count(field, port, open_to, max(2, told.rounds - 2), int(told.seconds * 500), tell)
            raw["replicas"] = {str(count): figures for count, figures in found.items()}
            note = (
                f"Replicas and database on {len(open_to)} core(s){', the driver on one of them' * (here <= open_to)}."
            )
            show("Replicas", report.replicas(found), "", note)
        except Absent as why:
            print(f"absent: replicas: {why}")
    server.close()
    return raw


def machine(everywhere: set[int], here: set[int], there: set[int]) -> str:
    """What it was measured on."""
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    kept = f"driver and doubles on core {min(here)}, server and database on core {min(there)}" if here else "not pinned"
    on = f"{platform.system()} {platform.machine()}, {len(everywhere) or os.cpu_count()} core(s){load}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {on}, Python {platform.python_version()}; {kept}"


def main() -> None:
    """Read what is asked, measure."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a look in two minutes: 2 rounds of 1.5 s, two sizes")
    asked.add_argument("--rounds", type=int, default=5, help="visits to every contender")
    asked.add_argument("--seconds", type=float, default=2.5, help="of full load, and of half load, in each visit")
    asked.add_argument("--sizes", type=int, default=len(SIZES), help=f"how many of {SIZES} stored conversations")
    asked.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    asked.add_argument("--only", nargs="+", default=[], help="contenders whose name has this in it")
    asked.add_argument("--json", type=Path, help="write the raw figures to this file")
    told = asked.parse_args()
    if told.quick:
        told.rounds, told.seconds, told.sizes = 2, 1.5, min(told.sizes, 2)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kol-bench-") as folder:
        raw = asyncio.run(run(told, Path(folder)))
    print(f"\nmeasured in {(time.monotonic() - began) / 60:.1f} minutes")
    if told.json:
        told.json.write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
