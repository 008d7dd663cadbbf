"""`tessera calibrate` as an operator starts it: a process with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from tests.support.server import REPOSITORY

LIMIT_S = 110.0


def environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("TESSERA_", "AWS_"))}
    return plain | settings


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "app.cli", "calibrate", *arguments]


def calibrate(arguments: Sequence[str], **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(arguments),
        cwd=REPOSITORY,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
