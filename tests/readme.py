"""The README's conversation: how it is run, and how it is written anew (`make readme`)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FILE = Path(__file__).parent.parent / "README.md"
PATTERN = re.compile(r"(<!-- conversation -->\n```\n)(.*?)(```\n<!-- /conversation -->)", re.DOTALL)
SAID = ("保養品新品,預算30萬,想衝業績,該找誰?", "再加10萬", "改成越南市場,想建立信任")


def held() -> str:
    """The conversation as the README shows it."""
    found = PATTERN.search(FILE.read_text(encoding="utf-8"))
    if found is None:
        raise LookupError("README.md has no conversation between its marks")
    return found[2]


def real() -> str:
    """The same messages said to the real program, its output no terminal."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "handlers", "chat", "--on", "2026-11-22", "--language", "zh-Hant"],
            input="\n".join(SAID).encode() + b"\n",
            env={**os.environ, "HOME": home, "XDG_STATE_HOME": home, "KOL_ADVISOR_CONFIG": ""},
            cwd=FILE.parent,
            capture_output=True,
            check=True,
        )
    return "\n".join(line.rstrip() for line in done.stdout.decode("utf-8").strip().splitlines()) + "\n"


def main() -> None:
    """Write what the program says now into the README."""
    text = PATTERN.sub(lambda found: found[1] + real() + found[3], FILE.read_text(encoding="utf-8"))
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
