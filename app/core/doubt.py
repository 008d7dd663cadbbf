"""How unsure a grid was about an image: which answers are worth asking for again, alone. Pure.

In: an image's detections out of a grid. Out: `doubt`, 0 is sure; and `Cap`, which keeps the re-asked share below its limit.
The rule is the size of the smallest thing that was seen with some confidence: what is smaller still was not found. On VOC it
lost half as much as ordering by the best score, on COCO about the same (docs/accuracy.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.model import Detection

# From this score on a finding counts as seen.
SEEN_SCORE = 0.25
# Images over which the share is kept: long enough to be even, short enough to follow the day.
CAP_MEMORY = 200.0


def doubt(detections: Sequence[Detection]) -> float:
    """0 to 1: 1 - the side of the smallest thing seen, as a ratio of the image's. Where nothing was seen, 1 + the best score:
    what was dimly there is more worth a second look than what is empty.
    """
    sides = [math.sqrt(max(0.0, found.box.area)) for found in detections if found.box and found.score_unit >= SEEN_SCORE]
    if sides:
        return 1.0 - min(1.0, min(sides))
    return 1.0 + max((found.score_unit for found in detections), default=0.0)


@dataclass(slots=True)
class Cap:
    """Keeps the share of images that are asked again below `max_share`; older images count ever less."""

    max_share: float
    images: float = 0.0
    again: float = 0.0

    def admit(self, *, wanted: bool) -> bool:
        """Count one more image out of a grid; whether it is asked again."""
        keep = 1.0 - 1.0 / CAP_MEMORY
        self.images = self.images * keep + 1.0
        self.again *= keep
        if not wanted or self.again + 1.0 > self.max_share * self.images:
            return False
        self.again += 1.0
        return True
