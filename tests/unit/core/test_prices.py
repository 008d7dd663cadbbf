"""Prices are per image and name; some are free beside others."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.prices import PriceList, Shareable

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


OBJECTS = Shareable("objects", "objects", 0.5)
COLOURS = Shareable("colours", "colours", 0.25)
ALONE = Shareable("objects", "objects", 1.0)


def safe(share: float) -> Shareable:
    return Shareable("safe", "safe", share)


def labels(share: float) -> Shareable:
    """On a sheet they come out of the objects."""
    return Shareable("labels", "objects", share)


@pytest.mark.parametrize(
    ("shareable", "rest", "on_sheets"),
    [
        ((), ("labels",), set()),
        ((OBJECTS,), (), {"objects"}),
        ((ALONE,), ("labels",), {"objects"}),  # of equals the sheet
        ((OBJECTS,), ("labels", "safe"), {"objects"}),  # what is free beside each other stays together
        ((OBJECTS, safe(0.1)), ("labels",), {"objects"}),  # free there
        ((OBJECTS, safe(0.1)), ("colours",), {"objects", "safe"}),
        ((COLOURS, OBJECTS), ("crops",), {"colours", "objects"}),  # 0.375 and 1 are less than 1.5
        ((Shareable("colours", "colours", 0.5), OBJECTS), ("crops",), {"objects"}),  # 0.75 and 1 are more
        ((labels(0.5),), (), {"labels"}),  # 1.125 is less than 1.5
        ((labels(0.75),), (), set()),  # 1.6875 is more
        ((labels(0.5), safe(0.2)), (), {"labels", "safe"}),  # 1.125 and 0.3 are less than 1.5
        ((labels(0.5), safe(0.25)), (), {"labels", "safe"}),  # just as much
        ((labels(0.5), safe(0.3)), (), set()),
        ((labels(0.5), safe(0.3), OBJECTS), ("colours",), {"objects"}),
        ((labels(0.2), safe(0.3), OBJECTS), ("crops",), {"labels", "safe", "objects"}),
    ],
)
def test_each_name_goes_the_cheapest_way(shareable: tuple[Shareable, ...], rest: tuple[str, ...], on_sheets: set[str]) -> None:
    assert PRICES.better_on_sheets(shareable, rest) == on_sheets


SHARES = st.sampled_from([0.04, 0.25, 0.5, 0.75, 1.0])


@given(SHARES, SHARES, st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_no_other_way_is_cheaper(share: float, of_groups: float, wanted: set[str], rest: set[str]) -> None:
    """All choices, not only those that can matter."""
    each = {"labels": labels(share), "safe": safe(of_groups)}
    shareable = [each.get(name, Shareable(name, name, share)) for name in sorted(wanted - rest)]

    def dollars(on_sheets: set[str]) -> float:
        paid = sum(one.share * PRICES.of((one.on_sheet,)) for one in shareable if one.name in on_sheets)
        return paid + PRICES.of(rest | {one.name for one in shareable if one.name not in on_sheets})

    names = [one.name for one in shareable]
    ways = [set(way) for count in range(len(names) + 1) for way in combinations(names, count)]
    best = dollars(set(PRICES.better_on_sheets(shareable, rest)))
    assert best == pytest.approx(min(map(dollars, ways)), abs=1e-9)


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_asking_at_once_never_costs_more_than_asking_twice(some: set[str], others: set[str]) -> None:
    assert PRICES.of(some | others) <= PRICES.of(some) + PRICES.of(others)


def test_a_price_below_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        PriceList({"objects": -1.0})
