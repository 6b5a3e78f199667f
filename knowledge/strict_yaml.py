"""Strict YAML: a repeated key is a fault, and no plain word turns into something else."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from knowledge.fault import Fault


class _Repeated(yaml.YAMLError):
    def __init__(self, key: object, line: int) -> None:
        super().__init__(f"key {key!r} stands twice (line {line})")


class _Loader(yaml.CSafeLoader):
    """The fast safe loader with YAML 1.2's core words: `no`, `on`, `12:30` and dates stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen:
                raise _Repeated(key, key_node.start_mark.line + 1)
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]+$", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read(path: Path, name: str) -> tuple[Any, list[Fault]]:
    """Read one file; returns its content (`None` if unreadable) with what is wrong with it."""
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader), []  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return None, [Fault(name, "", f"{line}{error.problem or 'not YAML'}")]
    except yaml.YAMLError as error:
        return None, [Fault(name, "", " ".join(str(error).split()))]
    except (OSError, UnicodeDecodeError) as error:
        return None, [Fault(name, "", f"cannot be read: {error.__class__.__name__}")]
