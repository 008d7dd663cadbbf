"""From foreseen losses to who goes where, at a wanted cost; and what escalation would have given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.mixing import assign, assign_at_cost, doubt_threshold, escalated, mean_cost
from app.calibration.store import Measured
from app.calibration.tiers import SCOUTED
from app.core.geometry import UnitBox
from app.core.model import Detection, Feature

LOSS = st.floats(-0.5, 3)
FORESEEN = st.dictionaries(st.text("abc", min_size=1), st.tuples(st.just(0.0), LOSS, LOSS, LOSS), min_size=1, max_size=30)


@given(FORESEEN, st.floats(0.34, 1.0))
def test_a_cost_is_never_exceeded_where_it_can_be_kept(foreseen: dict[str, tuple[float, ...]], cost: float) -> None:
    found = assign_at_cost(foreseen, SCOUTED, cost)
    densest = assign(foreseen, SCOUTED, 100.0)
    assert found.sheets() <= max(cost * len(foreseen), densest.sheets())
    assert set(found.by_photo) == set(foreseen)


@given(FORESEEN, st.floats(0.34, 1.0), st.floats(0.34, 1.0))
def test_more_money_never_foresees_more_loss(foreseen: dict[str, tuple[float, ...]], one: float, other: float) -> None:
    def loss(cost: float) -> float:
        found = assign_at_cost(foreseen, SCOUTED, cost)
        return sum(foreseen[name][number] for name, number in found.by_photo.items())

    low, high = sorted((one, other))
    assert loss(high) <= loss(low) + 1e-9


def test_written_out() -> None:
    foreseen = {"hard": (0.0, 2.0, 3.0, 4.0), "easy": (0.0, 0.0, 0.0, 0.0), "plain": (0.0, 0.1, 0.6, 0.9)}
    found = assign(foreseen, SCOUTED, 1.0)
    assert found.by_photo == {"hard": 0, "easy": 3, "plain": 1}
    assert found.cost == pytest.approx((1 + 1 / 6 + 1 / 2) / 3)
    assert (found.members(0), found.sheets()) == (["hard"], 3)
    answers = [{name: Measured((), number) for name in foreseen} for number in range(4)]
    assert {name: answer.inferences for name, answer in found.pick(answers).items()} == {"hard": 0, "easy": 3, "plain": 1}


def answer(side: float, inferences: float = 0.25) -> Measured:
    return Measured((Detection(Feature.OBJECTS, "Dog", 0.9, UnitBox(0, 0, side, side)),), inferences)


def test_those_of_most_doubt_are_asked_again() -> None:
    grid = {str(number): answer(number / 10) for number in range(1, 9)}
    alone = {name: answer(1.0, 1.0) for name in grid}
    threshold = doubt_threshold(grid, 0.25)
    again = escalated(grid, alone, threshold)
    assert {name for name, one in again.items() if one.inferences > 1} == {"1", "2"}
    assert mean_cost(again) == pytest.approx(0.5)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=50), st.floats(0, 1))
def test_the_share_is_not_exceeded(sides: list[float], share: float) -> None:
    grid = {str(number): answer(side) for number, side in enumerate(sides)}
    again = escalated(grid, grid, doubt_threshold(grid, share))
    assert sum(one.inferences > 0.25 for one in again.values()) <= share * len(grid) + 1


def test_what_got_no_answer_alone_keeps_the_grids() -> None:
    grid = {"a": answer(0.1)}
    assert escalated(grid, {}, 0.0) == grid
