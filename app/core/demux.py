"""From a sheet's detections to each image's own: the step at which nobody may get somebody else's box.

In: the `GridPlan` and the detections in the sheet's coordinates. Out: `Demultiplexed`, every job of the plan with its own
detections in its own image's coordinates, and the fate of those that were not handed out. Callers: the worker, calibration.

Kept mode: the centre of a box picks the image, at least half of the box must lie on that image's pixels, and what remains is
clipped to the image, or to its view where the sheet shows only that. Paper mode: I_r = floor((y_min + y_max) / (2 h_img)),
I_c = floor((x_min + x_max) / (2 w_img)), then subtract the cell's origin and divide by the scale, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.layout import GridPlan, Placement
from app.core.model import Detection, GridMode, Tree

# With half of its area on an image, a box lies there as much as on everything else together: no other has a better claim.
LEAST_SHARE = 0.5
# A corner this many sheets away is not a finding but noise; below it, no float arithmetic here can overflow.
FARTHEST_UNIT = 1e6
# A centre this near to an image's edge is on it: vendors answer in 32-bit floats, 1e-4 px on a sheet of 2000 px.
EDGE_TOLERANCE_PX = 0.01
_ANYWHERE = UnitBox(-FARTHEST_UNIT, -FARTHEST_UNIT, FARTHEST_UNIT, FARTHEST_UNIT)


@dataclass(frozen=True, slots=True)
class Demultiplexed:
    """`by_job` has an entry for every job of the plan, in the vendor's order. The rest are counts of detections.

    `seam`: lay mostly outside any one image and on two or more. `gutter`: the same on one or none, or out of all measure.
    `unplaced`: came without a box. Every detection is counted once.
    """

    by_job: Mapping[str, tuple[Detection, ...]]
    kept: int
    seam: int
    gutter: int
    unplaced: int


class _Fate(Enum):
    SEAM = "seam"
    GUTTER = "gutter"
    UNPLACED = "unplaced"


def demultiplex(plan: GridPlan, detections: Sequence[Detection]) -> Demultiplexed:
    """Hand every detection to the image it lies on. Never raises, however odd the boxes are."""
    find = _home_kept if plan.mode is GridMode.KEPT else _home_paper
    by_job: dict[str, list[Detection]] = {placement.job_id: [] for placement in plan.placements}
    lost = dict.fromkeys(_Fate, 0)
    for detection in detections:
        home = _Fate.UNPLACED if detection.box is None else find(plan, detection.box)
        if isinstance(home, _Fate):
            lost[home] += 1
        else:
            by_job[home.job_id].append(_moved(detection, _Frame(home, plan.sheet, clips=plan.mode is GridMode.KEPT)))
    return Demultiplexed(
        by_job={job_id: tuple(own) for job_id, own in by_job.items()},
        kept=sum(map(len, by_job.values())),
        seam=lost[_Fate.SEAM],
        gutter=lost[_Fate.GUTTER],
        unplaced=lost[_Fate.UNPLACED],
    )


def _home_kept(plan: GridPlan, box: UnitBox) -> Placement | _Fate:
    if not _sane(box):
        return _Fate.GUTTER
    box_px = box.to_pixels(plan.sheet)
    x_px, y_px = _centre(box_px)
    for placement in plan.placements:  # without a gutter, the edge's tolerance may let two of them hold the centre
        if _holds(placement.content, x_px, y_px) and _lies_on(box_px, placement.content):
            return placement
    touched = sum(1 for placement in plan.placements if _overlaps(box_px, placement.content))
    return _Fate.SEAM if touched > 1 else _Fate.GUTTER


def _home_paper(plan: GridPlan, box: UnitBox) -> Placement | _Fate:
    if not _sane(box):
        return _Fate.GUTTER
    cell = plan.placements[0].cell
    x_px, y_px = _centre(box.to_pixels(plan.sheet))
    spot = (math.floor(y_px / (cell.bottom_px - cell.top_px)), math.floor(x_px / (cell.right_px - cell.left_px)))
    return next((placement for placement in plan.placements if (placement.row, placement.column) == spot), _Fate.GUTTER)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The change from the sheet's coordinates to those of one image. `clips`: to what it shows; strangers are left out."""

    placement: Placement
    sheet: Size
    clips: bool

    def box(self, box: UnitBox) -> UnitBox:
        mapped = self.placement.to_image(box, self.sheet)
        first, last = self._clipped(mapped.left, mapped.top), self._clipped(mapped.right, mapped.bottom)
        return UnitBox(first.x, first.y, last.x, last.y)

    def point(self, point: UnitPoint) -> UnitPoint:
        mapped = self.placement.point_to_image(point, self.sheet)
        return self._clipped(mapped.x, mapped.y)

    def _clipped(self, x: float, y: float) -> UnitPoint:
        """A place in what is shown; in paper mode any that JSON can hold, so neither infinite nor NaN."""
        shown = self.placement.shown if self.clips else _ANYWHERE
        return UnitPoint(_clamp(x, shown.left, shown.right), _clamp(y, shown.top, shown.bottom))

    def tree(self, node: Tree) -> Tree:
        """The same tree with all geometry moved; items of lists whose own box belongs to a neighbour are left out."""
        match node:
            case UnitBox():
                return self.box(node)
            case UnitPoint():
                return self.point(node)
            case UnitLength():
                return self.placement.length_to_image(node, self.sheet)
            case dict():
                return {name: self.tree(value) for name, value in node.items()}
            case list():
                return [self.tree(item) for item in node if self._owns(item)]
            case _:
                return node

    def _owns(self, item: Tree) -> bool:
        box = _own_box(item)
        if box is None or not self.clips:
            return True
        return _sane(box) and _lies_on(box.to_pixels(self.sheet), self.placement.content)


def _moved(detection: Detection, frame: _Frame) -> Detection:
    box = None if detection.box is None else frame.box(detection.box)
    return detection.moved(box, {name: frame.tree(value) for name, value in detection.fields.items()})


def _own_box(item: Tree) -> UnitBox | None:
    """The box that says where an item is: the nearest one on the way down through objects, never through its own lists."""
    level: list[Tree] = [item]
    while level:
        for node in level:
            if isinstance(node, UnitBox):
                return node
        level = [value for node in level if isinstance(node, dict) for value in node.values()]
    return None


def _lies_on(box_px: PixelBox, content: PixelBox) -> bool:
    """At least half of the box, by area; a box without area lies where its centre is."""
    if box_px.area_px <= 0:
        return _holds(content, *_centre(box_px))
    common = box_px.intersection(content)
    return common is not None and common.area_px >= LEAST_SHARE * box_px.area_px


def _holds(content: PixelBox, x_px: float, y_px: float) -> bool:
    """Edges included: the gutter keeps images apart, so none can claim another's edge."""
    inside_x = content.left_px - EDGE_TOLERANCE_PX <= x_px <= content.right_px + EDGE_TOLERANCE_PX
    return inside_x and content.top_px - EDGE_TOLERANCE_PX <= y_px <= content.bottom_px + EDGE_TOLERANCE_PX


def _overlaps(box_px: PixelBox, content: PixelBox) -> bool:
    common = box_px.intersection(content)
    return common is not None and (common.area_px > 0 or box_px.area_px <= 0)


def _centre(box_px: PixelBox) -> tuple[float, float]:
    return (box_px.left_px + box_px.right_px) / 2, (box_px.top_px + box_px.bottom_px) / 2


def _sane(box: UnitBox) -> bool:
    return all(abs(edge) < FARTHEST_UNIT for edge in (box.left, box.top, box.right, box.bottom))


def _clamp(ratio: float, least: float, most: float) -> float:
    return min(most, max(least, ratio))
