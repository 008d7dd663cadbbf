"""The scatter of cost and accuracy: what an image costs, and what is lost. The only place that knows matplotlib.

Drawn without matplotlib's global state, and the same report gives the same bytes. Called by `files`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from operator import mul
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from app.calibration.extras import needed
from app.calibration.report.model import CalibrationReport, Means, Row, pareto
from app.calibration.report.placing import Anchor, distance_px, nearest_px, placed
from app.calibration.report.text import THOUSAND
from app.core.geometry import PixelBox

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place: TypeAlias = tuple[float, float]

_SIZE_INCHES = (10.0, 6.2)
_DPI = 110
_POINT_PX = 7.0  # half of what a point covers
_BAR_PX = 2.0  # half of what an interval's bar covers
_RING_PX = 13.0  # half of what the ring around the chosen one covers
_LINE_PX = 1.5  # half of what a piece of a line covers
_PIECES = 60  # of a line: short against a label
_FAR_PX = 14.0  # a label farther than this from its point has a line to it
_LABEL_POINTS = 9
_PALE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.65, "pad": 0.5}  # behind names: lines shine through
_GREY = "#777777"
# Ids in an SVG are random unless salted. Text as paths looks the same whatever fonts the reader has.
_STYLE: Any = {"svg.hashsalt": "tessera", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10}

# Colours that are told apart by those who see no red or green (after Okabe and Ito), and a shape of its own for each.
_LOOKS: Mapping[Means, tuple[str, str]] = MappingProxyType(
    {
        Means.PAPER: ("#999999", "s"),
        Means.FIXED: ("#0072b2", "o"),
        Means.SCOUT: ("#d55e00", "D"),
        Means.ESCALATION: ("#009e73", "^"),
        Means.BOTH: ("#cc79a7", "P"),
        Means.OTHER: ("#56b4e9", "v"),
    }
)


def draw(report: CalibrationReport, format: str) -> bytes:
    """The drawing as "png" or "svg". Raises ExtraMissing where matplotlib is not installed."""
    with needed("matplotlib"):
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _fill(axes, report)
        _dress(axes, report)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib's own gap; only now is known where things are
        figure.set_layout_engine("none")
        _label(axes, report)
        file = io.BytesIO()
        figure.savefig(file, format=format, metadata={"Date": None} if format == "svg" else None)
    return file.getvalue()


def _fill(axes: Axes, report: CalibrationReport) -> None:
    """Points with their intervals, the line of the best, the budget, a ring around the chosen one."""
    for kind, (colour, shape) in _LOOKS.items():
        rows = [row for row in report.rows if row.kind is kind]
        if rows:
            _points(axes, rows, colour, shape)
    front = pareto(report.rows)
    axes.plot(*_coordinates(front), color="#333333", linewidth=1, linestyle="--", zorder=1, label="best at its cost")
    if report.max_map_drop is not None:
        axes.axhline(report.max_map_drop, color="#b00020", linewidth=1, linestyle=":", label=f"budget {report.max_map_drop:g}")
    if report.chosen is not None:
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": "#111111", "linewidths": 1.6}
        axes.scatter(*_coordinates([report.chosen]), s=230, zorder=4, label="chosen", **ring)


def _coordinates(rows: Iterable[Row]) -> tuple[list[float], list[float]]:
    some = list(rows)
    return [row.inferences_per_image for row in some], [row.drop for row in some]


def _points(axes: Axes, rows: list[Row], colour: str, shape: str) -> None:
    xs, ys = _coordinates(rows)
    # A bootstrap's interval need not hold the figure itself, and a bar of negative length is refused.
    bars = [max(0.0, row.drop - row.low) for row in rows], [max(0.0, row.high - row.drop) for row in rows]
    axes.errorbar(xs, ys, yerr=bars, fmt="none", ecolor=colour, elinewidth=1.2, capsize=3, alpha=0.45, zorder=2)
    name = rows[0].kind.value
    axes.scatter(xs, ys, s=48, color=colour, marker=shape, edgecolors="white", linewidths=0.7, zorder=3, label=name)


def _dress(axes: Axes, report: CalibrationReport) -> None:
    """Everything that is no figure."""
    axes.set_xlabel("inferences paid per image")
    axes.set_ylabel("mAP@0.5 lost against every image alone (bars: 95 %)")
    axes.set_xlim(0, max(1.0, *_coordinates(report.rows)[0]) * 1.08)
    axes.margins(y=0.08)
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.grid(visible=True, color="#eeeeee")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="upper right", framealpha=0.9, edgecolor="#dddddd", fontsize=9)
    axes.text(0.012, 0.02, "↙ cheaper and better", transform=axes.transAxes, color=_GREY, fontsize=9)
    if report.price_dollars > 0:
        price = report.price_dollars * THOUSAND
        top = axes.secondary_xaxis("top", functions=(partial(mul, price), partial(mul, 1 / price)))
        top.set_xlabel("dollars per 1000 images")


def _label(axes: Axes, report: CalibrationReport) -> None:
    """Names beside the points, where they cover nothing; the chosen one and the cheap ones have the first choice."""
    ordered = sorted(report.rows, key=lambda row: (not row.is_chosen, row.inferences_per_image, row.drop))
    anchors = [_anchor(axes, row) for row in ordered]
    boxes = placed(anchors, list(_obstacles(axes, report)), _box(axes.get_window_extent()))
    for row, anchor, box in zip(ordered, anchors, boxes, strict=True):
        at = _data(axes, box.left_px, (box.top_px + box.bottom_px) / 2)
        axes.text(
            *at, row.name, fontsize=_LABEL_POINTS, color="#222222", zorder=5, va="center_baseline", bbox=_PALE, parse_math=False
        )
        if distance_px(anchor, box) > _FAR_PX:
            (x1, y1), (x2, y2) = _data(axes, *nearest_px(anchor, box)), (row.inferences_per_image, row.drop)
            axes.plot([x1, x2], [y1, y2], color="#aaaaaa", linewidth=0.6, zorder=1)


def _anchor(axes: Axes, row: Row) -> Anchor:
    """Where the row's point is, and how large its name is when it is written."""
    trial = axes.text(0, 0, row.name, fontsize=_LABEL_POINTS, parse_math=False)  # a "$" in a name is a "$"
    extent = _box(trial.get_window_extent())
    trial.remove()
    x_px, y_px = _pixels(axes, row.inferences_per_image, row.drop)
    return Anchor(x_px, y_px, extent.right_px - extent.left_px, extent.bottom_px - extent.top_px)


def _obstacles(axes: Axes, report: CalibrationReport) -> Iterator[PixelBox]:
    """Points, bars, lines and the legend. y goes up in a drawing: `top` is the lower edge here, and only the order matters."""
    yield from (_box(legend.get_window_extent()) for legend in [axes.get_legend()] if legend)
    for row in report.rows:
        x_px, y_px = _pixels(axes, row.inferences_per_image, row.drop)
        yield _around(x_px, y_px, _RING_PX if row.is_chosen else _POINT_PX)
        (_, low_px), (_, high_px) = (_pixels(axes, row.inferences_per_image, end) for end in (row.low, row.high))
        yield PixelBox(x_px - _BAR_PX, low_px, x_px + _BAR_PX, high_px)
    corners = [_pixels(axes, *place) for place in zip(*_coordinates(pareto(report.rows)), strict=True)]
    for start, end in pairwise(corners):
        yield from _pieces(start, end)
    if report.max_map_drop is not None:
        left, right = axes.get_xlim()
        yield from _pieces(_pixels(axes, left, report.max_map_drop), _pixels(axes, right, report.max_map_drop))


def _pieces(start: Place, end: Place) -> Iterator[PixelBox]:
    """A straight line as small boxes: to cover it is bad, but not as bad as to cover a point."""
    for step in range(_PIECES + 1):
        share = step / _PIECES
        yield _around(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]), _LINE_PX)


def _around(x_px: float, y_px: float, half_px: float) -> PixelBox:
    return PixelBox(x_px - half_px, y_px - half_px, x_px + half_px, y_px + half_px)


def _box(extent: Any) -> PixelBox:
    return PixelBox(float(extent.x0), float(extent.y0), float(extent.x1), float(extent.y1))


def _pixels(axes: Axes, x: float, y: float) -> Place:
    """From the figures of the axes to pixels."""
    x_px, y_px = axes.transData.transform((x, y))
    return float(x_px), float(y_px)


def _data(axes: Axes, x_px: float, y_px: float) -> Place:
    """The way back."""
    x, y = axes.transData.inverted().transform((x_px, y_px))
    return float(x), float(y)
