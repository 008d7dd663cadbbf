"""Clip art and line drawings, told by how even an image is and how much of it is white.

In: pixels. Out: the member `imageType` of 3.2.
"""

from __future__ import annotations

import numpy as np

from app.emulators.azure.colors import is_black_and_white
from app.emulators.azure.parameters import Json
from app.emulators.pixels import Pixels, luma, sampled

EVEN_LEVELS = 2
"""Grey levels by which two neighbours may differ and still be one flat colour."""
EVEN_SHARES = (0.6, 0.75, 0.9)
"""Shares of even neighbours from which an image is clip art of kind 1 (perhaps), 2 (normal), 3 (good)."""
WHITE_LEVEL, DARK_LEVEL = 225, 110
PAPER_SHARE = 0.7
"""Least share of white in a line drawing."""
INK_SHARES = (0.002, 0.25)
"""Least and most share of dark in a line drawing."""


def image_type(rgb: Pixels) -> Json:
    grey = luma(sampled(rgb))
    even = float((np.abs(np.diff(grey, axis=1)) <= EVEN_LEVELS).mean())
    paper, ink = float((grey > WHITE_LEVEL).mean()), float((grey < DARK_LEVEL).mean())
    drawn = is_black_and_white(rgb) and paper >= PAPER_SHARE and INK_SHARES[0] <= ink <= INK_SHARES[1]
    return {"clipArtType": sum(even >= share for share in EVEN_SHARES), "lineDrawingType": int(drawn)}
