"""Faults in what the eyes saw: the same for every vendor and operation.

In: sightings. Out: more sightings. The added ones have labels of their own, so that a test can tell them from true ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from app.detectors.contract import Sighting
from app.emulators.faults import FaultKind

OUTSIDE_LABEL = "Ghost"
MANY_LABEL = "Speck"
OUTSIDE_SHARE = 0.2
"""Size of a box outside the image, and its distance from the edge, as shares of the image."""
MANY_BOXES = 150
"""Of each kind: above every vendor's cap (100 faces, 64 celebrities, 15 persons)."""
MANY_SIDE_SHARE = 0.01
"""Side of each of the many boxes, as a share of the image: smaller than anything true."""
DISTURBED_KINDS = ("object", "face", "person")
SCORE_UNIT = 0.9


def disturbances(kind: FaultKind, width_px: int, height_px: int, seed: int) -> list[Sighting]:
    """What this kind of fault adds to the sightings; nothing for the kinds that are not about boxes."""
    if kind is FaultKind.OUTSIDE_BOXES:
        return list(_outside(width_px, height_px))
    if kind is FaultKind.MANY_BOXES:
        return list(_many(width_px, height_px, random.Random(seed)))  # noqa: S311 - repeatable on purpose
    return []


def _outside(width_px: int, height_px: int) -> Iterator[Sighting]:
    """One box beyond each edge of the image, of each kind."""
    centre, beyond, before = 0.5 - OUTSIDE_SHARE / 2, 1 + OUTSIDE_SHARE, -2 * OUTSIDE_SHARE
    for left, top in ((before, centre), (beyond, centre), (centre, before), (centre, beyond)):
        for kind in DISTURBED_KINDS:
            box = (left * width_px, top * height_px, (left + OUTSIDE_SHARE) * width_px, (top + OUTSIDE_SHARE) * height_px)
            yield Sighting(kind, OUTSIDE_LABEL, SCORE_UNIT, box)


def _many(width_px: int, height_px: int, chance: random.Random) -> Iterator[Sighting]:
    for kind in DISTURBED_KINDS:
        for _ in range(MANY_BOXES):
            left, top = (chance.uniform(0.0, 1.0 - MANY_SIDE_SHARE) for _ in range(2))
            box = (left * width_px, top * height_px, (left + MANY_SIDE_SHARE) * width_px, (top + MANY_SIDE_SHARE) * height_px)
            yield Sighting(kind, MANY_LABEL, SCORE_UNIT, box)
