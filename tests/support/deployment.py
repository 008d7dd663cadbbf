"""What the tests of deploy/ ask of our own code: does this command line parse, do these settings load?

Called by tests/test_deploy.py, tests/test_kubernetes.py and tests/test_dockerfile.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app.cli import build_parser
from app.settings import Settings, load_settings

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"


def load_yaml(path: Path) -> Any:
    """The one document of a file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load_all_yaml(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def settings_of(command: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings with which `tessera COMMAND` would start there; raises what it would print."""
    options = build_parser().parse_args(command)
    role = {"TESSERA_ROLE": options.role} if getattr(options, "role", None) else {}
    return load_settings({**environment, **role})


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """Compose's `${NAME-default}` and `${NAME:-default}` (the latter also for an empty value)."""

    def value(match: re.Match[str]) -> str:
        name, empty_too, default = match.groups()
        found = environment.get(name)
        return default if found is None or (empty_too and not found) else found

    return re.sub(r"\$\{(\w+)(:?)-([^}]*)\}", value, text)


def seconds(duration: str) -> float:
    """`40s`, `1m30s` -> seconds."""
    units = {"h": 3600, "m": 60, "s": 1}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration)))
