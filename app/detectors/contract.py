"""Detectors: local eyes. Pixels in, findings out; no vendor, no wire.

D1  `look` is synchronous CPU work and safe to call from several threads at once.
D2  Boxes are pixels of the array that was given, xyxy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing seen. `kind` is "object", "face" or "person"; `points` are named places in pixels (a face's landmarks)."""

    kind: str
    label: str
    score_unit: float
    box_xyxy_px: tuple[float, float, float, float]
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    parents: tuple[str, ...] = ()


class Detector(Protocol):
    """Something that looks at an RGB image (height x width x 3, uint8)."""

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]: ...
