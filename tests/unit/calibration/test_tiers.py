"""Photographs are dealt onto sheets: each once, never too many, the same for the same seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.tiers import CROPPED_DEALS, KEPT, PAPER, SCOUTED, SHAPED, deal, fixed_tiers, most_inferences
from app.core.geometry import PixelBox, Size
from app.core.mix import Tier
from app.core.model import Layout, Shape

SIDE = st.integers(1, 50)
PHOTOS = st.dictionaries(st.text("abcdef", min_size=1), st.builds(Size, SIDE, SIDE), max_size=40)
VIEW = PixelBox(0, 0, 10, 20)


def wide_high(size: Size) -> tuple[int, int]:
    return size.width_px, size.height_px


@given(PHOTOS, st.sampled_from([*PAPER, *KEPT, *SHAPED, *SCOUTED]), st.integers(0, 5))
def test_each_once_and_never_too_many(photos: dict[str, Size], tier: Tier, seed: int) -> None:
    sheets = deal(photos, tier, str(seed))
    assert sorted(name for sheet in sheets for name in sheet.photo_ids) == sorted(photos)
    assert all(1 <= len(sheet.photo_ids) <= tier.cells for sheet in sheets)
    assert sum(len(sheet.photo_ids) < tier.cells for sheet in sheets) <= (2 if tier.by_shape else 1)
    if tier.by_shape:
        assert all(len({Shape.of(*wide_high(photos[name])) for name in sheet.photo_ids}) == 1 for sheet in sheets)
    assert sheets == deal(dict(reversed(photos.items())), tier, str(seed))


@pytest.mark.parametrize("tier", [*PAPER, *KEPT, *SCOUTED])
def test_only_cropping_tiers_show_parts_and_the_part_has_the_shape(tier: Tier) -> None:
    photos = dict.fromkeys("abcdef", Size(200, 100))
    views = dict.fromkeys("abc", VIEW)
    sheets = deal(photos, tier, "1", views)
    shown = {name for sheet in sheets for name in sheet.views}
    assert shown == (set(views) if tier.crops else set())
    if tier.crops:
        assert all(set(sheet.photo_ids) <= set("abc") or set(sheet.photo_ids) <= set("def") for sheet in sheets)


@pytest.mark.parametrize(
    ("layouts", "tiers"),
    [
        ((), [str(tier) for tier in (*KEPT, *SHAPED)]),
        ((Layout(2, 2),), ["2x2"]),
        ((Layout(3, 3), Layout(1, 1), Layout(3, 3)), ["3x3"]),
    ],
)
def test_the_operator_s_layouts_are_tried_one_by_one(layouts: tuple[Layout, ...], tiers: list[str]) -> None:
    assert [str(tier) for tier in fixed_tiers(layouts)] == tiers


def test_what_a_run_may_cost() -> None:
    assert most_inferences((), (0.5,), scouted=False) == pytest.approx(1 + 0.5 + 0.5 + 0.25)
    cropped = CROPPED_DEALS * (0.5 + 0.25 + 1 / 6)
    assert most_inferences((), (0.5, 0.25), scouted=True) == pytest.approx(1 + 1.25 + cropped + 0.75)
