"""How sure an emulated vendor is of unsafe content: the smaller it is in the picture, the less. The same for every vendor.

In: a scene. Out: scores by kind of content. Which markers are unsafe says `meanings`; each vendor has its own kinds, and its
own words for scores.

    side share = sqrt(area of the content / area of the picture)
    score      = the marker's own score x min(1, sqrt(side share / SURE_SIDE_SHARE)), and 0 below LEAST_SIDE_SHARE

A classifier squeezes whatever it is given into one small square, so only the share of the picture counts: an image that is
one of nine on a sheet is a third as large for it, however many pixels the sheet has. No vendor says how its scores fall; the
rule is ours, made so that a group test can miss something, and that how much can be measured.
"""

from __future__ import annotations

import math

from app.emulators.meanings import is_unsafe
from app.emulators.scene import Scene, Seen

SURE_SIDE_SHARE = 0.35
"""Content from this size on takes nothing away from its score."""
LEAST_SIDE_SHARE = 0.012
"""Smaller content is not seen at all: under three pixels of the 224 x 224 that classifiers commonly look at."""


def scores_by_kind(scene: Scene, kinds: int) -> dict[int, float]:
    """The score of each kind of content that is seen, by its surest marker, the surest kind first.

    Unsafe markers take the kinds 0 to `kinds` - 1 in turn by id.
    """
    found: dict[int, float] = {}
    for marker in scene.markers:
        if marker.marker_id is not None and is_unsafe(marker.marker_id):
            kind = marker.marker_id % kinds
            found[kind] = max(found.get(kind, 0.0), _score_unit(marker, scene))
    seen = [entry for entry in found.items() if entry[1] > 0.0]
    return dict(sorted(seen, key=lambda entry: -entry[1]))


def size_factor(side_share: float) -> float:
    """What is left of a score, by the content's side as a share of the picture's."""
    return 0.0 if side_share < LEAST_SIDE_SHARE else min(1.0, math.sqrt(side_share / SURE_SIDE_SHARE))


def _score_unit(marker: Seen, scene: Scene) -> float:
    height_px, width_px = scene.rgb.shape[:2]
    return marker.sighting.score_unit * size_factor(math.sqrt(marker.area_px / (width_px * height_px)))
