"""A process whose clock is wrong: whoever asks Python for the time is told the wrong one, and monotonic time goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.stage import CLOCK_FOLDER

PROGRAM = """
import datetime, time
from datetime import UTC, datetime as Named
from pathlib import Path
import os
before, ticks = time.time(), time.monotonic()
Path(os.environ["CHAOS_CLOCK"]).write_text("3600")
while abs(time.time() - before) < 3000:
    assert time.monotonic() - ticks < 10
print(round(time.time() - before), round((time.time_ns() / 1e9) - before), round(Named.now(UTC).timestamp() - before),
      round(datetime.datetime.now().timestamp() - before), isinstance(Named.fromtimestamp(0, UTC), datetime.datetime))
"""


def test_the_clock_of_one_process_jumps(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    environment = {**os.environ, "PYTHONPATH": str(CLOCK_FOLDER), "CHAOS_CLOCK": str(clock)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["3600", "3600", "3600", "3600", "True"]
