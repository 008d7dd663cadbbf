"""Finds dark quadrilaterals in a grey image and measures their edges to a fraction of a pixel.

In: grey pixels. Out: corners, clockwise, in continuous pixel coordinates (the left edge of the first pixel is 0.0, so a
pixel's centre is at +0.5). Called by `markers`, which reads what is inside. OpenCV's own ArUco detector is not used for
this step: where the white zone of a large marker stands out from its surroundings it groups both outlines together and
then loses the marker (about 1 in 50 above 200 px, measured with OpenCV 4.14).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Corners = NDArray[np.float32]
"""Quadrilaterals x 4 corners x (x, y)."""

THRESHOLD_WINDOW_PX = 13
"""Neighbourhood of the adaptive threshold: several modules of the smallest marker, so that its black frame stays one piece."""
THRESHOLD_BELOW_MEAN = 20
"""Grey levels below the neighbourhood's mean that count as dark: above JPEG noise at quality 70."""
SMALLEST_SIDE_PX = 11.0
"""Below this a module of an 8 x 8 marker is under 1.4 px and cannot be read."""
CONTOUR_EPSILON_SHARE = 0.03
"""Tolerance of the corner search, as a share of the contour's length (the value that OpenCV's own detector uses)."""
PYRAMID_STEP = 0.5
"""Each level halves the image: a marker that is too large for the threshold's window at one level fits it at another."""
PYRAMID_SMALLEST_PX = 48
"""The last level's shortest side: a marker that fills the image still has modules of 4 px there."""
EDGE_SAMPLES = 12
"""Profiles across each side of a quadrilateral; their average is what makes the edge precise."""
EDGE_FROM_SHARE = 0.15
"""Profiles stay this far from the corners (share of the side), where the other edge would disturb them."""
PROFILE_STEPS = 17
"""Samples along one profile; odd, so that one lies on the edge itself."""
PROFILE_REACH_SHARE = 0.09
"""Reach of a profile to either side, as a share of the quadrilateral's extent in that direction: under one module (an
eighth) of a marker, also where the picture was stretched."""
REACHES_PX = (math.inf, 24.0, 4.0)
"""Reach of each pass of `measure`: a pass is good to half its sampling step, so each next one may look more closely.
The last reach is as far as encoders and filters blur an edge."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid: a reduced copy, and how much wider and higher the original is."""

    grey: Grey
    scale_xy: tuple[float, float]


def pyramid(grey: Grey, longest_px: int) -> Iterator[Level]:
    """Copies of the image, largest first; the first one is reduced to at most `longest_px` on its longest side."""
    height_px, width_px = grey.shape
    scale = min(1.0, longest_px / max(height_px, width_px))
    while True:
        small = _reduced(grey, scale)
        yield Level(small, (width_px / small.shape[1], height_px / small.shape[0]))
        scale *= PYRAMID_STEP
        if min(height_px, width_px) * scale < PYRAMID_SMALLEST_PX:
            return


def _reduced(grey: Grey, scale: float) -> Grey:
    if scale == 1.0:
        return grey
    size_wh = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return cv2.resize(grey, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def find_quads(grey: Grey) -> Corners:
    """Convex dark quadrilaterals, clockwise. Corners are good to about a pixel; `refine` makes them better."""
    dark = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, THRESHOLD_WINDOW_PX, THRESHOLD_BELOW_MEAN
    )
    contours, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    shortest = 4 * SMALLEST_SIDE_PX * 0.8  # a contour counts diagonal steps as one point, so a turned square has fewer
    quads = [
        quad for contour in contours if len(contour) > shortest and (quad := _quad(np.asarray(contour, np.int32))) is not None
    ]
    return np.array(quads, np.float32).reshape(-1, 4, 2) + np.float32(0.5)


def _quad(contour: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """The contour's four corners, clockwise on the screen; None where it is no quadrilateral of a useful size."""
    corners = cv2.approxPolyDP(contour, CONTOUR_EPSILON_SHARE * len(contour), True)
    if len(corners) != 4 or not cv2.isContourConvex(corners):
        return None
    points = corners.reshape(4, 2).astype(np.int32)
    sides = points - np.roll(points, 1, axis=0)
    if float(np.min(np.einsum("ij,ij->i", sides, sides))) < SMALLEST_SIDE_PX**2:
        return None
    return points if cv2.contourArea(corners, oriented=True) > 0 else points[::-1]


def side_lengths_px(quads: Corners) -> NDArray[np.float32]:
    """Mean side of each quadrilateral."""
    return np.asarray(np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2).mean(axis=1), np.float32)


def refine(grey: Grey, quads: Corners, reach_px: float = math.inf) -> Corners:
    """The same quadrilaterals with each side moved to where the brightness really changes from dark to light.

    Looks at most `reach_px` to either side: far for a quadrilateral that comes from a reduced copy, near for precision.
    """
    if not len(quads):
        return quads
    start, end = quads, np.roll(quads, -1, axis=1)
    lengths = np.maximum(np.linalg.norm(end - start, axis=2), 1e-6)
    along = (end - start) / lengths[..., None]
    outwards = np.stack([along[..., 1], -along[..., 0]], axis=2)
    depths = (np.roll(lengths, 1, axis=1) + np.roll(lengths, -1, axis=1)) / 2
    reach = np.minimum(depths * PROFILE_REACH_SHARE, reach_px).astype(np.float32)
    shares = np.linspace(EDGE_FROM_SHARE, 1 - EDGE_FROM_SHARE, EDGE_SAMPLES, dtype=np.float32)
    middles = start[:, :, None] + (end - start)[:, :, None] * shares[:, None]
    steps = np.linspace(-1, 1, PROFILE_STEPS, dtype=np.float32)
    offsets = steps * reach[..., None]
    points = middles[..., None, :] + outwards[:, :, None, None] * offsets[:, :, None, :, None]
    shifts = _edge_positions(sample(grey, points)) * reach[..., None]
    first, last = _line_through(shares, shifts)
    moved = start + outwards * first[..., None], end + outwards * last[..., None]
    return _crossings(np.asarray(moved[0], np.float32), np.asarray(moved[1], np.float32))


def measure(grey: Grey, quads: Corners) -> Corners:
    """`refine`, several times, ever closer: to about a tenth of a pixel."""
    for reach_px in REACHES_PX:
        quads = refine(grey, quads, reach_px)
    return quads


def sample(grey: Grey, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brightness at continuous coordinates (last axis x, y), bilinear, edge pixels repeated outside."""
    flat = points.reshape(-1, 2) - np.float32(0.5)
    rows = -(-len(flat) // REMAP_WIDTH)
    padded = np.zeros((rows * REMAP_WIDTH, 2), np.float32)
    padded[: len(flat)] = flat
    maps = padded.reshape(rows, REMAP_WIDTH, 2)
    values = cv2.remap(grey, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values.reshape(-1)[: len(flat)].reshape(points.shape[:-1]), np.float32)


REMAP_WIDTH = 4096
"""Points per row of the map: OpenCV takes images of at most 32767 columns and rows."""


def _edge_positions(profiles: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the step lies in each dark-to-light profile, -1..1: the light share of the profile tells it, whatever the blur."""
    dark, light = profiles[..., :3].mean(axis=-1, keepdims=True), profiles[..., -3:].mean(axis=-1, keepdims=True)
    lightness = np.clip((profiles - dark) / np.maximum(light - dark, 1.0), 0.0, 1.0)
    weights = np.ones(PROFILE_STEPS, np.float32)
    weights[[0, -1]] = 0.5  # trapezoidal rule
    return np.asarray(1.0 - 2.0 * (lightness * weights).sum(axis=-1) / weights.sum(), np.float32)


def _line_through(shares: NDArray[np.float32], shifts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least-squares line through the shifts of one side: its values at the side's two ends."""
    centred = shares - shares.mean()
    slope = (shifts * centred).sum(axis=-1) / (centred * centred).sum()
    mean = shifts.mean(axis=-1)
    return mean - slope * shares.mean(), mean + slope * (1 - shares.mean())


def _crossings(start: Corners, end: Corners) -> Corners:
    """Corners: each side's line crossed with the line before it."""
    before_start, before_end = np.roll(start, 1, axis=1), np.roll(end, 1, axis=1)
    direction, before = end - start, before_end - before_start
    cross = before[..., 0] * direction[..., 1] - before[..., 1] * direction[..., 0]
    gap = start - before_start
    share = (gap[..., 0] * direction[..., 1] - gap[..., 1] * direction[..., 0]) / np.where(np.abs(cross) < 1e-6, 1e-6, cross)
    return (before_start + before * share[..., None]).astype(np.float32)
