"""calibration.json says the same after it was written and read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.calibration import Calibration, CalibrationError, Foresight, Moderation
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


def test_margins_of_group_tests_stay_beside_the_mixes() -> None:
    both = Calibration("google", Feature.OBJECTS, WHOLE.mixes[:2], moderation=Moderation({2: 0.1, 9: 0.4}, {"unsafe": 40}))
    again = Calibration.from_json(json.loads(json.dumps(both.to_json())))
    assert again.moderation is not None
    assert (again.moderation.by_size, again.moderation.facts) == ({2: 0.1, 9: 0.4}, {"unsafe": 40})
    assert again.facts == {}
    assert [mix.name for mix in again.mixes] == ["paper", "again"]


def test_margins_alone_are_a_calibration() -> None:
    alone = Calibration("google", Feature.OBJECTS, (), moderation=Moderation({4: 0.3}))
    assert Calibration.from_json(json.loads(json.dumps(alone.to_json()))).mixes == ()


@pytest.mark.parametrize(
    ("measured", "size", "margin"),
    [
        ({2: 0.1, 4: 0.3, 9: 0.5}, 3, 0.3),
        ({2: 0.1, 4: 0.3, 9: 0.5}, 9, 0.5),
        ({2: 0.1, 4: 0.3}, 9, 0.65),  # not measured: the careful default
        ({2: 0.1, 4: 0.75}, 9, 0.75),  # and never below what a smaller group needs
        ({2: 0.1, 25: 0.9}, 9, 0.9),
    ],
)
def test_larger_groups_than_measured_are_asked_carefully(measured: dict[int, float], size: int, margin: float) -> None:
    assert Moderation(measured).margins.of(size) == margin


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
        changed(mixes=[]),  # and no margins
        changed(moderation={"margins": {}}),
        changed(moderation={"margins": {"1": 0.3}}),
        changed(moderation={"margins": {"four": 0.3}}),
        changed(moderation={"margins": {"4": 1.3}}),
        changed(moderation={"sizes": {}}),
    ],
)
def test_what_is_no_calibration_says_so(data: Any) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_json(data)
