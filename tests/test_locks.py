"""The locks: everything has its hash, nothing an address, and what is in two of them is the same."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.deployed import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-postgres.lock")
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^ ]+)", re.MULTILINE)


def _pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text(encoding="utf-8")))


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_a_hash_of_everything_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert PIN.match(entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert "://" not in text


def test_locks_agree() -> None:
    """Whatever is installed from two of them is the same; the image lacks nothing that the program needs."""
    all_of_them = [_pins(lock) for lock in LOCKS]
    for pins in all_of_them:
        for name, version in pins.items():
            assert {others.get(name, version) for others in all_of_them} == {version}, name
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgres"]]
    names = {re.split(r"[\[<>=]", one)[0].lower() for one in needed}
    assert names <= set(_pins("requirements-postgres.lock"))
