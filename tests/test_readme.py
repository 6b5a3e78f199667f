"""The README: its conversation is what the program really says, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_cli import run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
MAKEFILE = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")


def _conversation() -> str:
    found = re.search(r"<!-- conversation -->\n```\n(.*?)```\n<!-- /conversation -->", README, re.DOTALL)
    assert found
    return found[1]


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_conversation_is_replayed(tmp_path: Path) -> None:
    shown = _conversation()
    said = re.findall(r"^> (.*)$", shown, re.MULTILINE)
    assert len(said) >= 3
    done = run("chat", "--on", "2026-11-22", "--language", "zh-Hant", stdin="\n".join(said) + "\n", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert _tidy(done.stdout) == _tidy(shown)


def test_named_commands_and_targets_exist() -> None:
    for command in re.findall(r"`kol-advisor (\w+)", README):
        assert run(command, "--help").returncode == 0, command
    for target in re.findall(r"^\s+make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
