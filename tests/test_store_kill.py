"""The kill loop: a worker under load is killed at random instants, and nothing is lost, doubled or out of order.

`kill_loop` is for longer runs as well. This process is the platform: it sends the next event of a conversation when
the one before is acknowledged, repeats what was not, and counts what it is sent. Half of the conversations are on a
platform that knows retry keys, as LINE does; on the other half a reply that was on its way at a kill comes twice.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.store_scene import empty_schema

ROOT = Path(__file__).parent.parent
# Seconds in which a worker must come to its end or its kill; reached only where something was lost.
PATIENCE = 60


@dataclass(slots=True)
class Tally:
    """What came of a run.

    `faults` must be empty. `repeated`: replies that came again under their key. `doubled`: those of them, by
    conversation, that a person on a platform without keys has seen twice.
    """

    kills: int = 0
    events: int = 0
    delivered: int = 0
    repeated: int = 0
    doubled: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    """One conversation as its platform sees it."""

    name: str
    sent: list[str] = field(default_factory=list)
    acknowledged: int = 0
    worker: str | None = None
    got: list[list[Any]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


class _Run:
    def __init__(self, url: str, kills: int, seed: int, conversations: int, replicas: int, lanes: int) -> None:
        self.url, self.kills, self.lanes = url, kills, lanes
        self.random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        names = [f"{'line' if n % 2 else 'telegram'}:{n}" for n in range(conversations)]
        self.lines = {name: _Line(name) for name in names}
        self.of_event: dict[str, _Line] = {}
        self.owners = [f"w{n}" for n in range(replicas)]
        self.writers: dict[str, asyncio.StreamWriter] = {}
        self.doomed: dict[str, int] = {}
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.tally = Tally()

    async def whole(self) -> Tally:
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            try:
                await asyncio.gather(*(self.live(owner, port) for owner in self.owners))
            finally:
                for process in self.processes.values():
                    if process.returncode is None:
                        process.kill()
                        await process.wait()
        self.judge()
        return self.tally

    @property
    def over(self) -> bool:
        return self.tally.kills >= self.kills

    async def live(self, owner: str, port: int) -> None:
        """Start a worker again and again until the killing is over; the last one ends by itself, all done."""
        while True:
            last = self.over
            # How many lines it may write before it is killed; the first are events taken up again.
            self.doomed[owner] = -1 if last else self.random.randrange(1, 400)
            arguments = ("-m", "tests.killed_worker", str(port), self.url, owner, str(self.lanes))
            process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
            self.processes[owner] = process
            try:
                code = await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                self.tally.faults.append(f"{owner} waited for something that never came")
                return
            self.writers.pop(owner, None)
            if code not in (0, -9):
                self.tally.faults.append(f"{owner} ended with {code}")
                return
            self.tally.kills += code == -9
            for line in self.lines.values():
                if line.worker == owner:
                    line.worker = None
            self.feed()
            if code == 0:
                return

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            owner = json.loads(await reader.readline())["ready"]
            self.writers[owner] = writer
            self.feed()
            while line := await reader.readline():
                if not line.endswith(b"\n"):
                    break  # cut off by the kill
                self.heard(owner, json.loads(line))
                self.doomed[owner] -= 1
                if self.doomed[owner] == 0:
                    # A little later, so that the kill may hit anything, not only what follows a line.
                    await asyncio.sleep(self.random.random() * 0.004)
                    self.processes[owner].kill()
        except (ConnectionError, json.JSONDecodeError, KeyError):
            pass  # killed while speaking
        finally:
            writer.close()

    def heard(self, owner: str, said: dict[str, Any]) -> None:
        if "done" in said:
            self.answered(self.of_event[said["done"]], said)
        else:
            self.say(owner, {"sent": said["send"], "outcome": self.delivery(self.lines[said["conversation"]], said)})
            self.finish()

    def answered(self, line: _Line, said: dict[str, Any]) -> None:
        if said["how"] == "again":
            line.worker = None
        elif said["done"] == line.sent[-1] and line.acknowledged < len(line.sent):
            line.acknowledged += 1
            line.worker = None
        self.feed()

    def delivery(self, line: _Line, said: dict[str, Any]) -> str:
        """What the platform answers to a reply, having taken it or not."""
        if self.random.random() < 0.03:
            return self.random.choice(["wait", "error"])
        known = line.keys.setdefault(said["key"], said["body"])
        if known != said["body"]:
            self.tally.faults.append(f"{line.name}: another body under one key")
        if line.got and json.loads(said["body"]) == line.got[-1]:
            self.tally.repeated += 1
            self.tally.doubled[line.name] += line.name.startswith("telegram")
            return "delivered"
        line.got.append(json.loads(said["body"]))
        # Taken, but the worker hears of a failure: it must come again under its key. Only where there are keys.
        return "error" if line.name.startswith("line") and self.random.random() < 0.02 else "delivered"

    def say(self, owner: str, line: dict[str, Any]) -> None:
        writer = self.writers.get(owner)
        if writer is not None and not writer.is_closing():
            writer.write(json.dumps(line).encode() + b"\n")

    def feed(self) -> None:
        """Give every conversation that waits for nothing its next event, or the one it did not get through."""
        for line in self.lines.values():
            if line.worker is not None or not self.writers:
                continue
            if line.acknowledged == len(line.sent):
                if self.over:
                    continue
                event = f"{line.name}/{len(line.sent)}"
                line.sent.append(event)
                self.of_event[event] = line
                self.tally.events += 1
            line.worker = self.random.choice(sorted(self.writers))
            told = {"event": line.sent[-1], "conversation": line.name}
            for _ in range(2 if self.random.random() < 0.05 else 1):
                self.say(line.worker, told)
        self.finish()

    def finish(self) -> None:
        """Let the workers go when all is said and answered."""
        if self.over and all(len(line.got) >= 2 * len(line.sent) for line in self.lines.values()):
            if any(line.acknowledged < len(line.sent) for line in self.lines.values()):
                return
            for owner in self.owners:
                self.doomed[owner] = -1
                self.say(owner, {"stop": True})

    def judge(self) -> None:
        for line in self.lines.values():
            chain, wanted = 0, []
            for number, event in enumerate(line.sent, 1):
                chain = crc32(event.encode(), chain)
                wanted += [[number, part, chain, event] for part in (1, 2)]
            self.tally.delivered += len(line.got)
            if line.got != wanted:
                where = next((n for n, (a, b) in enumerate(zip(line.got, wanted, strict=False)) if a != b), "the end")
                self.tally.faults.append(f"{line.name}: {len(line.got)} of {len(wanted)} replies, wrong from {where}")


async def kill_loop(
    url: str, *, kills: int, seed: int = 1, conversations: int = 24, replicas: int = 1, lanes: int = 1
) -> Tally:
    """Kill workers `kills` times or a few more; returns what came of it. More than one replica: PostgreSQL only."""
    return await _Run(url, kills, seed, conversations, replicas, lanes).whole()


def check(tally: Tally, kills: int) -> None:
    """What must hold after any run."""
    assert tally.faults == []
    assert tally.kills >= kills
    assert tally.delivered == 2 * tally.events
    # No idempotency key: one reply of a conversation may come twice at each kill.
    assert all(count <= tally.kills for count in tally.doubled.values())


def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    tally = asyncio.run(asyncio.wait_for(kill_loop(f"sqlite:///{tmp_path / 'kept.db'}", kills=15), 300))
    check(tally, 15)
    assert tally.events > 100


def test_nothing_is_lost_or_doubled_among_replicas() -> None:
    with empty_schema() as url:
        tally = asyncio.run(asyncio.wait_for(kill_loop(url, kills=15, replicas=2, lanes=2), 300))
    check(tally, 15)
