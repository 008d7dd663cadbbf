"""Pictures for moderation: busy JPEGs with one safe or one unsafe marker of a wanted size.

The emulators are the surer of unsafe content the more of the picture it fills (`app.emulators.unsafe`), so the size of an
unsafe marker is given as what they go by: its side as a share of the picture's, sqrt(area of the marker / area of the picture).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.core.geometry import Size
from app.core.model import Detection, Inquiry
from app.core.moderation import counted_unit, threshold
from app.detectors.markers import MARKER_COUNT, QUIET_SHARE
from app.emulators.meanings import FIRST_UNSAFE_ID
from tests.support.marker_scenes import Placed, busy, stored

# Smaller patches are not read any more, on any vendor.
LEAST_PATCH_PX = 25
SAFE_SHARES = (0.1, 0.3)
JPEG_QUALITY = 90


def speaks_against(findings: Sequence[Detection], inquiry: Inquiry, margin: float) -> bool:
    """Whether the answer to a group may be about this client's image, judged with this margin."""
    return counted_unit(findings, inquiry, threshold(inquiry, margin)) is not None


def safe_picture(rng: np.random.Generator, size: Size) -> bytes:
    """Nothing in it is unsafe for anybody."""
    side_px = min(max(LEAST_PATCH_PX, _patch_side_px(size, rng.uniform(*SAFE_SHARES))), size.shortest_px)
    return _picture(rng, size, side_px, int(rng.integers(FIRST_UNSAFE_ID)))


def unsafe_picture(rng: np.random.Generator, size: Size, share: float, marker_id: int | None = None) -> bytes:
    """One unsafe marker; with an id, that one. ValueError where it would not fit, or be too small to be read."""
    side_px = _patch_side_px(size, share)
    if not LEAST_PATCH_PX <= side_px <= size.shortest_px:
        raise ValueError(f"a marker of {share} of {size} needs a patch of {side_px} px: from {LEAST_PATCH_PX} px on, inside")
    chosen = int(rng.integers(FIRST_UNSAFE_ID, MARKER_COUNT)) if marker_id is None else marker_id
    return _picture(rng, size, side_px, chosen)


def _patch_side_px(size: Size, share: float) -> int:
    """Quiet zone included, which does not count as the marker."""
    return round(share * math.sqrt(size.pixels) / (1 - 2 * QUIET_SHARE))


def _picture(rng: np.random.Generator, size: Size, side_px: int, marker_id: int) -> bytes:
    left_px = int(rng.integers(size.width_px - side_px + 1))
    top_px = int(rng.integers(size.height_px - side_px + 1))
    patch = Placed(marker_id, left_px, top_px, side_px)
    return stored(busy(size.width_px, size.height_px, patch, seed=int(rng.integers(2**31))), quality=JPEG_QUALITY)
