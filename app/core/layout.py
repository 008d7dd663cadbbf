"""Where every image lands on a sheet: the choice of the grid, and the plan that composing and demultiplexing share.

In: the images' ids, upright sizes and views, the allowed layouts, the rules of the sheet. Out: a `GridPlan`. Callers: the
worker (plans a batch), `imaging.compose` (paints it), `core.demux` (maps the answer back), calibration.

The layout is chosen by relative scale: how large the detector sees an image on the sheet, divided by how large it would see
it alone. A detector that scales the longest side of its input to a fixed length gives longest side of the content / longest
side of the sheet. Over the images of a sheet the harmonic mean decides, because what an image loses is close to proportional
to 1 / relative scale - 1: for landscape photographs at 2x1, 2x2 and 3x3 that is 0.5, 1 and 2, and the drops of mAP@0.5 that we
measured on VOC 2012 were 0.088, 0.150, 0.328 with DEIMv2-femto and 0.072, 0.147, 0.351 with YOLOX-nano. Hence landscape images
are stacked and portrait ones stand side by side.

Of an image, a sheet may show a view only: its content then holds exactly those pixels, and all mapping goes through it. How
large it is seen is still measured against being alone, and whole: the smaller a part of its image, the less room a view needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

from app.core.fitting import Fit, best_fit, compact_shapes, harmonic_mean, score_key
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.model import GridMode, Layout, require_view

# Wide enough that no JPEG block (8 px) holds two images and a detector's smallest stride (8 px) sees the border between them;
# our accuracy figures for this mode were measured with it.
GUTTER_PX = 16
# The largest side that DetectLabels accepts ("Guidelines and quotas in Amazon Rekognition"), and a bound for memory.
MAX_SHEET_SIDE_PX = 10_000
# The paper stretches every image to one cell: the size that most photographs of its data set, VOC 2012, have.
PAPER_CELL = Size(500, 375)
# The smallest image that DetectLabels accepts (same page): a smaller one goes alone, and gets the vendor's own answer.
MIN_GRID_SIDE_PX = 80
# In a 2x2 sheet an image of 5:1 is a tenth of the sheet's side high, and things below 5 % of the shorter side are not found
# (Rekognition FAQ, "How small can an object be"): beyond 5:1 only what fills more than half of the image's height could still
# be found. Sent alone, that height is the whole shorter side.
MAX_GRID_ASPECT = 5.0
_ALL_WHOLE: Mapping[str, PixelBox] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Placement:
    """One image on the sheet: its `cell`, the `content` (whole pixels) where its pixels land, its upright size `source`.

    `view` is the part of the upright image that the content shows; None: all of it.
    """

    job_id: str
    row: int
    column: int
    cell: PixelBox
    content: PixelBox
    source: Size
    view: PixelBox | None = None

    def __post_init__(self) -> None:
        if self.view is not None:
            require_view(self.view, self.source)
        if not all(float(edge_px).is_integer() for edge_px in self.content):
            raise ValueError(f"content of {self.job_id} does not lie on whole pixels: {self.content}")
        if self.content.area_px < 1 or not _inside(self.content, self.cell):
            raise ValueError(f"content of {self.job_id} is empty or leaves its cell: {self.content} in {self.cell}")

    @property
    def content_size(self) -> Size:
        """Size on the sheet of what is shown."""
        return _size(self.content)

    @property
    def shown_size(self) -> Size:
        """Size in the image of what is shown."""
        return self.source if self.view is None else _size(self.view)

    @property
    def shown(self) -> UnitBox:
        """What is shown, in the image's coordinates: all of them (0 to 1), or the view's."""
        return UnitBox(0.0, 0.0, 1.0, 1.0) if self.view is None else self.view.to_unit(self.source)

    @property
    def scale_x(self) -> float:
        """Sheet pixels per pixel of the image, horizontally."""
        return self.content_size.width_px / self.shown_size.width_px

    @property
    def scale_y(self) -> float:
        """Sheet pixels per pixel of the image, vertically."""
        return self.content_size.height_px / self.shown_size.height_px

    def point_to_image(self, point: UnitPoint, sheet: Size) -> UnitPoint:
        """From the sheet's coordinates to the image's; not clamped."""
        content, shown = self.content_size, self.shown
        return UnitPoint(
            shown.left + (point.x * sheet.width_px - self.content.left_px) / content.width_px * shown.width,
            shown.top + (point.y * sheet.height_px - self.content.top_px) / content.height_px * shown.height,
        )

    def length_to_image(self, length: UnitLength, sheet: Size) -> UnitLength:
        """From ratios of the sheet's width to ratios of the image's."""
        return UnitLength(length.x * sheet.width_px / self.content_size.width_px * self.shown.width)

    def to_image(self, box: UnitBox, sheet: Size) -> UnitBox:
        """From the sheet's coordinates to the image's; not clipped."""
        first = self.point_to_image(UnitPoint(box.left, box.top), sheet)
        last = self.point_to_image(UnitPoint(box.right, box.bottom), sheet)
        return UnitBox(first.x, first.y, last.x, last.y)

    def point_to_sheet(self, point: UnitPoint, sheet: Size) -> UnitPoint:
        """From the image's coordinates to the sheet's."""
        content, shown = self.content_size, self.shown
        return UnitPoint(
            (self.content.left_px + (point.x - shown.left) / shown.width * content.width_px) / sheet.width_px,
            (self.content.top_px + (point.y - shown.top) / shown.height * content.height_px) / sheet.height_px,
        )

    def to_sheet(self, box: UnitBox, sheet: Size) -> UnitBox:
        """From the image's coordinates to the sheet's."""
        first = self.point_to_sheet(UnitPoint(box.left, box.top), sheet)
        last = self.point_to_sheet(UnitPoint(box.right, box.bottom), sheet)
        return UnitBox(first.x, first.y, last.x, last.y)


@dataclass(frozen=True, slots=True)
class GridPlan:
    """A sheet before it is painted. Rows and columns of `layout` that hold no image may take no room."""

    mode: GridMode
    layout: Layout
    sheet: Size
    placements: tuple[Placement, ...]

    def __post_init__(self) -> None:
        frame = PixelBox(0.0, 0.0, float(self.sheet.width_px), float(self.sheet.height_px))
        if not self.placements:
            raise ValueError("a plan places at least one image")
        if len({placement.job_id for placement in self.placements}) != len(self.placements):
            raise ValueError("a job has one place on a sheet")
        for placement in self.placements:
            if not (0 <= placement.row < self.layout.rows and 0 <= placement.column < self.layout.columns):
                raise ValueError(f"{placement.job_id} is at row {placement.row}, column {placement.column} of {self.layout}")
            if not _inside(placement.cell, frame):
                raise ValueError(f"the cell of {placement.job_id} leaves the sheet of {self.sheet}: {placement.cell}")
        for one, other in combinations(self.placements, 2):
            common = one.cell.intersection(other.cell)
            if common is not None and common.area_px > 0:
                raise ValueError(f"the cells of {one.job_id} and {other.job_id} overlap")


@dataclass(frozen=True, slots=True)
class GridRules:
    """What every sheet of a provider keeps to.

    `sheet_side_px`: the longest side is at most this; more gains nothing with this provider (kept mode only).
    `min_sheet_side_px`, `max_sheet_side_px`: the smallest and the largest side the provider accepts (both modes).
    """

    mode: GridMode
    sheet_side_px: int
    gutter_px: int = GUTTER_PX
    max_sheet_side_px: int = MAX_SHEET_SIDE_PX
    min_sheet_side_px: int = 1

    def __post_init__(self) -> None:
        if self.sheet_side_px < 1 or self.gutter_px < 0:
            raise ValueError(f"a sheet of {self.sheet_side_px} px with a gutter of {self.gutter_px} px cannot be")
        if not 1 <= self.min_sheet_side_px <= min(self.sheet_side_px, self.max_sheet_side_px):
            raise ValueError(f"sheet sides from {self.min_sheet_side_px} to {self.max_sheet_side_px} px leave no room")

    @property
    def side_px(self) -> int:
        """Longest side of a sheet in kept mode."""
        return min(self.sheet_side_px, self.max_sheet_side_px)


def relative_scale(placement: Placement, sheet: Size) -> float:
    """How large a detector with a longest-side input sees the image on the sheet, divided by how large it sees it alone.

    Alone it is seen whole: a small view of it may be seen larger on the sheet, above 1. Where the two axes are scaled
    differently (paper mode) their geometric mean counts, as for areas.
    """
    return math.sqrt(placement.scale_x * placement.scale_y) * placement.source.longest_px / sheet.longest_px


def fits_a_grid(
    size: Size,
    *,
    min_side_px: int = MIN_GRID_SIDE_PX,
    max_side_px: int = MAX_SHEET_SIDE_PX,
    max_aspect: float = MAX_GRID_ASPECT,
) -> bool:
    """False for an image that should be sent alone: too small or too large for the provider itself, or too elongated."""
    if size.shortest_px < min_side_px or size.longest_px > max_side_px:
        return False
    return size.longest_px <= max_aspect * size.shortest_px


def plan_grid(
    images: Sequence[tuple[str, Size]],
    layouts: Sequence[Layout],
    rules: GridRules,
    drops: Mapping[Layout, float],
    *,
    views: Mapping[str, PixelBox] = _ALL_WHOLE,
) -> GridPlan:
    """Of the layouts with room for all images, the one that keeps them largest; then the smaller drop, then fewer cells.

    A layout without an entry in `drops` counts as the worst. An image with an entry in `views` is shown and planned by that
    part of it only. In kept mode the plan depends on ids, sizes and views only, not on their order; in paper mode cells are
    filled row by row in the order given, as in the paper. Raises ValueError when no layout has room.
    """
    job_ids = {job_id for job_id, _ in images}
    if not images or len(job_ids) != len(images):
        raise ValueError("a grid needs images with different ids")
    if not views.keys() <= job_ids:
        raise ValueError("a view belongs to one of the images")
    shown = [_Shown(job_id, size, views.get(job_id)) for job_id, size in images]
    roomy = sorted({layout for layout in layouts if layout.cells >= len(images)})
    design = _design_kept(shown, roomy, rules) if rules.mode is GridMode.KEPT else _design_paper(shown, roomy, rules)
    if not design:
        raise ValueError(f"none of {[str(layout) for layout in layouts]} has room for {len(images)} images")

    def merit(layout: Layout) -> tuple[float, float, float, int, Layout]:
        return (*score_key(design[layout].score), drops.get(layout, math.inf), layout.cells, layout)

    return design[min(design, key=merit)].plan()


@dataclass(frozen=True, slots=True)
class _Shown:
    """An image that wants a place, and the part of it that will be shown."""

    job_id: str
    source: Size
    view: PixelBox | None

    @property
    def size(self) -> Size:
        return self.source if self.view is None else _size(self.view)

    def at(self, spot: tuple[int, int], cell: PixelBox, content: PixelBox) -> Placement:
        return Placement(self.job_id, *spot, cell=cell, content=content, source=self.source, view=self.view)


@dataclass(frozen=True, slots=True)
class _Kept:
    """One layout's best design in kept mode; `images` in the order in which the fit's spots stand."""

    layout: Layout
    images: Sequence[_Shown]
    rules: GridRules
    fit: Fit

    @property
    def score(self) -> tuple[float, float]:
        return self.fit.score

    def plan(self) -> GridPlan:
        gutter_px, side_px = self.rules.gutter_px, self.rules.side_px
        widths_px, heights_px = self.fit.whole(side_px, gutter_px)
        lefts_px, tops_px = _starts(widths_px, gutter_px), _starts(heights_px, gutter_px)
        placements = [
            _placed(image, (row, column), (lefts_px[column], tops_px[row]), (widths_px[column], heights_px[row]))
            for image, (row, column) in zip(self.images, self.fit.spots, strict=True)
        ]
        least_px = self.rules.min_sheet_side_px
        sheet = Size(max(least_px, lefts_px[-1] + widths_px[-1]), max(least_px, tops_px[-1] + heights_px[-1]))
        return GridPlan(GridMode.KEPT, self.layout, sheet, _row_by_row(placements))


def _design_kept(images: Sequence[_Shown], layouts: Sequence[Layout], rules: GridRules) -> dict[Layout, _Kept]:
    # Neighbours of one shape share rows and columns best; the id settles equal shapes, so the order of arrival cannot matter.
    ordered = sorted(images, key=lambda image: (image.size.width_px / image.size.height_px, image.job_id))
    sizes, alone_px = [image.size for image in ordered], [image.source.longest_px for image in ordered]
    shapes = {layout: compact_shapes(layout, len(sizes)) for layout in layouts}
    fits = {
        shape: best_fit(sizes, alone_px, shape, side_px=rules.side_px, gutter_px=rules.gutter_px)
        for shape in sorted({shape for some in shapes.values() for shape in some})
    }
    designs = {}
    for layout in layouts:
        possible = [fit for fit in (fits[shape] for shape in shapes[layout]) if fit is not None]
        if possible:
            designs[layout] = _Kept(layout, ordered, rules, min(possible, key=lambda fit: score_key(fit.score)))
    return designs


def _placed(image: _Shown, spot: tuple[int, int], corner_px: tuple[int, int], cell_px: tuple[int, int]) -> Placement:
    """The image in the middle of its cell, as large as fits, at least one pixel each way."""
    (left_px, top_px), (cell_width_px, cell_height_px), size = corner_px, cell_px, image.size
    scale = min(cell_width_px / size.width_px, cell_height_px / size.height_px)
    width_px = min(cell_width_px, max(1, round(size.width_px * scale)))
    height_px = min(cell_height_px, max(1, round(size.height_px * scale)))
    x_px, y_px = left_px + (cell_width_px - width_px) // 2, top_px + (cell_height_px - height_px) // 2
    cell = _box(left_px, top_px, cell_width_px, cell_height_px)
    return image.at(spot, cell, _box(x_px, y_px, width_px, height_px))


@dataclass(frozen=True, slots=True)
class _Paper:
    """One layout in paper mode: G(I_1 .. I_n), row by row."""

    layout: Layout
    images: Sequence[_Shown]

    @property
    def score(self) -> tuple[float, float]:
        plan = self.plan()
        scales = [relative_scale(placement, plan.sheet) for placement in plan.placements]
        return harmonic_mean(scales), min(scales)

    def plan(self) -> GridPlan:
        placements = []
        for index, image in enumerate(self.images):
            row, column = divmod(index, self.layout.columns)
            cell = _box(column * PAPER_CELL.width_px, row * PAPER_CELL.height_px, PAPER_CELL.width_px, PAPER_CELL.height_px)
            placements.append(image.at((row, column), cell, cell))
        return GridPlan(GridMode.PAPER, self.layout, _paper_sheet(self.layout), tuple(placements))


def _design_paper(images: Sequence[_Shown], layouts: Sequence[Layout], rules: GridRules) -> dict[Layout, _Paper]:
    return {layout: _Paper(layout, images) for layout in layouts if _paper_sheet(layout).longest_px <= rules.max_sheet_side_px}


def _paper_sheet(layout: Layout) -> Size:
    return Size(layout.columns * PAPER_CELL.width_px, layout.rows * PAPER_CELL.height_px)


def _starts(tracks_px: Sequence[int], gutter_px: int) -> list[int]:
    """Where each row or column begins."""
    return [sum(tracks_px[:index]) + index * gutter_px for index in range(len(tracks_px))]


def _row_by_row(placements: Sequence[Placement]) -> tuple[Placement, ...]:
    return tuple(sorted(placements, key=lambda placement: (placement.row, placement.column)))


def _box(left_px: int, top_px: int, width_px: int, height_px: int) -> PixelBox:
    return PixelBox(float(left_px), float(top_px), float(left_px + width_px), float(top_px + height_px))


def _size(whole: PixelBox) -> Size:
    """Size of a box that lies on whole pixels."""
    return Size(int(whole.right_px - whole.left_px), int(whole.bottom_px - whole.top_px))


def _inside(inner: PixelBox, outer: PixelBox) -> bool:
    return inner.intersection(outer) == inner
