"""The published tables, and what a budget allows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.accuracy import allowed_layouts, drops, table
from app.core.model import ALONE, Layout

NAMES = ("rekognition", "detr", "faster_rcnn")
BUDGETS = st.floats(-0.1, 0.5)


def layouts(*texts: str) -> tuple[Layout, ...]:
    return tuple(Layout.parse(text) for text in texts)


@pytest.mark.parametrize(
    ("name", "layout", "accuracy"),
    [
        ("rekognition", "1x1", 0.782),
        ("rekognition", "1x2", 0.754),
        ("rekognition", "2x1", 0.756),
        ("rekognition", "5x5", 0.423),
        ("detr", "1x1", 0.753),
        ("detr", "4x5", 0.388),
        ("detr", "5x4", 0.385),
        ("faster_rcnn", "1x1", 0.706),
        ("faster_rcnn", "5x1", 0.488),
        ("faster_rcnn", "3x3", 0.530),
    ],
)
def test_the_papers_figures(name: str, layout: str, accuracy: float) -> None:
    assert table(name)[Layout.parse(layout)] == accuracy


@pytest.mark.parametrize("name", NAMES)
def test_every_table_has_all_25_layouts_up_to_5x5(name: str) -> None:
    assert set(table(name)) == {Layout(rows, columns) for rows in range(1, 6) for columns in range(1, 6)}


def test_the_papers_two_slips_are_not_repeated() -> None:
    assert drops(table("faster_rcnn"))[Layout(5, 1)] == pytest.approx(0.218)


def test_an_unknown_table_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="detr, faster_rcnn, rekognition"):
        table("yolo")


def test_drops_are_measured_against_the_image_alone() -> None:
    measured = drops({ALONE: 0.5, Layout(2, 1): 0.4, Layout(1, 2): 0.55})
    assert measured == pytest.approx({ALONE: 0.0, Layout(2, 1): 0.1, Layout(1, 2): -0.05})


def test_a_table_without_1x1_has_no_drops() -> None:
    with pytest.raises(ValueError, match="1x1"):
        drops({Layout(2, 1): 0.4})


@pytest.mark.parametrize(
    ("budget", "allowed"),
    [
        (-1.0, layouts("1x1")),
        (0.0, layouts("1x1")),
        (0.025, layouts("1x1")),
        (0.026, layouts("1x1", "2x1")),  # 0.782 - 0.756 is a little more than 0.026 in binary
        (0.03, layouts("1x1", "2x1", "1x2")),
        (0.067, layouts("1x1", "2x1", "1x2", "2x2")),
        (0.081, layouts("1x1", "2x1", "1x2", "3x1", "2x2")),
        (math.nan, layouts("1x1")),
    ],
)
def test_a_budget_allows_the_layouts_that_cost_no_more(budget: float, allowed: tuple[Layout, ...]) -> None:
    assert allowed_layouts(drops(table("rekognition")), budget) == allowed


def test_a_budget_of_everything_allows_everything_fewest_cells_first() -> None:
    everything = allowed_layouts(drops(table("detr")), 1.0)
    assert len(everything) == 25
    assert [layout.cells for layout in everything] == sorted(layout.cells for layout in everything)
    assert everything[-1] == Layout(5, 5)


@pytest.mark.parametrize("name", NAMES)
@given(one=BUDGETS, other=BUDGETS)
def test_a_larger_budget_never_allows_less(name: str, one: float, other: float) -> None:
    costs = drops(table(name))
    assert set(allowed_layouts(costs, min(one, other))) <= set(allowed_layouts(costs, max(one, other)))


@given(st.dictionaries(st.builds(Layout, st.integers(1, 5), st.integers(1, 5)), st.floats(-0.2, 0.6)), BUDGETS)
def test_some_layout_is_always_allowed(costs: dict[Layout, float], budget: float) -> None:
    allowed = allowed_layouts(costs, budget)
    assert allowed
    assert set(allowed) <= {*costs, ALONE}


def test_an_override_stands_whatever_the_budget_says() -> None:
    chosen = layouts("2x2", "1x2", "2x1", "2x2", "9x1")
    assert allowed_layouts(drops(table("rekognition")), 0.0, override=chosen) == layouts("2x1", "1x2", "2x2", "9x1")
