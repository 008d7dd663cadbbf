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

from app.core.detector_input import DetectorInput


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


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model says of itself. `identity`: the same for the same weights, wherever they lie. `paper_table`: the column of
    the paper's table that comes nearest. `usual_score_unit`: what clients who name no threshold should be given.
    """

    identity: str
    seen: DetectorInput
    has_people: bool
    usual_score_unit: float
    paper_table: str = "detr"


class Model(Detector, Protocol):
    """A detector that learned what it sees."""

    @property
    def facts(self) -> ModelFacts: ...


class UnusableModel(ValueError):
    """A model, or what its recipe says of it, that cannot be used; the message names the file."""
