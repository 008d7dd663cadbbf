"""Adult, racy and gory content: markers stand for unsafe content (`meanings`), the rest is judged by its colours.

In: a scene. Out: the member `adult` of 3.2. The score falls as the content gets smaller (`unsafe`). What colours alone say (the
share of skin tones, of blood reds) stays far below the border, and below the lower ones that sheets of images are judged by.
"""

from __future__ import annotations

import numpy as np

from app.emulators.azure.parameters import Json
from app.emulators.pixels import Pixels, sampled
from app.emulators.scene import Scene
from app.emulators.unsafe import scores_by_kind

KINDS = (("isAdultContent", "adultScore"), ("isRacyContent", "racyScore"), ("isGoryContent", "goreScore"))
"""Members of the answer. Unsafe markers take the kinds in turn by id."""
BORDER = 0.5
"""Scores above it are flagged."""
COLOUR_WEIGHT = 0.08
"""Score of an image that is all skin, or all blood."""


def adult(scene: Scene) -> Json:
    skin, blood = _shares(scene.rgb)
    scores = [skin * COLOUR_WEIGHT / 2, skin * COLOUR_WEIGHT, blood * COLOUR_WEIGHT]
    for kind, score in scores_by_kind(scene, len(KINDS)).items():
        scores[kind] = max(scores[kind], score)
    flags = {flag: score > BORDER for (flag, _), score in zip(KINDS, scores, strict=True)}
    return flags | {name: score for (_, name), score in zip(KINDS, scores, strict=True)}


def _shares(rgb: Pixels) -> tuple[float, float]:
    """Shares of pixels with a skin tone, and with a dark strong red."""
    red, green, blue = (sampled(rgb)[..., channel].astype(np.int32) for channel in range(3))
    skin = (red > 95) & (green > 40) & (blue > 20) & (red - green > 15) & (green > blue) & (red - blue < 120)
    blood = (red > 80) & (red < 200) & (green < red // 3) & (blue < red // 3)
    return float(skin.mean()), float(blood.mean())
