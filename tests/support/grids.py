"""Hypothesis strategies for grids: images of all shapes, layouts, rules, and boxes in them. For tests only."""

from __future__ import annotations

from hypothesis import strategies as st

from app.core.geometry import PixelBox, Size, UnitBox, UnitPoint
from app.core.layout import GridPlan, GridRules, plan_grid
from app.core.model import GridMode, Layout

EVERY_LAYOUT = tuple(Layout(rows, columns) for rows in range(1, 6) for columns in range(1, 6))
# From a pixel to more than any camera; the shapes in between are what clients send.
SIDES_PX = st.one_of(st.integers(1, 6000), st.integers(200, 4000), st.sampled_from([1, 500, 640, 960, 1280, 3000, 4000]))
SIZES = st.builds(Size, SIDES_PX, SIDES_PX)
MODES = st.sampled_from(GridMode)
# Below this a box is a point: what comes back of its area is rounding.
SMALLEST_UNIT = 1e-6

Images = list[tuple[str, Size]]


def images(at_most: int = 9) -> st.SearchStrategy[Images]:
    """Images with different ids, in no particular order."""
    ids = st.lists(st.integers(0, 999).map(lambda number: f"job-{number}"), min_size=1, max_size=at_most, unique=True)
    return ids.flatmap(lambda names: st.tuples(*[st.tuples(st.just(name), SIZES) for name in names]).map(list))


def rules(mode: st.SearchStrategy[GridMode] = MODES) -> st.SearchStrategy[GridRules]:
    """Rules under which every layout up to 5x5 has room."""
    return st.builds(GridRules, mode=mode, sheet_side_px=st.integers(100, 3000), gutter_px=st.integers(0, 16))


@st.composite
def plans(draw: st.DrawFn, mode: st.SearchStrategy[GridMode] = MODES, at_most: int = 9) -> GridPlan:
    """A plan for random images, in any layout that has room for them."""
    some = draw(images(at_most))
    layout = draw(st.sampled_from([layout for layout in EVERY_LAYOUT if layout.cells >= len(some)]))
    return plan_grid(some, [layout], draw(rules(mode)), {})


@st.composite
def views(draw: st.DrawFn, size: Size) -> PixelBox:
    """Any part of an image of this size, from a pixel to all of it."""
    left, right = draw(_whole_pairs(size.width_px))
    top, bottom = draw(_whole_pairs(size.height_px))
    return PixelBox(float(left), float(top), float(right), float(bottom))


@st.composite
def viewed_plans(draw: st.DrawFn, mode: st.SearchStrategy[GridMode] = MODES, at_most: int = 9) -> GridPlan:
    """A plan that shows a part of some images, and all of the others."""
    some = draw(images(at_most))
    shown = {job_id: draw(views(size)) for job_id, size in some if draw(st.booleans())}
    layout = draw(st.sampled_from([layout for layout in EVERY_LAYOUT if layout.cells >= len(some)]))
    return plan_grid(some, [layout], draw(rules(mode)), {}, views=shown)


def _whole_pairs(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(0, most - 1).flatmap(lambda first: st.tuples(st.just(first), st.integers(first + 1, most)))


def _pairs(least: float) -> st.SearchStrategy[tuple[float, float]]:
    return (
        st.tuples(st.floats(0, 1), st.floats(0, 1))
        .map(lambda pair: (min(pair), max(pair)))
        .filter(lambda pair: pair[1] - pair[0] >= least)
    )


# Boxes within their image, with an area.
BOXES = st.builds(lambda x, y: UnitBox(x[0], y[0], x[1], y[1]), _pairs(SMALLEST_UNIT), _pairs(SMALLEST_UNIT))
# Anything that passes for a box: outside, huge, without area.
_ANY_NUMBER = st.one_of(st.floats(-2, 3), st.floats(allow_nan=False, allow_infinity=True))
ODD_BOXES = st.builds(
    lambda a, b, c, d: UnitBox(min(a, c), min(b, d), max(a, c), max(b, d)), _ANY_NUMBER, _ANY_NUMBER, _ANY_NUMBER, _ANY_NUMBER
)
POINTS = st.builds(UnitPoint, st.floats(0, 1), st.floats(0, 1))
