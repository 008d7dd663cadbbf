"""What a calibration found, as the report shows it. Built by the runner; every figure is final, nothing here measures.

A drop is what was lost against every image alone: above zero worse, below zero better, as in `core.accuracy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Means(StrEnum):
    """How a row came to its layouts. The value is what the reader sees."""

    PAPER = "paper"
    FIXED = "fixed"
    SCOUT = "scout"
    ESCALATION = "escalation"
    BOTH = "scout + escalation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Row:
    """One way of sending all images. `low` and `high` are the drop's 95 % interval; `layouts` says how in words.

    `by_class` and `by_size` are mAP@0.5 like `map50`; a class or a size of which there is no object is absent.
    """

    name: str
    kind: Means
    layouts: str
    inferences_per_image: float
    map50: float
    drop: float
    low: float
    high: float
    by_class: Mapping[str, float] = field(default_factory=dict)
    by_size: Mapping[str, float] = field(default_factory=dict)
    is_chosen: bool = False

    def __post_init__(self) -> None:
        if self.inferences_per_image <= 0:
            raise ValueError(f"{self.name}: an image cannot cost {self.inferences_per_image} inferences")
        if not self.low <= self.high:  # also false for NaN
            raise ValueError(f"{self.name}: an interval from {self.low} to {self.high}")

    @property
    def saved(self) -> float:
        """The share of the bill that is not paid; below zero where escalation costs more than the grid saves."""
        return 1.0 - self.inferences_per_image


@dataclass(frozen=True, slots=True)
class ExampleSheet:
    """A sheet as it was sent, PNG or JPEG."""

    caption: str
    image: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        return "image/png" if self.image.startswith(b"\x89PNG") else "image/jpeg"


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """Everything that the report shows. `rows` begin with every image alone, which all drops are measured against.

    `paid` are the inferences that the whole calibration took. `has_truth`: false where the answers to single images are the
    reference. `max_map_drop` is the accuracy budget that the choice was made for.
    """

    title: str
    dataset: str
    provider: str
    rows: tuple[Row, ...]
    photos: int
    objects: int
    without_objects: int = 0
    has_truth: bool = True
    price_dollars: float = 0.0
    paid: int = 0
    max_map_drop: float | None = None
    objects_by_class: Mapping[str, int] = field(default_factory=dict)
    objects_by_size: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sheets: tuple[ExampleSheet, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("a report needs at least the row of the images alone")

    @property
    def alone(self) -> Row:
        return self.rows[0]

    @property
    def chosen(self) -> Row | None:
        return next((row for row in self.rows if row.is_chosen), None)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self.rows for name in row.by_class))

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for row in self.rows for name in row.by_size))


def pareto(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows that no other beats in both cost and drop, cheapest first."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.inferences_per_image, row.drop)):
        if not best or row.drop < best[-1].drop:
            best.append(row)
    return tuple(best)
