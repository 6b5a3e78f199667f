"""What operators deploy by, read as plain values: the Dockerfile, the compose file, the unit, and what they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from handlers.secret_values import places
from handlers.settings import Settings

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "kol-advisor.service"
# Variables that are no setting but say where settings are.
PLACES = {"KOL_ADVISOR_CONFIG", "KOL_ADVISOR_SECRETS_DIR"}


def variable(section: str, key: str) -> str:
    """The environment variable of a setting."""
    return f"KOL_ADVISOR_{section}__{key}".upper()


def variables() -> set[str]:
    """The environment variable of every setting."""
    found = set()
    for section, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        found |= {variable(section, key) for key in field.annotation.model_fields}
    return found


def secrets() -> set[str]:
    """The variables of those settings that are secret."""
    return {variable(section, key) for section, key in places(Settings)}


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions and what follows them, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line]


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of our Dockerfile."""
    return instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def environment(of: list[tuple[str, str]]) -> dict[str, str]:
    """What a Dockerfile's ENV lines set."""
    return dict(pair.split("=", 1) for name, rest in of if name == "ENV" for pair in rest.split())


def compose(*, all_of_it: bool = False) -> dict[str, Any]:
    """The compose file; with `all_of_it` the lines that an operator may switch on are on."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    if all_of_it:
        text = re.sub(r"^( +)# (-|\w+:)", r"\1\2", text, flags=re.MULTILINE)
        text = re.sub(r"^( +)#   - ", r"\1  - ", text, flags=re.MULTILINE)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def unit() -> list[tuple[str, str, str]]:
    """The unit's settings as (section, key, value), in order; a key may come more than once."""
    found, section = [], ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.append((section, key, value))
    return found
