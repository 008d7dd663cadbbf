"""Which ways of packing a calibration tries, and how photographs are dealt onto sheets.

In: the operator's layouts, the photographs' ids, a seed. Out: `Tier`s and `PlannedSheet`s. Pure but for the seeded shuffle.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from app.calibration.measuring import PlannedSheet
from app.core.geometry import PixelBox, Size
from app.core.mix import ALONE_TIER, Tier
from app.core.model import GridMode, Layout, Shape


def _tier(text: str, mode: GridMode = GridMode.KEPT, *, crops: bool = False, by_shape: bool = False) -> Tier:
    return Tier(tuple(Layout.parse(part) for part in text.split("|")), mode, crops, by_shape)


# The paper's own way, as the measure of all others.
PAPER = (_tier("1x2", GridMode.PAPER), _tier("2x1", GridMode.PAPER), _tier("2x2", GridMode.PAPER))
# Of two layouts with as many cells, the plan takes the one that suits the images' shapes.
KEPT = (_tier("1x2|2x1"), _tier("2x2"), _tier("2x3|3x2"), _tier("3x3"))
# The same, landscape and portrait apart: what is shown alike shares rows and columns better, at the price of twice the lanes.
SHAPED = (_tier("1x2|2x1", by_shape=True), _tier("2x2", by_shape=True))
# Between these a scout decides. More of them foresaw no better, and would split a lane's traffic further (docs/accuracy.md).
SCOUTED = (
    ALONE_TIER,
    _tier("1x2|2x1", crops=True, by_shape=True),
    _tier("2x2", crops=True, by_shape=True),
    _tier("2x3|3x2", crops=True, by_shape=True),
)

# Each cropped grid is measured with so many deals: what an image loses depends on who is beside it.
CROPPED_DEALS = 3


def fixed_tiers(layouts: Sequence[Layout]) -> tuple[Tier, ...]:
    """The fixed ways to try: ours, or each of the layouts that the operator named."""
    if not layouts:
        return (*KEPT, *SHAPED)
    return tuple(Tier((layout,)) for layout in dict.fromkeys(layouts) if layout.cells > 1)


def deal(photos: Mapping[str, Size], tier: Tier, seed: str, views: Mapping[str, PixelBox] | None = None) -> list[PlannedSheet]:
    """Photographs (their upright sizes by id) onto sheets, as chance has it; each shape's last sheet may be part empty.

    Only cropping tiers show views.
    """
    shown = {name: views[name] for name in photos if name in views} if tier.crops and views else {}
    rng = random.Random(f"{seed}|{tier}")  # noqa: S311  # which pictures meet, no secret
    sheets = []
    for members in _by_shape(photos, tier, shown):
        rng.shuffle(members)
        parts = [tuple(members[start : start + tier.cells]) for start in range(0, len(members), tier.cells)]
        sheets += [PlannedSheet(tier, part, {name: shown[name] for name in part if name in shown}) for part in parts]
    return sheets


def _by_shape(photos: Mapping[str, Size], tier: Tier, shown: Mapping[str, PixelBox]) -> list[list[str]]:
    groups: dict[Shape, list[str]] = {}
    for name, size in sorted(photos.items()):
        groups.setdefault(tier.shape(size, shown.get(name)), []).append(name)
    return [groups[shape] for shape in sorted(groups)]


def most_inferences(tiers: Sequence[Tier], costs: Sequence[float], *, scouted: bool) -> float:
    """Inferences per photograph of a whole run that finds nothing stored."""
    fixed = 1.0 + sum(tier.cost for tier in (*PAPER, *tiers))
    return fixed + (CROPPED_DEALS * sum(tier.cost for tier in SCOUTED if not tier.is_alone) + sum(costs) if scouted else 0.0)
