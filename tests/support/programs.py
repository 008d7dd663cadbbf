"""Where the servers that tests talk to are: redis-server, prometheus, promtool.

`make test` puts them into .tools where the machine has none (deploy/setup/tools.sh). Used by tests/conftest.py and by the
fixtures that start them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".tools"

# Marker of a test -> programs without which it cannot run.
PROGRAMS_OF: Mapping[str, tuple[str, ...]] = {"redis": ("redis-server",), "prometheus": ("prometheus", "promtool")}


def find_program(name: str) -> Path | None:
    """The machine's own, or the one in .tools; None where there is neither."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), str(TOOLS)]))
    return Path(found) if found else None


def missing_programs(marker: str) -> list[str]:
    return [name for name in PROGRAMS_OF[marker] if find_program(name) is None]
