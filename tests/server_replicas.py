"""The replicas of the kill loop: servers that are killed, and started again, at moments drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom

from tests.line_double import TOKEN as LINE_TOKEN
from tests.line_posts import SECRET
from tests.postgres import Server
from tests.server_people import WORD
from tests.server_process import Process
from tests.telegram_double import TOKEN as TELEGRAM_TOKEN

LOOK_SECONDS = 0.01
STOP_SECONDS = 30.0  # a bound against hanging
# Below the ports that systems give to outgoing connections, so that a restart finds its own free again.
PORTS = range(15_000, 32_000)
# Told to stop: all finished, or still starting, when SIGTERM ends a process by itself.
_WELL = (0, -signal.SIGTERM)
_SHOWN = 1_500


class Replicas:
    """`count` servers over one database.

    `step` counts; when the number drawn is reached, one of the servers (or the database itself) is killed a moment
    later, in the middle of whatever it does then.
    """

    def __init__(
        self,
        folder: Path,
        random: Random,
        url: str,
        *,
        count: int,
        database: Server | None,
        kills: int,
        database_kills: int,
        steps: int,
        cold: float,
    ) -> None:
        """`steps`: the most between two kills. `cold`: the share of starts that begin with the interpreter."""
        self._folder, self._random, self._url, self._database = folder, random, url, database
        self._wanted, self._database_wanted, self._steps, self._cold = kills, database_kills, steps, cold
        self._names = [f"r{number}" for number in range(count)]
        self._ports = {name: _free_port() for name in self._names}
        self._up: set[str] = set()
        self._lives: Counter[str] = Counter()
        self._running: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = self._random.randrange(1, self._steps)
        self._down = False
        self.kills = self.database_kills = self.refused_starts = 0
        self.stopping = False
        self.faults: list[str] = []

    @property
    def addresses(self) -> list[str]:
        """Where the servers are that have listened; whoever was just killed refuses the connection."""
        return [f"http://127.0.0.1:{self._ports[name]}" for name in self._names if name in self._up]

    def life(self, name: str) -> int:
        """A number that changes with every death and every start of a replica; without a name, of any."""
        return self._lives[name] if name else self._lives.total()

    @property
    def over(self) -> bool:
        """Whether enough has been killed."""
        return self.kills >= self._wanted and self.database_kills >= self._database_wanted

    def step(self) -> None:
        """Something happened: a call came or was answered."""
        self._left -= 1
        if self._left == 0 and not self.over and not self.stopping:
            task = asyncio.get_running_loop().create_task(self._strike())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _strike(self) -> None:
        # A moment later, so that it hits anything, not only what follows a call.
        await asyncio.sleep(self._random.random() * 0.03)
        database_due = self._database_wanted * self.kills >= self._wanted * (self.database_kills + 1)
        if self._database is not None and (database_due or self.kills >= self._wanted):
            await self._strike_database(self._database)
        elif self._running:
            name = self._random.choice(sorted(self._running))
            self._kill(self._running.pop(name), signal.SIGKILL)
            self._lives[name] += 1
            self.kills += 1
        self._left = self._random.randrange(1, self._steps)

    async def _strike_database(self, database: Server) -> None:
        self._down = True
        self.database_kills += 1
        if self._random.random() < 0.5:
            await asyncio.to_thread(database.kill_one)
        else:
            await asyncio.to_thread(database.kill)
            await asyncio.sleep(self._random.random())
        await asyncio.to_thread(database.start)
        self._down = False

    async def live(self, line: str, telegram: str, mode: str) -> None:
        """Keep every server running until they are told to stop, which they must do well."""
        try:
            await asyncio.gather(*(self._live(name, line, telegram, mode) for name in self._names))
        finally:
            for process in self._running.values():
                self._kill(process, signal.SIGKILL)

    async def stop(self) -> None:
        """Let everybody finish."""
        self.stopping = True
        await asyncio.gather(*self._tasks)
        for process in self._running.values():
            self._kill(process, signal.SIGTERM)

    async def _live(self, name: str, line: str, telegram: str, mode: str) -> None:
        config = self._folder / f"{name}.toml"
        first = self._cold > 0 and name == self._names[0]
        while not self.stopping:
            config.write_text(self._settings(name, line, telegram, mode), encoding="utf-8")
            epoch, down = self.database_kills, self._down
            cold, first = first or self._random.random() < self._cold, False
            self._lives[name] += 1
            process = self._running[name] = Process(config, self.log, cold)
            asked: float | None = None
            loop = asyncio.get_running_loop()
            while process.code is None:
                await asyncio.sleep(LOOK_SECONDS)
                if name not in self._up and await self._listens(name):
                    self._up.add(name)
                if self.stopping:
                    asked = asked or loop.time()
                    if loop.time() > asked + STOP_SECONDS:
                        self.faults.append(f"{name} does not stop")
                        return
            self._up.discard(name)
            if self._running.get(name) is process:
                del self._running[name]
                if process.code == 1 and (down or self._down or epoch != self.database_kills):
                    self.refused_starts += 1  # the database was away while it started; an operator's system tries again
                elif not self.stopping or process.code not in _WELL:
                    said = self.log.read_text(encoding="utf-8")[-_SHOWN:]
                    self.faults.append(f"{name} ended with {process.code}, having said: {said}")
                    return

    async def _listens(self, name: str) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._ports[name])
        except OSError:
            return False
        writer.close()
        return True

    def _settings(self, name: str, line: str, telegram: str, mode: str) -> str:
        return (
            f'[line]\nchannel_secret = "{SECRET}"\nchannel_access_token = "{LINE_TOKEN}"\napi_base = "{line}"\n'
            f'[telegram]\ntoken = "{TELEGRAM_TOKEN}"\nbase_url = "{telegram}/{name}"\nmode = "{mode}"\n'
            f'secret_token = "{WORD}"\n'
            f'[server]\nport = {self._ports[name]}\nadmin_port = 0\npublic_url = "https://bot.invalid"\n'
            f'[memory]\nurl = "{self._url}"\n'
        )

    @property
    def log(self) -> Path:
        """What the servers wrote."""
        return self._folder / "log"

    @staticmethod
    def _kill(process: Process, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.number, how)


def _free_port() -> int:
    """By chance proper, not by the seed: runs side by side must not meet."""
    while True:
        port = SystemRandom().choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
