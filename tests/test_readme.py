"""The README: its conversation is what the program really says, and its commands exist."""

from __future__ import annotations

import re

from tests.readme import FILE, SAID, held, real
from tests.test_cli import run

TEXT = FILE.read_text(encoding="utf-8")
MAKEFILE = (FILE.parent / "Makefile").read_text(encoding="utf-8")


def test_conversation_is_replayed() -> None:
    assert held() == real(), "a wording changed: `make readme` writes the conversation anew"


def test_conversation_is_one() -> None:
    assert len(SAID) >= 3
    for said in SAID:
        assert f"> {said}" in held()


def test_named_commands_and_targets_exist() -> None:
    for command in re.findall(r"`kol-advisor (\w+)", TEXT):
        assert run(command, "--help").returncode == 0, command
    for target in re.findall(r"^\s+make (\w+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
