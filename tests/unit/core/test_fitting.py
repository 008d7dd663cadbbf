"""How large columns and rows become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fitting import best_fit, compact_shapes, harmonic_mean, score_key
from app.core.geometry import Size
from app.core.model import Layout

SIDES = st.integers(1, 6000)
SIZES = st.lists(st.builds(Size, SIDES, SIDES), min_size=1, max_size=9)


def test_the_harmonic_mean_is_the_mean_of_what_is_lost() -> None:
    assert harmonic_mean([1.0]) == 1.0
    assert harmonic_mean([1.0, 0.5]) == pytest.approx(2 / 3)


def test_larger_scores_come_first_and_the_smallest_image_settles_ties() -> None:
    scores = [(0.5, 0.5), (0.6, 0.2), (0.6, 0.3), (0.6 + 1e-9, 0.25)]
    assert sorted(scores, key=score_key) == [(0.6, 0.3), (0.6 + 1e-9, 0.25), (0.6, 0.2), (0.5, 0.5)]


@pytest.mark.parametrize(
    ("layout", "pictures", "shapes"),
    [
        ("1x1", 1, ["1x1"]),
        ("2x2", 1, ["1x1"]),
        ("2x2", 2, ["1x2", "2x1"]),
        ("2x2", 3, ["2x2"]),
        ("3x3", 3, ["1x3", "2x2", "3x1"]),
        ("3x3", 4, ["2x2", "2x3", "3x2"]),
        ("2x1", 3, []),
    ],
)
def test_empty_rows_and_columns_take_no_room(layout: str, pictures: int, shapes: list[str]) -> None:
    assert [str(shape) for shape in compact_shapes(Layout.parse(layout), pictures)] == shapes


def test_gutters_that_leave_no_pixel_make_it_impossible() -> None:
    assert best_fit([Size(10, 10)] * 2, [10] * 2, Layout(1, 2), side_px=17, gutter_px=16) is None
    assert best_fit([Size(10, 10)] * 2, [10] * 2, Layout(2, 1), side_px=18, gutter_px=16) is not None


def test_a_column_that_its_pictures_do_not_fill_gives_the_rest_away() -> None:
    """A panorama above a portrait: in common cells the portrait would get half the height, here it gets all that is left."""
    fit = best_fit([Size(750, 1000), Size(4000, 1000)], [1000, 4000], Layout(2, 1), side_px=1000, gutter_px=0)
    assert fit is not None
    assert fit.heights_px == pytest.approx((750, 250))
    assert fit.score[0] == pytest.approx(2 / (1 / 1 + 1 / 0.75))


def test_nothing_is_enlarged_beyond_what_shows_every_picture_as_it_is() -> None:
    fit = best_fit([Size(100, 100), Size(200, 200)], [100, 200], Layout(1, 2), side_px=4000, gutter_px=16)
    assert fit is not None
    assert fit.widths_px == pytest.approx((200, 200))


@given(sizes=SIZES, side_px=st.integers(100, 3000), gutter_px=st.integers(0, 20))
def test_whole_pixels_keep_to_the_side(sizes: list[Size], side_px: int, gutter_px: int) -> None:
    for shape in compact_shapes(Layout(3, 3), len(sizes)):
        fit = best_fit(sizes, [size.longest_px for size in sizes], shape, side_px=side_px, gutter_px=gutter_px)
        assert fit is not None
        for tracks_px in fit.whole(side_px, gutter_px):
            assert min(tracks_px) >= 1
            assert sum(tracks_px) + gutter_px * (len(tracks_px) - 1) <= side_px


@given(sizes=SIZES)
def test_no_design_is_worse_than_one_common_cell(sizes: list[Size]) -> None:
    for shape in compact_shapes(Layout(3, 3), len(sizes)):
        fit = best_fit(sizes, [size.longest_px for size in sizes], shape, side_px=1200, gutter_px=0)
        assert fit is not None
        scales = [
            min(1200 / shape.columns / size.width_px, 1200 / shape.rows / size.height_px) * size.longest_px / 1200
            for size in sizes
        ]
        assert fit.score[0] >= harmonic_mean(scales) * (1 - 1e-9)
