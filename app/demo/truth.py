"""What an image shows, and what an answer says it shows.

In: boto3's own `detect_labels` answer. Out: `Seen` boxes, in ratios of the upright image. Called by `checking`, `scenes`,
`photographs`, `drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.geometry import UnitBox

PERCENT = 100.0  # Rekognition's confidences are percentages


@dataclass(frozen=True, slots=True)
class TrueObject:
    """One thing that is really in an image. `parents` are its label's ancestors, nearest (its class) first."""

    label: str
    box: UnitBox
    parents: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The class that its label belongs to; "" where there is none."""
        return self.parents[0] if self.parents else ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that an answer claims to be in an image. A label without an instance has no box."""

    label: str
    score_unit: float
    box: UnitBox | None


def seen_in(answer: Mapping[str, Any]) -> tuple[Seen, ...]:
    """Every instance of every label; a label without instances once, without a box."""
    return tuple(seen for label in answer.get("Labels", ()) for seen in _seen_of(label))


def _seen_of(label: Mapping[str, Any]) -> Iterator[Seen]:
    name, confidence = str(label.get("Name", "")), float(label.get("Confidence", 0.0))
    instances = label.get("Instances") or ()
    if not instances:
        yield Seen(name, confidence / PERCENT, None)
    for instance in instances:
        box = instance["BoundingBox"]
        unit = UnitBox.from_ltwh(box["Left"], box["Top"], box["Width"], box["Height"])
        yield Seen(name, float(instance.get("Confidence", confidence)) / PERCENT, unit)


def overlap(one: UnitBox, other: UnitBox) -> float:
    """Intersection over union, 0..1. The same in ratios as in pixels, since both axes only scale."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.area + other.area - common)
