"""Which figures a budget is held against, and whose wish counts."""

from __future__ import annotations

import pytest

from app.core.accuracy import drops, table
from app.core.budget import Budget
from app.core.calibration import Calibration, Moderation
from app.core.mix import Expected, Mix, Tier
from app.core.model import ALONE, Feature, GridMode, Layout

PAPER = drops(table("rekognition"))
MEASURED = Calibration("rekognition", Feature.OBJECTS, (Mix("3x3", (Tier((Layout(3, 3),)),), Expected(1 / 9, 0.02)),))
MARGINS_ONLY = Calibration("rekognition", Feature.OBJECTS, (), moderation=Moderation({4: 0.3}))
TWO = (Layout(2, 1), Layout(1, 2))
UP_TO_TWO = (ALONE, *TWO)


def budget(**changes: object) -> Budget:
    return Budget(**({"max_map_drop": 0.03, "drops": PAPER} | changes))  # type: ignore[arg-type]  # the fields of Budget, by name


@pytest.mark.parametrize(
    ("changes", "wish", "layouts", "source"),
    [
        ({}, None, UP_TO_TWO, "paper"),
        ({}, 0.0, (ALONE,), "budget"),
        ({"max_map_drop": 0.0}, None, (ALONE,), "budget"),
        ({"max_map_drop": 0.0}, 0.03, UP_TO_TWO, "paper"),
        ({"max_map_drop": 0.0, "fixed_layouts": (Layout(2, 2),)}, None, (ALONE,), "budget"),
        ({"fixed_layouts": (Layout(2, 2),)}, None, (Layout(2, 2),), "setting"),
        ({"fixed_layouts": (Layout(2, 2),)}, 0.03, UP_TO_TWO, "paper"),
        ({"calibration": MEASURED}, None, (Layout(3, 3),), "calibration"),
        ({"calibration": MEASURED}, 0.01, (ALONE,), "calibration"),
        ({"calibration": MARGINS_ONLY}, None, UP_TO_TWO, "paper"),
        ({"calibration": MEASURED, "fixed_layouts": TWO}, None, TWO, "setting"),
    ],
)
def test_objects(changes: dict[str, object], wish: float | None, layouts: tuple[Layout, ...], source: str) -> None:
    choice = budget(**changes).choice(Feature.OBJECTS, wish)
    assert (set(choice.widest.layouts), choice.source) == (set(layouts), source)


def test_a_calibration_for_objects_says_nothing_about_faces() -> None:
    choice = budget(calibration=MEASURED, table="paper, rekognition").choice(Feature.FACES)
    assert (set(choice.widest.layouts), choice.source) == (set(UP_TO_TWO), "paper, rekognition")


def test_what_the_paper_s_choice_is_expected_to_cost() -> None:
    expected = budget().choice(Feature.OBJECTS).mix.expected
    assert (expected.cost, round(expected.drop, 3)) == (0.5, 0.028)


def test_the_grid_s_mode_is_the_operator_s_where_nothing_was_calibrated() -> None:
    assert budget(mode=GridMode.PAPER).choice(Feature.OBJECTS).widest.mode is GridMode.PAPER
    assert budget(mode=GridMode.PAPER, calibration=MEASURED).choice(Feature.OBJECTS).widest.mode is GridMode.KEPT
