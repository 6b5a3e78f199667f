"""What was measured, as tables in plain text: paste them as they are."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from benchmarks.contenders import ADVISER, GUARANTEES
from benchmarks.measure import Measured
from benchmarks.memory import Stored

STATELESS = ("line echo", "aiogram echo", "ptb echo")
STATEFUL = ("ptb conversation", "aiogram redis")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first to the left, the others to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(cell_len(line[n]) for line in lines) for n in range(len(head))]
    shown = []
    for line in lines:
        cells = [line[0] + " " * (widths[0] - cell_len(line[0]))]
        cells += [" " * (width - cell_len(cell)) + cell for cell, width in zip(line[1:], widths[1:], strict=True)]
        shown.append("  ".join(cells).rstrip())
    return "\n".join([shown[0], "-" * max(map(len, shown)), *shown[1:]])


def guarantees(all: Sequence[Measured]) -> str:
    """What each contender promises for its speed."""
    kinds = dict.fromkeys(each.contender.kind for each in all)
    width = max(map(len, kinds), default=0)
    return "\n".join(f"{kind.ljust(width)}  {GUARANTEES[kind]}" for kind in kinds)


def speed(all: Sequence[Measured]) -> str:
    """Turns a second, processor time and latency; medians of the rounds, with the spread of the rates."""
    head = ["full turn: signed webhook to last reply", "turns/s", "least-most", "CPU ms/turn", "calls/turn"]
    head += ["half load/s", "p50 ms", "p99 ms", "MB", "faults"]
    return table(head, (_speed(each) for each in all if each.rates))


def _speed(each: Measured) -> list[str]:
    middle = statistics.median
    return [
        each.contender.name,
        f"{each.rate:.0f}",
        f"{min(each.rates):.0f}-{max(each.rates):.0f}",
        f"{each.cpu:.2f}",
        f"{middle(each.calls):.1f}",
        f"{middle(each.half_rates):.0f}",
        f"{middle(each.p50_ms):.0f}",
        f"{middle(each.p99_ms):.0f}",
        f"{middle(each.memory_mb):.0f}",
        str(sum(each.faults.values())),
    ]


def ratios(all: Sequence[Measured]) -> str:
    """The adviser over each peer, round by round, so that a busy moment is in both: turns a second, and by CPU."""
    ours = [each for each in all if each.contender.kind == ADVISER and each.rates]
    peers = [each for each in all if each.contender.kind != ADVISER and each.rates]
    rows = []
    for peer in peers:
        kind = peer.contender.kind
        aim = "> 1 (stateful)" if kind in STATEFUL else ">= 0.7 (stateless)" if kind in STATELESS else ""
        rows.append([f"over {kind}", aim, *(_ratio(one, peer) for one in ours)])
    return table(["turns/s: median of the rounds' ratios [by CPU]", "aim", *(one.contender.name for one in ours)], rows)


def _ratio(one: Measured, other: Measured) -> str:
    rates = statistics.median(a / b for a, b in zip(one.rates, other.rates, strict=False))
    spent = statistics.median(b / a for a, b in zip(one.cpu_ms, other.cpu_ms, strict=False) if a)
    return f"{rates:.2f} [{spent:.2f}]"


def sizes(all: Sequence[Stored]) -> str:
    """Memory and speed by how many conversations are stored."""
    head = ["stored conversations", "how many", "MB at start", "MB after load", "file MB", "turns/s", "CPU ms/turn"]
    head += ["s to write all"]
    return table(head, map(_size, all))


def _size(one: Stored) -> list[str]:
    return [
        one.name,
        f"{one.conversations:,}",
        f"{one.at_start:.0f}",
        f"{one.after_load:.0f}",
        f"{one.file:.0f}",
        f"{one.rate:.0f}",
        f"{one.cpu_ms:.2f}",
        "-" if one.write_out_seconds is None else f"{one.write_out_seconds:.2f}",
    ]


def replicas(found: dict[int, list[tuple[float, float]]]) -> str:
    """Replicas on one PostgreSQL: (turns/s, CPU ms a turn with the database) by how many."""
    alone = statistics.median(rate for rate, _ in found[min(found)])
    rows = []
    for count, rounds in found.items():
        rates = [rate for rate, _ in rounds]
        cpu = statistics.median(spent for _, spent in rounds)
        middle = statistics.median(rates)
        spread = f"{min(rates):.0f}-{max(rates):.0f}"
        rows.append([f"{count} on PostgreSQL", f"{middle:.0f}", spread, f"{cpu:.2f}", f"{middle / alone:.2f}"])
    return table(["replicas", "turns/s", "least-most", "CPU ms/turn", "over one"], rows)
