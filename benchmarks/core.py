"""How long the core takes: a whole turn, and loading the knowledge, against peers in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from bot.conversation import Conversation
from bot.message import Message
from bot.render import render
from bot.step import take
from bot.understand import understand
from knowledge.load import ROOT, load

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENTENCES = Path(__file__).parent.parent / "tests" / "sentences"


def median_us(work: Callable[[], object], runs: int) -> float:
    """Median microseconds of one call."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1e6)
    return statistics.median(took)


def main() -> None:
    """Print the figures; the peer of a turn is json over the same answer, of loading PyYAML's own C loader."""
    knowledge = load()
    texts = [case["say"] for path in sorted(SENTENCES.glob("*.yaml")) for case in yaml.safe_load(path.read_text())]

    def turn(text: str) -> object:
        done = take(Conversation(), Message("1", "x:1", text, NOON), knowledge)
        return [render(reply, done.language, knowledge) for reply in done.replies]

    for text in texts:
        turn(text)
    hearing = [median_us(lambda text=text: understand(text, knowledge), 5) for text in texts]  # type: ignore[misc]
    whole = [median_us(lambda text=text: turn(text), 5) for text in texts]  # type: ignore[misc]
    advice = "保養品新品,預算30萬,想衝業績,該找誰?"
    answer = median_us(lambda: turn(advice), 300)
    told = json.dumps([bubble.text for bubble in turn(advice)] * 10)  # type: ignore[attr-defined]
    peer = median_us(lambda: json.loads(told), 300)
    print(f"understand, {len(texts)} sentences: median {statistics.median(hearing):.0f} us, p99 {_p99(hearing):.0f} us")
    print(f"whole turn, {len(texts)} sentences: median {statistics.median(whole):.0f} us, p99 {_p99(whole):.0f} us")
    ratio = f"{answer / peer:.1f} x json.loads of ten such answers ({peer:.0f} us)"
    print(f"turn with the whole answer: {answer:.0f} us, {ratio}")
    loading = median_us(load, 3)
    files = [path.read_bytes() for path in ROOT.rglob("*.yaml")]
    parsing = median_us(lambda: [yaml.load(file, yaml.CSafeLoader) for file in files], 3)
    size = sum(map(len, files)) / 1e6
    ratio = f"{loading / parsing:.2f} x PyYAML's C loader alone ({parsing / 1e6:.2f} s)"
    print(f"loading {size:.2f} MB: {loading / 1e6:.2f} s, {ratio}")
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "handlers", "ask", advice], check=True, capture_output=True)
    print(f"cold `ask`, a process of its own: {time.perf_counter() - start:.2f} s")


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    main()
