"""From a plan and its images to a sheet, ready to be sent. Caller: the worker (in a pool: this is CPU work), calibration.

In: a `GridPlan`, the images by job id, how to encode. Out: a `Sheet`, or `SpoiledSheet` naming the jobs whose image would not
decode, so that their neighbours can be composed without them. `compose` is `prepare` for each cell, then `assemble`; whoever
has several threads calls these two. Safe to call from several threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PIL import Image

from app.core.geometry import Size
from app.core.layout import GridPlan, Placement
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging.decode import decode
from app.imaging.encode import encode

# The grey with which detectors of the YOLO family fill what is left of their input: it looks like nothing to them.
FILL_RGB = (114, 114, 114)
# Above it the sheet's bytes grow faster than what they keep (measured: 85, 90, 95 keep 35.7, 37.6, 41.0 dB in 23, 29, 42 kB).
QUALITY = 90
_BEST_QUALITY = 100
_FORMATS = frozenset({"jpeg", "png"})


@dataclass(frozen=True, slots=True)
class Source:
    """An image as it came, and what its header says."""

    image: bytes = field(repr=False)
    picture: Picture


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a sheet is written: "jpeg" (or "png", without loss, for local models), in at most `max_bytes`."""

    format: str = "jpeg"
    max_bytes: int = 5_242_880  # Rekognition's Image.Bytes ("Guidelines and quotas in Amazon Rekognition")
    quality: int = QUALITY

    def __post_init__(self) -> None:
        if self.format not in _FORMATS or self.max_bytes < 1 or not 1 <= self.quality <= _BEST_QUALITY:
            raise ValueError(f"a sheet cannot be written as {self.format}, quality {self.quality}, {self.max_bytes} bytes")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The composed grid image, encoded."""

    data: bytes = field(repr=False)
    size: Size
    plan: GridPlan


class SpoiledSheet(Exception):
    """Some images would not decode: `failures` names exactly those jobs, with the problem of each."""

    def __init__(self, failures: Mapping[str, Problem]) -> None:
        super().__init__(f"{len(failures)} of the sheet's images cannot be decoded")
        self.failures: Mapping[str, Problem] = MappingProxyType(dict(failures))


def compose(plan: GridPlan, sources: Mapping[str, Source], encoding: Encoding) -> Sheet:
    """Paint the plan. Raises SpoiledSheet, or Problem(INTERNAL) where the sheet cannot be brought below `max_bytes`."""
    cells = {placement.job_id: prepare(placement, sources[placement.job_id]) for placement in plan.placements}
    return assemble(plan, cells, encoding)


def prepare(placement: Placement, source: Source) -> Image.Image | Problem:
    """What the placement shows, upright and of its content's size; or the problem of an image that would not decode."""
    if source.picture.upright != placement.source:
        raise ValueError(f"{placement.job_id} was planned as {placement.source}, but is {source.picture.upright}")
    try:
        return decode(source.image, source.picture, placement.content_size, placement.view)
    except Problem as problem:
        return problem


def assemble(plan: GridPlan, cells: Mapping[str, Image.Image | Problem], encoding: Encoding) -> Sheet:
    """Put prepared cells, by job id, on one sheet. Raises as `compose` does."""
    failures = {job_id: cell for job_id, cell in cells.items() if isinstance(cell, Problem)}
    if failures:
        raise SpoiledSheet(failures)
    canvas = Image.new("RGB", (plan.sheet.width_px, plan.sheet.height_px), FILL_RGB)
    for placement in plan.placements:
        cell = cells[placement.job_id]
        if isinstance(cell, Image.Image):
            canvas.paste(cell, (int(placement.content.left_px), int(placement.content.top_px)))
    data = encode(canvas, encoding.format, quality=encoding.quality, max_bytes=encoding.max_bytes)
    if data is None:
        raise Problem(Kind.INTERNAL, f"a sheet of {plan.sheet} pixels does not fit into {encoding.max_bytes} bytes")
    return Sheet(data, plan.sheet, plan)
