"""What the answer writers share: choosing findings by the request's own filters, and AWS's members out of a detection.

A finding of Rekognition itself carries its own item with typed geometry (`Detection.fields`); a finding of anybody else has
only the canonical detection, and gets the smallest shape that is valid in AWS's model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.model import Detection, Inquiry, Tree
from app.core.names import spoken
from app.wire.rekognition.geometry import to_wire
from app.wire.rekognition.refusals import VENDOR

PERCENT = 100.0
# Decimals of a confidence that is computed from a ratio: AWS's own are 32-bit floats, about 7 digits.
_PERCENT_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class LabelFilters:
    """`Settings.GeneralLabels` of DetectLabels: exact names of labels and of categories."""

    include_labels: frozenset[str] = frozenset()
    exclude_labels: frozenset[str] = frozenset()
    include_categories: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()

    def admits(self, name: str, categories: frozenset[str]) -> bool:
        """Named in an inclusion filter, if there are any, and in no exclusion filter."""
        if name in self.exclude_labels or categories & self.exclude_categories:
            return False
        open_to_all = not self.include_labels and not self.include_categories
        return open_to_all or name in self.include_labels or bool(categories & self.include_categories)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of its answer, beyond its inquiry (`Call.memo`): nothing of it changes the inference."""

    general_labels: bool = True
    filters: LabelFilters = field(default_factory=LabelFilters)
    summary: bool = False
    min_word_width: float = 0.0
    min_word_height: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """The material of one answer."""

    detections: Sequence[Detection]
    inquiry: Inquiry
    wanted: Wanted = field(default_factory=Wanted)
    extra: Mapping[str, Tree] = field(default_factory=dict)

    def sure_enough(self) -> list[Detection]:
        """Those that reach the request's MinConfidence. A sheet was asked at its most modest neighbour's threshold."""
        least_unit = self.inquiry.min_score_unit
        return [item for item in self.detections if least_unit is None or item.score_unit >= least_unit]

    def versions(self, name: str) -> dict[str, str]:
        """The model version under `name`, where the vendor told it."""
        version = self.extra.get(name)
        return {name: version} if isinstance(version, str) else {}


@dataclass(frozen=True, slots=True)
class Written:
    """An answer's body, and how many of the detections are in it."""

    body: dict[str, Any]
    kept: int


def percent(score_unit: float) -> float:
    """A score as AWS gives it: 0 to 100."""
    return round(min(1.0, max(0.0, score_unit)) * PERCENT, _PERCENT_DECIMALS)


def own_item(detection: Detection, name: str) -> dict[str, Any] | None:
    """Rekognition's own item under `name`, its geometry in AWS's words; None for a finding of another vendor."""
    item = detection.fields.get(name) if detection.vendor == VENDOR else None
    return to_wire(item) if isinstance(item, dict) else None


def name_of(detection: Detection) -> str:
    """The label; another vendor's in AWS's words: "cell phone" is "Mobile Phone", and "sports car" is "Sports Car"."""
    return spoken(detection.label, detection.vendor, VENDOR)


def boxed(detection: Detection) -> dict[str, Any]:
    """The smallest item that is valid everywhere: where it is, and how sure the vendor was."""
    box = {} if detection.box is None else {"BoundingBox": to_wire(detection.box)}
    return {**box, "Confidence": percent(detection.score_unit)}
