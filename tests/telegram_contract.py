"""The published Bot API schema, where it lies beside the repository; elsewhere nothing is checked by it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("KOL_ADVISOR_SPEC") or Path(__file__).parents[2] / "shared" / "spec")
FILE = FOLDER / "platform_contract.py"
PRESENT = FILE.is_file()


def telegram_errors(method: str, params: dict[str, Any]) -> list[str]:
    """What the schema says against a call; empty where there is no schema."""
    return list(_module().telegram_errors(method, params)) if PRESENT else []


def _module() -> Any:
    global _loaded
    if _loaded is None:
        spec = importlib.util.spec_from_file_location("platform_contract", FILE)
        assert spec is not None and spec.loader is not None
        _loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(_loaded)
    return _loaded


_loaded: Any = None
