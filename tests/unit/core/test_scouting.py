"""What a look says: figures of one length, and a region that holds what was seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import PixelBox, Size
from app.core.scouting import FIGURES, REGION_SCORE, Glimpse, figures, region

EDGE = st.floats(0, 1)
FOUND = st.lists(st.tuples(EDGE, EDGE, EDGE, EDGE, st.floats(0.001, 1), st.integers(0, 3)), max_size=12)


def glimpse(*found: tuple[float, ...], size: tuple[int, int] = (400, 300)) -> Glimpse:
    """left, top, right, bottom (any order), score, class; best first."""
    ordered = sorted(found, key=lambda row: -row[4])
    boxes = [[min(r[0], r[2]), min(r[1], r[3]), max(r[0], r[2]), max(r[1], r[3])] for r in ordered]
    return Glimpse(
        Size(*size),
        np.array(boxes, float).reshape(-1, 4),
        np.array([row[4] for row in ordered], float),
        np.array([int(row[5]) for row in ordered], np.int64),
    )


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (glimpse(), None),
        (glimpse((0.5, 0.5, 0.75, 0.75, REGION_SCORE, 0)), None),  # not sure enough
        (glimpse((0.5, 0.5, 0.75, 0.75, 0.9, 0)), PixelBox(180, 130, 320, 245)),
        (glimpse((0.0, 0.0, 0.5, 0.5, 0.9, 0)), PixelBox(0, 0, 220, 170)),
        (glimpse((0.1, 0.1, 0.2, 0.2, 0.5, 0), (0.5, 0.5, 0.75, 0.75, 0.5, 1)), PixelBox(20, 10, 320, 245)),
        (glimpse((0.02, 0.02, 0.98, 0.98, 0.9, 0)), None),  # nearly all of it
        (glimpse((0.5, 0.5, 0.501, 0.501, 0.9, 0), size=(100, 100)), None),  # a speck
        (glimpse((0.0, 0.5, 1.0, 0.51, 0.9, 0), size=(1000, 800)), None),  # a strip
    ],
)
def test_the_region_holds_what_was_seen_with_a_margin(seen: Glimpse, shown: PixelBox | None) -> None:
    assert region(seen) == shown


@given(FOUND, st.integers(40, 4000), st.integers(40, 4000))
def test_the_region_lies_on_whole_pixels_inside_and_holds_all_sure_findings(
    found: list[tuple[float, ...]], width_px: int, height_px: int
) -> None:
    seen = glimpse(*found, size=(width_px, height_px))
    shown = region(seen)
    if shown is None:
        return
    assert all(float(edge).is_integer() for edge in shown)
    assert 0 <= shown.left_px < shown.right_px <= width_px
    assert 0 <= shown.top_px < shown.bottom_px <= height_px
    for box, score in zip(seen.boxes, seen.scores, strict=True):
        if score > REGION_SCORE:
            assert shown.left_px <= box[0] * width_px + 1e-6
            assert shown.bottom_px >= box[3] * height_px - 1e-6


@given(FOUND)
def test_the_row_has_one_length_and_only_numbers(found: list[tuple[float, ...]]) -> None:
    row = figures(glimpse(*found))
    assert len(row) == FIGURES
    assert np.isfinite(row).all()


def test_what_is_not_of_one_length_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Glimpse(Size(10, 10), np.zeros((2, 4)), np.zeros(1), np.zeros(1, np.int64))
