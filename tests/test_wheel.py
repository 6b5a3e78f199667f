"""The wheel: everything that running needs is in it, and it runs with the source tree out of reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "knowledge")
# `-I -S`: neither the folder we are in nor what is installed here as a link to the source tree is on the path.
START = "import sys; sys.path[:0] = sys.argv[1:3]; sys.argv[:3] = ['kol-advisor']; from handlers.cli import run; run()"
# Every module is imported where it is installed; one that needs something left out would not be.
IMPORTS = (
    "import importlib, pathlib, sys; sys.path[:0] = sys.argv[1:3]; place = pathlib.Path(sys.argv[1]); "
    "names = sorted('.'.join(file.relative_to(place).with_suffix('').parts) for package in sys.argv[3:] "
    "for file in (place / package).rglob('*.py') if file.name != '__main__.py'); "
    "found = [importlib.import_module(name).__file__ for name in names]; "
    "assert all(place in pathlib.Path(file).parents for file in found); print(len(found))"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree without any network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel alone was installed."""
    folder = tmp_path_factory.mktemp("installed")
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder))
    done = subprocess.run((*command, str(wheel)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def _run(installed: Path, code: str, *args: str, home: Path) -> subprocess.CompletedProcess[str]:
    libraries = sysconfig.get_path("purelib")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("KOL_ADVISOR_", "PYTHON"))},
        "HOME": str(home),
    }
    return subprocess.run(
        (sys.executable, "-I", "-S", "-c", code, str(installed), libraries, *args),
        cwd=home,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_everything_of_the_program_and_nothing_else(wheel: Path) -> None:
    source = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".yaml", ".j2")
    }
    data = {name for name in source if not name.endswith(".py")}
    assert len(data) > 50
    packed = {name for name in _names(wheel) if ".dist-info/" not in name}
    assert packed == source


def test_license_and_notice_travel_with_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(archive.read(about).decode())
        assert told["License-Expression"] == "Apache-2.0"
        assert sorted(told.get_all("License-File") or ()) == ["LICENSE", "NOTICE"]
        for name in ("LICENSE", "NOTICE"):
            packed = archive.read(about.replace("METADATA", f"licenses/{name}"))
            assert packed == (ROOT / name).read_bytes()
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_it_runs_with_the_source_out_of_reach(installed: Path, tmp_path: Path) -> None:
    done = _run(installed, START, "check", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout
    told = _run(installed, START, "ask", "保養品新品,預算30萬,想衝業績", "--json", "--on", "2026-11-22", home=tmp_path)
    assert json.loads(told.stdout)["advice"]["lead"] == "kos_seed", told.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_module_finds_what_it_needs(installed: Path, tmp_path: Path) -> None:
    done = _run(installed, IMPORTS, *PACKAGES, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len([path for package in PACKAGES for path in (installed / package).rglob("*.py")]) - 1


def test_it_says_its_version(wheel: Path, installed: Path, tmp_path: Path) -> None:
    done = _run(installed, START, "--version", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"kol-advisor {wheel.name.split('-')[1]}\n"
    assert (installed / "bin" / "kol-advisor").is_file()
