"""Memory and speed by how many conversations are stored: ours in SQLite, and a bot that keeps them in a pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contenders import Contender, adviser, peer
from benchmarks.measure import WARM_UP, Field, Tell, started
from benchmarks.process import Absent, memory_bytes
from benchmarks.stored import fill, fill_ptb, states, talkers
from benchmarks.talk import Replies
from knowledge.knowledge import Knowledge

SIZES = (1_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Stored:
    """A contender with so many stored conversations. `at_start` is before anybody spoke; sizes in MB."""

    name: str
    conversations: int
    at_start: float
    after_load: float
    file: float
    rate: float
    cpu_ms: float
    write_out_seconds: float | None = None

    def raw(self) -> dict[str, object]:
        """All figures, for other programs."""
        return asdict(self)


async def by_size(
    field: Field, knowledge: Knowledge, replies: dict[str, Replies], folder: Path, double: int, on: set[int],
    sizes: Sequence[int], turns: int, tell: Tell,
) -> list[Stored]:  # fmt: skip
    """Every size with the adviser on SQLite, then with python-telegram-bot's pickle."""
    found = []
    kept = states(knowledge)
    for people in sizes:
        file = folder / f"stored-{people}.db"
        url = f"sqlite:///{file}"
        tell(f"filling SQLite with {people:,} conversations")
        fill(url, people, kept)
        found.append(await _measure(field, adviser("line", url, double, on), people, file, turns, None))
        tell(f"{people:,}: {found[-1].after_load:.0f} MB, {found[-1].rate:.0f} turns/s")
        file.unlink()
    for people in sizes:
        file = folder / f"stored-{people}.pickle"
        tell(f"filling a pickle with {people:,} conversations")
        try:
            seconds = fill_ptb(file, people)
            size = replies["telegram"].mean_bytes
            bot = peer(
                "ptb conversation", "ptb_conversation.py", "telegram", double, size, on, own=False, more=str(file)
            )
            bot.kill = True
            found.append(await _measure(field, bot, people, file, turns // 4, seconds))
        except Absent as why:
            tell(f"ptb conversation with {people:,}: absent ({why})")
            break
        tell(f"{people:,}: {found[-1].after_load:.0f} MB, {found[-1].rate:.0f} turns/s")
        file.unlink()
    return found


async def _measure(
    field: Field, contender: Contender, people: int, file: Path, turns: int, seconds: float | None
) -> Stored:
    """The figures of one size; the contender's storage is filled already. Raises `Absent`."""
    async with started([contender]):
        at_start = memory_bytes([contender.server.pid]) / 1e6
        driver = field.driver([contender], talkers(people))
        await driver.closed(min(turns, WARM_UP))
        load, spent, _ = await field.spending(driver, [contender], turns)
        after = memory_bytes([contender.server.pid]) / 1e6
        driver.close()
    if not load.turns:
        raise Absent(f"no turn ended: {load.faults}")
    size = file.stat().st_size / 1e6
    return Stored(contender.name, people, at_start, after, size, load.rate, spent / load.turns * 1000, seconds)
