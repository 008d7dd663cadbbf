"""At most one unsafe photograph on a sheet; sizes and packing are those of serving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.group_dealing import SAFE_SHEETS, deal_groups, quiet_neighbours, sheets_of, sizes_to_try, tier_of
from app.core.grouping import LAYOUTS
from app.core.model import Layout


@pytest.mark.parametrize(
    ("largest", "layouts", "sizes"),
    [
        (9, "", (2, 4, 6, 9)),
        (1, "", (2, 4, 6, 9)),
        (16, "", (2, 4, 6, 9, 12, 16)),
        (25, "", (2, 4, 6, 9, 12, 16, 20, 25)),
        (9, "2x2 1x2 2x1 1x1", (2, 4)),
        (9, "1x1 6x6", ()),
    ],
)
def test_sizes(largest: int, layouts: str, sizes: tuple[int, ...]) -> None:
    assert sizes_to_try(largest, [Layout.parse(text) for text in layouts.split()]) == sizes


@pytest.mark.parametrize(("size", "cells"), [(2, 2), (4, 4), (5, 6), (9, 9), (25, 25)])
def test_a_group_is_packed_as_when_serving(size: int, cells: int) -> None:
    assert tier_of(size).layouts == tuple(layout for layout in LAYOUTS if layout.cells <= cells)


@given(st.integers(2, 9), st.integers(1, 5), st.integers(9, 40))
def test_each_unsafe_photograph_has_one_sheet_and_no_photograph_meets_itself(size: int, unsafe: int, safe: int) -> None:
    bad, good = [f"bad {number}" for number in range(unsafe)], [f"good {number}" for number in range(safe)]
    sheets = deal_groups(size, bad, good[:8], good, "1")
    assert [name for _, name in sheets if name] == bad
    assert len(sheets) == sheets_of(size, unsafe, safe)
    assert len(sheets) - unsafe >= min(SAFE_SHEETS, safe)
    for sheet, name in sheets:
        members = set(sheet.photo_ids)
        assert len(members) == len(sheet.photo_ids) == size
        assert {one for one in members if one in bad} == ({name} if name else set())
        assert name is None or members - {name} <= set(good[:8])
    shown = {one for sheet, name in sheets if name is None for one in sheet.photo_ids}
    assert shown == set(good)
    assert sheets == deal_groups(size, bad, good[:8], good, "1")


def test_neighbours_are_those_that_say_nothing_themselves() -> None:
    alone = {"a": 0.0, "b": 0.6, "c": 0.01, "d": 0.2}
    assert quiet_neighbours(alone, ["d", "c", "b", "a"], 3) == (["a", "c"], True)
    assert quiet_neighbours(alone, ["d", "c", "b", "a"], 4) == (["a", "c", "d"], False)
