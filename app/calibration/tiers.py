"""Which ways of packing a calibration tries, and how photographs are dealt onto sheets.

In: the operator's layouts, the photographs' ids, a seed. Out: `Tier`s and `PlannedSheet`s. Pure but for the seeded shuffle.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from app.calibration.measuring import PlannedSheet
from app.core.geometry import PixelBox
from app.core.mix import ALONE_TIER, Tier
from app.core.model import GridMode, Layout


def _tier(text: str, mode: GridMode = GridMode.KEPT, *, crops: bool = False) -> Tier:
    return Tier(tuple(Layout.parse(part) for part in text.split("|")), mode, crops)


# The paper's own way, as the measure of all others.
PAPER = (_tier("1x2", GridMode.PAPER), _tier("2x1", GridMode.PAPER), _tier("2x2", GridMode.PAPER))
# Of two layouts with as many cells, the plan takes the one that suits the images' shapes.
KEPT = (_tier("1x2|2x1"), _tier("2x2"), _tier("2x3|3x2"), _tier("3x3"))
# Between these a scout decides. More of them foresaw no better, and would split a lane's traffic further (docs/accuracy.md).
SCOUTED = (ALONE_TIER, _tier("1x2|2x1", crops=True), _tier("2x2", crops=True), _tier("2x3|3x2", crops=True))

# Each cropped grid is measured with so many deals: what an image loses depends on who is beside it.
CROPPED_DEALS = 2


def fixed_tiers(layouts: Sequence[Layout]) -> tuple[Tier, ...]:
    """The fixed ways to try: ours, or each of the layouts that the operator named."""
    if not layouts:
        return KEPT
    return tuple(Tier((layout,)) for layout in dict.fromkeys(layouts) if layout.cells > 1)


def deal(photo_ids: Sequence[str], tier: Tier, seed: str, views: Mapping[str, PixelBox] | None = None) -> list[PlannedSheet]:
    """Photographs onto sheets, as chance has it; the last sheet may be fuller of air. Only cropping tiers show views."""
    order = sorted(photo_ids)
    random.Random(f"{seed}|{tier}").shuffle(order)  # noqa: S311  # which pictures meet, no secret
    parts = [tuple(order[start : start + tier.cells]) for start in range(0, len(order), tier.cells)]
    shown = views if tier.crops and views else {}
    return [PlannedSheet(tier, part, {name: shown[name] for name in part if name in shown}) for part in parts]


def most_inferences(tiers: Sequence[Tier], costs: Sequence[float], *, scouted: bool) -> float:
    """Inferences per photograph of a whole run that finds nothing stored."""
    fixed = 1.0 + sum(tier.cost for tier in (*PAPER, *tiers))
    return fixed + (CROPPED_DEALS * sum(tier.cost for tier in SCOUTED if not tier.is_alone) + sum(costs) if scouted else 0.0)
