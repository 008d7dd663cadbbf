"""A budget buys the cheapest mix inside it, and an image goes where loss and price together are smallest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size
from app.core.mix import ALL_ALONE, ALONE_TIER, Escalation, Expected, Means, Mix, Tier, cheapest, choose
from app.core.model import ALONE, GridMode, Layout, Shape


def tier(text: str, *, crops: bool = False) -> Tier:
    return Tier(tuple(Layout.parse(part) for part in text.split("|")), crops=crops)


PAIR, FOUR, NINE = tier("1x2|2x1"), tier("2x2"), tier("3x3")
CROPPED = (ALONE_TIER, tier("1x2|2x1", crops=True), tier("2x2", crops=True))


def mix(name: str, cost: float, drop: float, *tiers: Tier, escalation: Escalation | None = None) -> Mix:
    return Mix(name, tiers or (PAIR,), Expected(cost, drop), trade=1.0, escalation=escalation)


MIXES = (
    mix("pairs", 0.5, 0.03),
    mix("fours", 0.25, 0.08, FOUR),
    mix("scouted", 0.4, 0.02, *CROPPED),
    mix("fours again", 0.45, 0.025, FOUR, escalation=Escalation(0.5, 0.2)),
)


@pytest.mark.parametrize(
    ("budget", "has_scout", "chosen", "fallback"),
    [
        (0.0, True, "1x1", ALONE_TIER),
        (-1.0, True, "1x1", ALONE_TIER),
        (0.001, True, "1x1", ALONE_TIER),
        (0.02, True, "scouted", ALONE_TIER),
        (0.02, False, "1x1", ALONE_TIER),
        (0.025, False, "fours again", ALONE_TIER),
        (0.03, True, "scouted", PAIR),
        (0.079, True, "scouted", PAIR),
        (0.08, True, "fours", FOUR),
        (1.0, False, "fours", FOUR),
    ],
)
def test_the_cheapest_mix_inside_the_budget(budget: float, has_scout: bool, chosen: str, fallback: Tier) -> None:
    choice = choose(MIXES, budget, source="test", means=set(Means) - (set() if has_scout else {Means.SCOUT}))
    assert (choice.mix.name, choice.fallback) == (chosen, fallback)


def test_without_mixes_every_image_goes_alone() -> None:
    assert choose((), 0.5, source="test", means=set(Means)).mix is ALL_ALONE


@given(st.lists(st.tuples(st.floats(0.05, 1), st.floats(-0.2, 0.6)), max_size=8), st.floats(0, 0.6), st.floats(0, 0.6))
def test_a_larger_budget_never_costs_more_and_no_budget_is_broken(
    figures: list[tuple[float, float]], one: float, other: float
) -> None:
    mixes = [mix(str(number), cost, drop) for number, (cost, drop) in enumerate(figures)]
    small, large = (choose(mixes, budget, source="test", means=set(Means)).mix for budget in sorted((one, other)))
    assert large.expected.cost <= small.expected.cost
    assert large.expected.drop <= max(one, other) + 1e-3


@given(st.lists(st.floats(-1, 3), min_size=3, max_size=3), st.floats(0, 5), st.floats(0, 5))
def test_a_dearer_inference_never_moves_an_image_to_a_dearer_tier(losses: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CROPPED[cheapest(losses, CROPPED, high)].cost <= CROPPED[cheapest(losses, CROPPED, low)].cost


def test_an_image_goes_where_loss_and_price_are_smallest() -> None:
    scouted = MIXES[2]
    assert scouted.tier((0.0, 0.6, 0.9)) == ALONE_TIER
    assert scouted.tier((0.0, 0.1, 0.9)) == CROPPED[1]
    assert scouted.tier((0.0, 0.1, 0.1)) == CROPPED[2]
    with pytest.raises(ValueError, match="2 losses for 3 tiers"):
        scouted.tier((0.0, 0.1))


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least one layout"):
        Tier(())
    with pytest.raises(ValueError, match="sent whole"):
        Tier((ALONE,), crops=True)
    with pytest.raises(ValueError, match="at least one tier"):
        Mix("none", (), Expected(1, 0))
    with pytest.raises(ValueError, match="buy"):
        Mix("odd", (PAIR,), Expected(1, 0), trade=float("nan"))
    with pytest.raises(ValueError, match="measured"):
        Expected(float("nan"), 0)
    with pytest.raises(ValueError, match="share"):
        Escalation(0.5, 1.5)


def test_tiers_have_names_that_tell_them_apart() -> None:
    assert [str(one) for one in (PAIR, CROPPED[1], Tier((Layout(2, 2),), GridMode.PAPER))] == [
        "1x2|2x1",
        "1x2|2x1 cropped",
        "2x2 paper",
    ]
    assert (PAIR.cells, PAIR.cost, NINE.is_alone, ALONE_TIER.is_alone) == (2, 0.5, False, True)


def test_a_mix_names_the_means_that_it_uses() -> None:
    assert [set(one.means) for one in MIXES] == [set(), set(), {Means.SCOUT}, {Means.ESCALATION}]
    shaped = Mix("shaped", (Tier((Layout(2, 2),), by_shape=True),), Expected(0.25, 0.01))
    assert (set(shaped.means), shaped.needs_placing, FOUR.shape(Size(1, 9))) == ({Means.SHAPES}, True, Shape.ANY)
    assert (shaped.tiers[0].shape(Size(1, 9)), shaped.tiers[0].shape(Size(9, 9))) == (Shape.PORTRAIT, Shape.LANDSCAPE)


def test_what_is_switched_off_is_not_chosen() -> None:
    assert choose(MIXES, 0.03, source="test", means=()).mix.name == "pairs"
    assert choose(MIXES, 0.03, source="test", means={Means.ESCALATION}).mix.name == "fours again"
