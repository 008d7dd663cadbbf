"""The soak run in a few seconds: all fronts, bad pictures, slow and vanishing clients; every answer right, nothing left behind.

Whether anything grows takes longer to see: `make soak`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.soak.crowd import MIX
from tests.soak.report import PLOTS, table, write_json, write_plots
from tests.soak.run import Plan, soak

PLAN = Plan(seconds=6.0, rate_per_s=6.0, every_s=1.0, day_s=3.0, api=1, workers=1, leaves=("flight", "outcome", "reply"))


@pytest.mark.redis
def test_a_short_soak_answers_everybody_and_leaves_nothing(tmp_path: Path) -> None:
    found = soak(PLAN, tmp_path)
    assert found.mistakes == [], table(found)
    assert found.tally.fates["right"] > PLAN.seconds * PLAN.rate_per_s / 2
    assert len(found.tally.forms) > len(MIX) / 3
    assert found.paid < found.answered
    assert found.trends == ()
    assert found.samples.series("tasks")
    write_json(found, tmp_path / "soak.json")
    assert json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))["mistakes"] == []
    write_plots(found, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == sorted(f"soak-{name}.svg" for name, *_ in PLOTS)
