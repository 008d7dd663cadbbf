"""`make chaos` in its short form: every kind of fault in half a minute, under load from all fronts. docs/reliability.md has the
long one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.report import CALM
from tests.chaos.timeline import timeline

pytestmark = pytest.mark.redis

REPOSITORY = Path(__file__).parents[2]
LIMIT_S = 110.0


def test_nothing_is_lost_wrong_or_answered_twice_whatever_breaks(tmp_path: Path) -> None:
    """The run's own verdict, as anybody gets it; it would be worth nothing, had the faults not happened."""
    told = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "tests.chaos", "--short", "--json", str(told)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text())
    assert (found["failures"], found["lost"], found["wrong"], found["doubled"], found["incomplete"]) == ([], [], [], [], [])
    assert [phase["name"] for phase in found["phases"]] == [CALM, *(fault.name for fault in timeline(short=True))]
    assert found["bill"]["paid"] < found["sent"], "images share sheets most of the time"
    facts = {phase["name"]: phase["facts"] for phase in found["phases"]}
    assert facts["worker killed"].startswith("it held "), "it was killed in mid-sheet"
    assert not facts["worker killed"].startswith("it held 0 ")
    assert [name for name, fact in facts.items() if fact == "0 calls were struck"] == []
    assert len(found["fronts"]) > len(facts) / 2, "all fronts are asked"
    assert found["equal"] > 0, "some pictures are asked about twice at the same time"
