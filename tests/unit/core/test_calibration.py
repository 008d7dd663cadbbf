"""calibration.json says the same after it was written and read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.calibration import Calibration, CalibrationError, Foresight
from app.core.forest import Forest
from app.core.mix import ALONE_TIER, Escalation, Expected, Mix, Tier
from app.core.model import Feature, GridMode, Layout
from tests.unit.core.test_forest import DATA

TIERS = (ALONE_TIER, Tier((Layout(2, 1), Layout(1, 2)), crops=True))
WHOLE = Calibration(
    "onnx",
    Feature.OBJECTS,
    (
        Mix("paper", (Tier((Layout(2, 2),), GridMode.PAPER),), Expected(0.25, 0.1, 0.05, 0.15)),
        Mix("again", (Tier((Layout(2, 2),)),), Expected(0.35, 0.05), escalation=Escalation(0.7, 0.1)),
        Mix("scout", TIERS, Expected(0.6, 0.01, 0.0, 0.02), trade=0.7),
    ),
    Foresight("tiny.onnx:123", TIERS, Forest.from_json(DATA)),
    {"photographs": 340},
)


def test_it_survives_being_written_down() -> None:
    again = Calibration.from_json(json.loads(json.dumps(WHOLE.to_json())))
    assert again.to_json() == WHOLE.to_json()
    assert (again.mixes, again.facts) == (WHOLE.mixes, WHOLE.facts)


def test_without_a_scout() -> None:
    plain = Calibration("onnx", Feature.OBJECTS, WHOLE.mixes[:2])
    assert Calibration.from_json(plain.to_json()).foresight is None


def changed(**changes: Any) -> Any:
    return WHOLE.to_json() | changes


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        changed(version=2),
        changed(feature="smells"),
        changed(mixes=None),
        changed(mixes=[{}]),
        changed(scout=None),  # a scouted mix without its scout
        changed(scout={"model": "x", "tiers": [], "forest": DATA}),
        changed(scout={"model": "x"}),
    ],
)
def test_what_is_no_calibration_says_so(data: Any) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_json(data)
