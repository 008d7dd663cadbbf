"""Prices are per image and name; some are free beside others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.prices import PriceList

NAMES = ("objects", "labels", "safe", "colours", "crops")
PRICES = PriceList(
    {"objects": 2.25, "labels": 1.5, "safe": 1.5, "colours": 1.5},
    otherwise=1.0,
    free_beside={"safe": "labels", "crops": "colours"},
)


@pytest.mark.parametrize(
    ("names", "dollars", "units"),
    [
        ((), 0.0, 0),
        (("objects",), 2.25, 1),
        (("objects", "objects"), 2.25, 1),
        (("safe",), 1.5, 1),
        (("safe", "labels"), 1.5, 1),
        (("crops",), 1.0, 1),
        (("crops", "colours"), 1.5, 1),
        (("objects", "safe", "labels", "crops", "colours"), 5.25, 3),
        (("something new",), 1.0, 1),
    ],
)
def test_what_one_image_costs(names: tuple[str, ...], dollars: float, units: int) -> None:
    assert (PRICES.of(names), PRICES.units(names)) == (dollars, units)


@pytest.mark.parametrize(
    ("shared", "rest", "share", "more"),
    [
        (("objects",), ("labels", "safe"), 0.5, False),  # what is free beside each other stays together
        (("objects",), ("labels",), 1.0, False),
        (("labels",), ("safe",), 0.5, True),  # 0.75 and 1.5 are more than 1.5
        (("labels",), ("safe",), 0.0, False),
        (("colours", "objects"), ("crops",), 0.5, False),  # 1.875 and 1 are less than 3.75
    ],
)
def test_a_split_may_cost_more_than_it_saves(shared: tuple[str, ...], rest: tuple[str, ...], share: float, more: bool) -> None:
    assert PRICES.split_costs_more(shared, rest, share) is more


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_asking_at_once_never_costs_more_than_asking_twice(some: set[str], others: set[str]) -> None:
    assert PRICES.of(some | others) <= PRICES.of(some) + PRICES.of(others)


def test_a_price_below_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        PriceList({"objects": -1.0})
