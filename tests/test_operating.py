"""The operator's guide: what it names exists, and the backup it shows keeps everything while the server works."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from bot.store import Store
from handlers.cli import app
from handlers.metrics import Metrics
from handlers.settings import Settings
from knowledge.load import shipped
from tests.deployed import PLACES, ROOT, variables
from tests.store_scene import Clock, Platform, play, rows, settled, work

GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def test_commands_exist() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = set(
        re.findall(r"(?:`kol-advisor|^    adviser|exec adviser kol-advisor) ([a-z]+)(?: ([a-z]+))?", GUIDE, re.M)
    )
    assert {one for one, _ in named} >= {"doctor", "letters", "line", "telegram", "memory"}
    for one, two in named:
        assert one in commands, one
        inner = getattr(commands[one], "commands", {})
        assert not inner or two in inner, (one, two)


def test_settings_exist() -> None:
    named = set(re.findall(r"KOL_ADVISOR_\w+", GUIDE)) - {"KOL_ADVISOR_SECTION__KEY"}
    assert named <= variables() | PLACES
    assert len(named) > 2
    for section, key in re.findall(r"\[(\w+)\] (\w+)", GUIDE):
        assert key in Settings.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
    for section, body in re.findall(r"^    \[(\w+)\]\n((?:    .+\n)+)", GUIDE, re.MULTILINE):
        for key in re.findall(r"^    (\w+) = ", body, re.MULTILINE):
            assert key in Settings.model_fields[section].annotation.model_fields  # type: ignore[union-attr]


def test_files_exist() -> None:
    named = set(
        re.findall(r"\b(?:deploy/[\w.-]+\w|requirements[\w-]*\.lock|config\.example\.toml|compose\.yaml)", GUIDE)
    )
    assert {"deploy/Caddyfile", "deploy/kol-advisor.service", "compose.yaml"} <= named
    assert all((ROOT / name).is_file() for name in named)


def test_metrics_exist(tmp_path: Path) -> None:
    shown: list[bytes] = []

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        shown.append(await Metrics(shipped()).shown(store))

    play(f"sqlite:///{tmp_path / 'kept.db'}", scene)
    families = text_string_to_metric_families(shown[0].decode())
    known = {f"{family.name}{'_total' if family.type == 'counter' else ''}" for family in families}
    named = set(re.findall(r"\bkol_advisor_[a-z_]+[a-z]\b", GUIDE)) - {"kol_advisor"}
    assert len(named) >= 4
    assert named <= known


def test_log_lines_are_the_programs_own() -> None:
    """Each in the table's first column, and each as it stands in the code."""
    told = re.findall(r"^\| `([^`]+)`[^|]*\|[^|]*\|[^|]*\|$", GUIDE, re.MULTILINE)
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "handlers").glob("*.py"))
    assert len(told) > 8
    assert [line for line in told if line not in code] == []


def test_a_backup_of_a_file_in_use_holds_everything(tmp_path: Path) -> None:
    """By the statement that the guide shows, while the store has the file open and goes on."""
    (shown,) = set(re.findall(r"VACUUM INTO '/", GUIDE))
    backup = tmp_path / "backup.db"

    async def scene(store: Store, platform: Platform, clock: Clock) -> None:
        platform.gate.clear()
        await store.submit("e1", "line:a", "x y")
        await platform.came(1)
        with sqlite3.connect(tmp_path / "kept.db") as connection:
            connection.execute(f"{shown[:-1]}{backup}'")
        connection.close()
        platform.gate.set()
        await store.submit("e2", "line:a", "z")
        await settled(store)

    play(f"sqlite:///{tmp_path / 'kept.db'}", scene)
    address = f"sqlite:///{backup}"
    assert rows(address, "SELECT id FROM event") == [("e1",)]
    assert rows(address, "SELECT body FROM outbox ORDER BY id") == [("x1",), ("y1",)]

    async def restored() -> list[str]:
        platform = Platform()
        store = Store(address, work, platform.send, owner="b", clock=Clock(), tick=0.005)
        await store.start()
        assert await store.submit("e1", "line:a", "x y") == "seen"
        await settled(store)
        await store.stop(5)
        return platform.bodies

    assert asyncio.run(restored()) == ["x1", "y1"]
