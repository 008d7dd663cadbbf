"""What a report may hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from app.calibration.report.model import pareto
from tests.support.calibrated import BARE, FULL, HOSTILE, ROWS, row


def test_the_best_at_their_cost_are_beaten_by_nobody_in_both() -> None:
    assert [one.name for one in pareto(ROWS)] == ["2x2", "both", "scout 0.5", "scout 0.75"]
    assert pareto(()) == ()


def test_of_equals_one_is_enough() -> None:
    assert [one.name for one in pareto((row("a", 0.5, 0.1), row("b", 0.5, 0.1), row("c", 0.6, 0.1)))] == ["a"]


def test_saved_is_net() -> None:
    assert row("all escalated", 1.25, 0.0).saved == -0.25


@pytest.mark.parametrize("wrong", [{"inferences_per_image": 0.0}, {"low": 0.2, "high": 0.1}, {"low": math.nan}])
def test_figures_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="2x1"):
        replace(ROWS[2], **wrong)


def test_a_report_begins_with_the_images_alone() -> None:
    assert FULL.alone is ROWS[0]
    with pytest.raises(ValueError, match="at least"):
        replace(FULL, rows=())


def test_classes_and_sizes_are_those_of_any_row() -> None:
    assert (FULL.classes, FULL.sizes, BARE.classes, BARE.chosen) == (("cat", HOSTILE), ("small", "large"), (), None)
