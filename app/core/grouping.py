"""How many images a group test begins with: pure.

In: the estimated prevalence of unsafe images, and the largest group that the operator allows. Out: a `Choice` like that of an
accuracy budget, whose one tier holds the layouts for groups of the best size. Called by `work.grouping`.
"""

from __future__ import annotations

from functools import lru_cache

from app.core.group_cost import group_cost
from app.core.mix import Choice, Expected, Mix, Tier
from app.core.model import ALONE, Layout

# What such a choice is named after.
PREVALENCE = "prevalence"

# Grids in which photographs of usual shapes stay large; a group has the size of one of these, its parts use the smaller ones.
LAYOUTS = tuple(
    Layout.parse(text)
    for text in "1x2 2x1 1x3 3x1 2x2 2x3 3x2 2x4 4x2 3x3 3x4 4x3 3x5 5x3 4x4 4x5 5x4 5x5".split()  # noqa: SIM905  # reads as a list
)
# Prevalences are told apart to so many decimals, so that a lane does not change with every image.
_DECIMALS = 3


def group_choice(prevalence: float, largest: int) -> Choice:
    """What an image that is to be moderated may be part of; alone where no group is expected to cost less."""
    return _choice(round(prevalence, _DECIMALS), largest)


@lru_cache(maxsize=4096)
def _choice(prevalence: float, largest: int) -> Choice:
    sizes = sorted({1, *(layout.cells for layout in LAYOUTS if layout.cells <= largest)})
    best = min(sizes, key=lambda size: (group_cost(size, prevalence) / size, size))
    layouts = tuple(layout for layout in LAYOUTS if layout.cells <= best) if best > 1 else (ALONE,)
    if layouts == (ALONE,):
        return Choice.alone(PREVALENCE)
    tier = Tier(layouts)
    cost = group_cost(best, prevalence) / best
    return Choice(Mix(f"groups of {best}", (tier,), Expected(cost, 0.0)), tier, PREVALENCE)
