"""How large the columns and rows of a sheet should be, so that pictures of given shapes are seen as large as possible.

In: sizes in a fixed order, rows x columns, the sheet's longest side and the gutter. Out: a `Fit`, still in fractions of
pixels, with its score. Caller: `core.layout` only.

Two designs are tried, each with the pictures laid row by row and column by column: one common cell, and one common relative
scale (rows and columns as narrow as their pictures then need). Both are settled: a row or column that its pictures do not
fill gives the rest to those whose pictures could still grow. Settling never makes a picture smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.geometry import Size
from app.core.model import Layout

# Freed room goes round until nobody gains much. On 1500 random mixes of 2 to 9 shapes settling raised the score by 7.6 % in the
# mean; after four rounds it was 0.01 % short of what forty reach, and more than 0.2 % short in one mix of a hundred.
SETTLE_ROUNDS = 4
# Scores that agree to this many decimals are a tie: far below what a detector notices, far above floating point noise.
SCORE_DECIMALS = 6
# A length that falls short of a whole pixel by less than this is that pixel: floating point noise of a few divisions.
WHOLE_PIXEL_TOLERANCE_PX = 1e-6

Spot = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Tracks:
    """Widths of the columns and heights of the rows, gutters left out."""

    widths_px: tuple[float, ...]
    heights_px: tuple[float, ...]

    def times(self, factor: float) -> _Tracks:
        return _Tracks(tuple(width * factor for width in self.widths_px), tuple(height * factor for height in self.heights_px))

    def scale(self, size: Size, spot: Spot) -> float:
        """Sheet pixels per picture pixel for a picture that fills its cell."""
        row, column = spot
        return min(self.widths_px[column] / size.width_px, self.heights_px[row] / size.height_px)


@dataclass(frozen=True, slots=True)
class Fit:
    """A way to share a sheet. `spots` are (row, column) of each picture; `score` is the harmonic mean and the smallest of
    the relative scales."""

    spots: tuple[Spot, ...]
    widths_px: tuple[float, ...]
    heights_px: tuple[float, ...]
    score: tuple[float, float]

    def whole(self, side_px: int, gutter_px: int) -> tuple[list[int], list[int]]:
        """Column widths and row heights in whole pixels, none below one, and the sheet no longer than `side_px`."""
        return (
            _whole(self.widths_px, side_px - gutter_px * (len(self.widths_px) - 1)),
            _whole(self.heights_px, side_px - gutter_px * (len(self.heights_px) - 1)),
        )


def harmonic_mean(scales: Sequence[float]) -> float:
    """The mean that counts what is lost: losses go with 1 / relative scale (see `core.layout`)."""
    return len(scales) / sum(1.0 / scale for scale in scales)


def score_key(score: tuple[float, float]) -> tuple[float, float]:
    """Sorts the best score first: larger mean, then the larger smallest scale, since that is fairer to each client."""
    mean, worst = score
    return -round(mean, SCORE_DECIMALS), -round(worst, SCORE_DECIMALS)


def compact_shapes(layout: Layout, pictures: int) -> list[Layout]:
    """The parts of a layout that hold all pictures without an empty row or column: four in a 3x3 may stand as 2x2, or 3 + 1."""
    parts = [Layout(rows, columns) for rows in range(1, layout.rows + 1) for columns in range(1, layout.columns + 1)]
    return [part for part in parts if part.cells >= pictures and _orders(part, pictures)]


def best_fit(sizes: Sequence[Size], alone_px: Sequence[int], shape: Layout, *, side_px: int, gutter_px: int) -> Fit | None:
    """The best of the designs; None when the gutters leave less than a pixel for each row and column.

    `alone_px` is the longest side of what is sent where a picture goes alone, in its own pixels: what its scale is relative to.

    The sheet's longest side is at most `side_px`, and no longer than what shows every picture at its own resolution:
    enlarging all of them would add bytes and nothing to see.
    """
    room_px = (side_px - gutter_px * (shape.columns - 1), side_px - gutter_px * (shape.rows - 1))
    if room_px[0] < shape.columns or room_px[1] < shape.rows:
        return None
    fits = []
    for spots in _orders(shape, len(sizes)):
        for start in (_same_scale, _common_cell):
            tracks = _settled(sizes, spots, start(sizes, alone_px, spots, shape, room_px), room_px)
            own_resolution = min(tracks.scale(size, spot) for size, spot in zip(sizes, spots, strict=True))
            tracks = tracks.times(1 / max(1.0, own_resolution))
            fits.append(Fit(spots, tracks.widths_px, tracks.heights_px, _score(sizes, alone_px, spots, tracks, gutter_px)))
    return min(fits, key=lambda fit: score_key(fit.score))


def _orders(shape: Layout, pictures: int) -> list[tuple[Spot, ...]]:
    """Row by row, and column by column; only what leaves no row or column empty."""
    orders = []
    if pictures > (shape.rows - 1) * shape.columns and pictures >= shape.columns:
        orders.append(tuple(divmod(index, shape.columns) for index in range(pictures)))
    if pictures > shape.rows * (shape.columns - 1) and pictures >= shape.rows and min(shape.rows, shape.columns) > 1:
        orders.append(tuple((index % shape.rows, index // shape.rows) for index in range(pictures)))
    return orders


def _common_cell(
    sizes: Sequence[Size], alone_px: Sequence[int], spots: Sequence[Spot], shape: Layout, room_px: tuple[int, int]
) -> _Tracks:
    """All cells alike."""
    return _Tracks((room_px[0] / shape.columns,) * shape.columns, (room_px[1] / shape.rows,) * shape.rows)


def _same_scale(
    sizes: Sequence[Size], alone_px: Sequence[int], spots: Sequence[Spot], shape: Layout, room_px: tuple[int, int]
) -> _Tracks:
    """All pictures with the same relative scale, as large as that goes."""
    one_px = [(size.width_px / alone, size.height_px / alone) for size, alone in zip(sizes, alone_px, strict=True)]
    return _grown(_tracks_of(one_px, spots, shape), room_px)


def _tracks_of(contents_px: Sequence[tuple[float, float]], spots: Sequence[Spot], shape: Layout) -> _Tracks:
    """Columns as wide as their widest content, rows as high as their tallest."""
    widths_px, heights_px = [0.0] * shape.columns, [0.0] * shape.rows
    for (width_px, height_px), (row, column) in zip(contents_px, spots, strict=True):
        widths_px[column] = max(widths_px[column], width_px)
        heights_px[row] = max(heights_px[row], height_px)
    return _Tracks(tuple(widths_px), tuple(heights_px))


def _settled(sizes: Sequence[Size], spots: Sequence[Spot], tracks: _Tracks, room_px: tuple[int, int]) -> _Tracks:
    tracks = _grown(_tightened(sizes, spots, tracks), room_px)
    for _ in range(SETTLE_ROUNDS):
        shared = _shared_out(sizes, spots, tracks, room_px)
        if shared == tracks:
            break
        tracks = _grown(_tightened(sizes, spots, shared), room_px)
    return tracks


def _tightened(sizes: Sequence[Size], spots: Sequence[Spot], tracks: _Tracks) -> _Tracks:
    contents_px = []
    for size, spot in zip(sizes, spots, strict=True):
        scale = tracks.scale(size, spot)
        contents_px.append((size.width_px * scale, size.height_px * scale))
    return _tracks_of(contents_px, spots, Layout(len(tracks.heights_px), len(tracks.widths_px)))


def _grown(tracks: _Tracks, room_px: tuple[int, int]) -> _Tracks:
    """Everything larger by one factor, until the sheet is full one way."""
    return tracks.times(min(room_px[0] / sum(tracks.widths_px), room_px[1] / sum(tracks.heights_px)))


def _shared_out(sizes: Sequence[Size], spots: Sequence[Spot], tracks: _Tracks, room_px: tuple[int, int]) -> _Tracks:
    """What is left of the room, to the columns and rows that hold back one of their pictures."""
    narrow, low = set(), set()
    for size, (row, column) in zip(sizes, spots, strict=True):
        by_width, by_height = tracks.widths_px[column] / size.width_px, tracks.heights_px[row] / size.height_px
        if by_width < by_height:
            narrow.add(column)
        elif by_height < by_width:
            low.add(row)
    return _Tracks(_with_share(tracks.widths_px, narrow, room_px[0]), _with_share(tracks.heights_px, low, room_px[1]))


def _with_share(tracks_px: tuple[float, ...], wanting: set[int], room_px: float) -> tuple[float, ...]:
    spare_px, total_px = room_px - sum(tracks_px), sum(tracks_px[index] for index in wanting)
    if spare_px <= WHOLE_PIXEL_TOLERANCE_PX or not wanting:
        return tracks_px
    return tuple(px + spare_px * px / total_px if index in wanting else px for index, px in enumerate(tracks_px))


def _score(
    sizes: Sequence[Size], alone_px: Sequence[int], spots: Sequence[Spot], tracks: _Tracks, gutter_px: int
) -> tuple[float, float]:
    sheet_px = max(
        sum(tracks.widths_px) + gutter_px * (len(tracks.widths_px) - 1),
        sum(tracks.heights_px) + gutter_px * (len(tracks.heights_px) - 1),
    )
    shown = zip(sizes, alone_px, spots, strict=True)
    scales = [tracks.scale(size, spot) * alone / sheet_px for size, alone, spot in shown]
    return harmonic_mean(scales), min(scales)


def _whole(tracks_px: Sequence[float], room_px: int) -> list[int]:
    whole_px = [max(1, math.floor(px + WHOLE_PIXEL_TOLERANCE_PX)) for px in tracks_px]
    while sum(whole_px) > room_px:  # only where a track was below one pixel: at most one step for each
        whole_px[whole_px.index(max(whole_px))] -= 1
    return whole_px
