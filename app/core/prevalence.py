"""The share of unsafe images, estimated while they come: pure.

In: how many images were decided, and how many of them were unsafe. Out: the estimate that group sizes follow. Older images
count ever less, so that a flood of unsafe uploads is noticed within a few hundred images, and forgotten as fast.

At the start nothing is known, and the estimate is that of a fair coin with little weight (a Beta prior): images go alone, at
no loss, until a handful of clean ones speaks for groups. So a start costs a few inferences and never more than asking alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# After so many further images an image counts 1/e: at a prevalence of 0.1 the estimate is then within 0.01 of the truth two
# times in three.
MEMORY_IMAGES = 1000.0
# The prior: so many images seen before the first one, half of them unsafe. A group of three pays below a prevalence of about
# 0.3, which three clean images are enough for.
PRIOR_IMAGES = 4.0
PRIOR_UNSAFE = 2.0


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Decayed counts. `images` >= `unsafe` >= 0."""

    images: float = 0.0
    unsafe: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.unsafe <= self.images:  # also false for NaN
            raise ValueError(f"{self.unsafe} unsafe images of {self.images}")

    @property
    def estimate(self) -> float:
        """Mean of the posterior, 0 to 1."""
        return (self.unsafe + PRIOR_UNSAFE) / (self.images + PRIOR_IMAGES)

    def seen(self, images: int, unsafe: int) -> Prevalence:
        """After so many more images. ValueError unless images >= unsafe >= 0."""
        if not 0 <= unsafe <= images:
            raise ValueError(f"{unsafe} unsafe images of {images}")
        kept = math.exp(-images / MEMORY_IMAGES)
        return Prevalence(self.images * kept + images, self.unsafe * kept + unsafe)
