"""Photographs are dealt onto sheets: each once, never too many, the same for the same seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.tiers import CROPPED_DEALS, KEPT, PAPER, SCOUTED, deal, fixed_tiers, most_inferences
from app.core.geometry import PixelBox
from app.core.mix import Tier
from app.core.model import Layout

NAMES = st.lists(st.text("abcdef", min_size=1), unique=True, max_size=40)
VIEW = PixelBox(0, 0, 10, 10)


@given(NAMES, st.sampled_from([*PAPER, *KEPT, *SCOUTED]), st.integers(0, 5))
def test_each_once_and_never_too_many(names: list[str], tier: Tier, seed: int) -> None:
    sheets = deal(names, tier, str(seed), dict.fromkeys(names, VIEW))
    assert sorted(name for sheet in sheets for name in sheet.photo_ids) == sorted(names)
    assert all(1 <= len(sheet.photo_ids) <= tier.cells for sheet in sheets)
    assert sum(len(sheet.photo_ids) < tier.cells for sheet in sheets) <= 1
    assert all(set(sheet.views) == (set(sheet.photo_ids) if tier.crops else set()) for sheet in sheets)
    assert sheets == deal(list(reversed(names)), tier, str(seed), dict.fromkeys(names, VIEW))


@pytest.mark.parametrize(
    ("layouts", "tiers"),
    [
        ((), [str(tier) for tier in KEPT]),
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
