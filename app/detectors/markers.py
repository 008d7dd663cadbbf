"""Objects with an identity in their pixels: ArUco markers, drawn and read back.

In: marker ids (drawing), RGB pixels (reading). Out: grey patches, `Sighting`s. The demo and the tests draw scenes with
them and the emulators read them back, so a box that is handed to the wrong image is caught.

Dictionary: `DICT_6X6_1000`, 1000 ids, any two of which differ in at least 9 of 36 bits however they are turned; the
5x5 and 4x4 dictionaries of the same size (5 and 2 bits apart) can still be read at 15 px but a few wrong bits make
another id of them. A marker is 8 x 8 modules (6 x 6 bits in a black frame) and stands in a white quiet zone one module
wide, which `draw_marker` draws with it.

**The box of a marker is the outer square of its black frame**: the inner 80 % of the patch, without the quiet zone.

An id is accepted only if frame and quiet zone are complete and at most `WRONG_BITS_ACCEPTED` bits are wrong, so that
nothing in a photograph is taken for a marker and no marker for another.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.detectors.quads import Corners, Grey, Level, find_quads, measure, pyramid, refine, sample, side_lengths_px

MARKER_COUNT = 1000
"""Ids run from 0 to one less."""
BITS = 6
FRAME = BITS + 2
"""Modules along a marker's side, black frame included."""
PATCH = FRAME + 2
"""Modules along the side of a drawn patch, quiet zone included."""
QUIET_SHARE = 1 / PATCH
"""Width of the quiet zone on each side, as a share of the patch's side."""
WRONG_BITS_ACCEPTED = 2
"""Of 36. Two ids are 9 apart: with 2 wrong bits the next id is still 7 away."""
WRONG_FRAME_ACCEPTED = 1
"""Modules of the 28 of the black frame, and again of the 36 of the quiet zone, that may look wrong."""
LEAST_CONTRAST = 30.0
"""Grey levels between frame and quiet zone: less is texture, not print."""
SUBSAMPLES = (-0.2, 0.2)
"""A module is read at 2 x 2 places around its centre, in modules."""
SEARCH_LONGEST_PX = 2048
"""Larger images are searched in a reduced copy; the edges are then measured in the original."""
SCORE_LOSS_PX = 2.0
"""A marker's score is 1 - SCORE_LOSS_PX / side: as with real detectors, the smaller the less sure (0.9 at 20 px)."""
CORNER_NAMES = ("topLeft", "topRight", "bottomRight", "bottomLeft")
"""Names of a marker's corners in `Sighting.points`, in the marker's own upright frame."""


@dataclass(frozen=True, slots=True)
class MarkerClass:
    """An everyday name and its ancestors, nearest first."""

    name: str
    parents: tuple[str, ...]


CLASSES = (
    MarkerClass("Car", ("Vehicle", "Transportation")),
    MarkerClass("Dog", ("Canine", "Pet", "Mammal", "Animal")),
    MarkerClass("Bicycle", ("Vehicle", "Transportation")),
    MarkerClass("Chair", ("Furniture",)),
    MarkerClass("Cat", ("Pet", "Mammal", "Animal")),
    MarkerClass("Bottle", ()),
    MarkerClass("Bird", ("Animal",)),
    MarkerClass("Cup", ()),
)


def marker_class(marker_id: int) -> str:
    """The everyday name of a marker: ids take the classes in turn."""
    return CLASSES[_checked(marker_id) % len(CLASSES)].name


def marker_label(marker_id: int) -> str:
    """The identity label, for example `Car-0016`."""
    return f"{marker_class(marker_id)}-{marker_id:04d}"


def marker_parents(marker_id: int) -> tuple[str, ...]:
    """Ancestors of the identity label, nearest first: the class, then the class's own."""
    kind = CLASSES[_checked(marker_id) % len(CLASSES)]
    return (kind.name, *kind.parents)


def marker_id_of(label: str) -> int | None:
    """The id in an identity label; None for every other label."""
    digits = label.rpartition("-")[2]
    if not (digits.isascii() and digits.isdecimal() and int(digits) < MARKER_COUNT):
        return None
    return int(digits) if marker_label(int(digits)) == label else None


def draw_marker(marker_id: int, side_px: int) -> NDArray[np.uint8]:
    """A square grey patch of `side_px`, quiet zone included. Edges between modules are drawn to fractions of a pixel."""
    if side_px < PATCH:
        raise ValueError(f"a marker needs a pixel per module: at least {PATCH} px, not {side_px}")
    modules = np.full((PATCH, PATCH), 255.0)
    modules[1:-1, 1:-1] = 0.0
    modules[2:-2, 2:-2] = 255.0 * _bits()[_checked(marker_id)].reshape(BITS, BITS)
    edges = np.arange(side_px + 1) * PATCH / side_px
    index = np.arange(PATCH)
    cover = np.minimum(edges[1:, None], index + 1) - np.maximum(edges[:-1, None], index)
    weights = np.clip(cover, 0.0, None) * side_px / PATCH
    return np.asarray(np.rint(weights @ modules @ weights.T), np.uint8)


def marker_box_xyxy_px(left_px: float, top_px: float, side_px: float) -> tuple[float, float, float, float]:
    """The true box of a marker whose patch of `side_px` was put at (left, top)."""
    inset = side_px * QUIET_SHARE
    return (left_px + inset, top_px + inset, left_px + side_px - inset, top_px + side_px - inset)


def _checked(marker_id: int) -> int:
    if not 0 <= marker_id < MARKER_COUNT:
        raise ValueError(f"marker ids run from 0 to {MARKER_COUNT - 1}, not {marker_id}")
    return marker_id


@functools.cache
def _bits() -> NDArray[np.float32]:
    """The dictionary: ids x 36 bits, row by row, 1 for white."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_6X6_1000)
    drawn = [cv2.aruco.generateImageMarker(dictionary, i, FRAME)[1:-1, 1:-1] for i in range(MARKER_COUNT)]
    return (np.array(drawn).reshape(MARKER_COUNT, BITS * BITS) > 127).astype(np.float32)


@functools.cache
def _codes() -> NDArray[np.uint8]:
    """The dictionary in its four turns, bits packed into bytes: (4 x ids) x 5."""
    squares = _bits().reshape(MARKER_COUNT, BITS, BITS)
    turned = np.stack([np.rot90(squares, -turn, axes=(1, 2)) for turn in range(4)])
    return np.packbits(turned.reshape(4 * MARKER_COUNT, BITS * BITS) > 0, axis=1)


@functools.cache
def _ones() -> NDArray[np.uint8]:
    """How many bits are set in each byte."""
    return np.asarray(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1), np.uint8)


@dataclass(frozen=True, slots=True)
class _Found:
    """A marker in continuous pixels of the level it was found in; corners start at the marker's own top left."""

    id: int
    corners: NDArray[np.float32]


class MarkerDetector:
    """Reads every marker in an image. Has no state: safe in any number of threads."""

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        found: list[_Found] = []
        for level in pyramid(grey, SEARCH_LONGEST_PX):
            for marker in _read_level(level):
                if not _known(marker, found):
                    found.append(marker)
        if not found:
            return []
        exact = measure(grey, np.stack([marker.corners for marker in found]))
        return [_sighting(marker.id, corners) for marker, corners in zip(found, exact, strict=True)]


def _read_level(level: Level) -> list[_Found]:
    """Markers of one level of the pyramid, in pixels of the original."""
    quads = refine(level.grey, find_quads(level.grey))
    scale = np.array(level.scale_xy, np.float32)
    return [_Found(marker.id, marker.corners * scale) for marker in _read(level.grey, quads)]


def _known(marker: _Found, found: list[_Found]) -> bool:
    """Whether it was found before (the inner outline of the frame, another level): the same id at the same place."""
    reach = float(side_lengths_px(marker.corners[None])[0]) / 2
    centre = marker.corners.mean(axis=0)
    return any(other.id == marker.id and float(np.abs(other.corners.mean(axis=0) - centre).max()) < reach for other in found)


def _read(grey: Grey, quads: Corners) -> list[_Found]:
    """The quadrilaterals that are markers."""
    if not len(quads):
        return []
    modules = _module_brightness(grey, quads)
    ring = np.ones((FRAME, FRAME), bool)
    ring[1:-1, 1:-1] = False
    quiet = np.ones((PATCH, PATCH), bool)
    quiet[1:-1, 1:-1] = False
    frame, zone = modules[:, 1:-1, 1:-1][:, ring], modules[:, quiet]
    black, white = np.median(frame, axis=1), np.median(zone, axis=1)
    middle = ((black + white) / 2)[:, None]
    whole = (white - black > LEAST_CONTRAST) & ((frame > middle).sum(axis=1) <= WRONG_FRAME_ACCEPTED)
    whole &= (zone < middle).sum(axis=1) <= WRONG_FRAME_ACCEPTED
    bits = modules[whole][:, 2:-2, 2:-2].reshape(-1, BITS * BITS) > middle[whole]
    return _matches(bits, quads[whole])


def _matches(bits: NDArray[np.bool_], quads: Corners) -> list[_Found]:
    found = []
    for packed, quad in zip(np.packbits(bits, axis=1), quads, strict=True):
        wrong = _ones()[packed ^ _codes()].sum(axis=1)
        code = int(wrong.argmin())
        if wrong[code] <= WRONG_BITS_ACCEPTED:
            turn, marker_id = divmod(code, MARKER_COUNT)
            found.append(_Found(marker_id, np.roll(quad, -turn, axis=0)))
    return found


def _module_brightness(grey: Grey, quads: Corners) -> NDArray[np.float32]:
    """Brightness of each module of each patch: quads x 10 x 10, quiet zone included."""
    centres = np.arange(-1, FRAME + 1, dtype=np.float32) + 0.5
    at = (centres[:, None] + np.array(SUBSAMPLES, np.float32)).reshape(-1) / FRAME
    down, right = np.meshgrid(at, at, indexing="ij")
    weights = np.stack([(1 - right) * (1 - down), right * (1 - down), right * down, (1 - right) * down], axis=-1)
    points = np.einsum("yxc,qcd->qyxd", weights, quads).astype(np.float32)
    fine = sample(grey, points).reshape(len(quads), PATCH, len(SUBSAMPLES), PATCH, len(SUBSAMPLES))
    return np.asarray(fine.mean(axis=(2, 4)), np.float32)


def _sighting(marker_id: int, corners: NDArray[np.float32]) -> Sighting:
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Sighting(
        kind="object",
        label=marker_label(marker_id),
        score_unit=max(0.0, 1.0 - SCORE_LOSS_PX / float(side_lengths_px(corners[None])[0])),
        box_xyxy_px=(left, top, right, bottom),
        points={name: (float(x), float(y)) for name, (x, y) in zip(CORNER_NAMES, corners.tolist(), strict=True)},
        parents=marker_parents(marker_id),
    )
