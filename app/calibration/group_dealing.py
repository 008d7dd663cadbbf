"""Which group sizes are tried, and who shares a sheet: at most one unsafe photograph, whose answer the sheet's is then.

In: the operator's largest group or layouts, labelled photographs, what the provider says of each alone. Out: `PlannedSheet`s.
Pure but for the seeded shuffle.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from app.calibration.group_scoring import MARGINS, THRESHOLDS, is_flagged
from app.calibration.measuring import PlannedSheet
from app.core.grouping import LAYOUTS
from app.core.mix import Tier
from app.core.model import Layout

SIZES = (2, 4, 6, 9)
LARGER_SIZES = (12, 16, 20, 25)
LARGEST = max(layout.cells for layout in LAYOUTS)
# So many sheets without an unsafe photograph at least, where there are enough photographs: fewer say too little.
SAFE_SHEETS = 30


def sizes_to_try(largest: int, layouts: Sequence[Layout]) -> tuple[int, ...]:
    """As many as the named layouts have cells; otherwise the usual ones, and larger ones where the operator allows them."""
    if layouts:
        return tuple(sorted({layout.cells for layout in layouts if 1 < layout.cells <= LARGEST}))
    return (*SIZES, *(size for size in LARGER_SIZES if size <= largest))


def tier_of(size: int) -> Tier:
    """How a group of so many is packed when serving."""
    cells = min(layout.cells for layout in LAYOUTS if layout.cells >= size)
    return Tier(tuple(layout for layout in LAYOUTS if layout.cells <= cells))


def sheets_of(size: int, unsafe: int, safe: int) -> int:
    """How many sheets are asked at this size."""
    return unsafe + _safe_sheets(size, safe)


def _safe_sheets(size: int, safe: int) -> int:
    return max(math.ceil(safe / size), min(SAFE_SHEETS, safe))


def quiet_neighbours(alone: Mapping[str, float], safe: Sequence[str], size: int) -> tuple[list[str], bool]:
    """Safe photographs that would not flag a sheet themselves, and whether there are enough; else the quietest."""
    quiet = [name for name in sorted(safe) if not is_flagged(alone[name], THRESHOLDS[0], MARGINS[-1])]
    if len(quiet) >= size - 1:
        return quiet, True
    return sorted(safe, key=lambda name: (alone[name], name))[: size - 1], False


def deal_groups(
    size: int, unsafe: Sequence[str], neighbours: Sequence[str], safe: Sequence[str], seed: str
) -> list[tuple[PlannedSheet, str | None]]:
    """Sheets with their unsafe photograph: one for each of those, among neighbours, and sheets of safe ones only.

    Photographs come round again once all were used. Needs size - 1 neighbours and as many safe photographs as a sheet holds.
    """
    rng = random.Random(f"{seed}|{size}")  # noqa: S311  # which pictures meet, no secret
    tier, dealt = tier_of(size), _deck(neighbours, rng)
    sheets: list[tuple[PlannedSheet, str | None]] = []
    for name in sorted(unsafe):
        members = [name, *_distinct(dealt, size - 1)]
        rng.shuffle(members)
        sheets.append((PlannedSheet(tier, tuple(members), {}), name))
    dealt = _deck(safe, rng)
    full = [tuple(_distinct(dealt, size)) for _ in range(_safe_sheets(size, len(safe)))]
    return [*sheets, *((PlannedSheet(tier, members, {}), None) for members in full)]


def _deck(names: Sequence[str], rng: random.Random) -> Iterator[str]:
    """All of them in a new order, again and again."""
    while True:
        order = sorted(names)
        rng.shuffle(order)
        yield from order


def _distinct(dealt: Iterator[str], count: int) -> list[str]:
    members: dict[str, None] = {}
    while len(members) < count:
        members[next(dealt)] = None
    return list(members)
