"""Photographs with truths and answers for tests of scoring: by hand, and drawn by hypothesis.

Boxes are binary fractions of an image of 256x128, so every overlap is exact, however it is computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from hypothesis import strategies as st

from app.calibration.dataset import Photo, Truth
from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature, Picture

Run: TypeAlias = tuple[list[Photo], dict[str, list[Detection]]]

BOX, FAR = UnitBox(0.125, 0.125, 0.5, 0.5), UnitBox(0.625, 0.625, 0.875, 0.875)
HALF_OF_BOX = UnitBox(0.125, 0.125, 0.5, 0.3125)

# Scores are unique: among equal ones the order is nobody's business.
_STEPS = 100_000
_LABELS = {"cat": "Cat", "dog": "Dog", "tvmonitor": "TV"}


def photo(*truths: Truth, name: str = "a", size: Size | None = None) -> Photo:
    return Photo(name, Path(f"{name}.jpg"), Picture("jpeg", size or Size(256, 128)), truths)


def seen(label: str, score_unit: float, box: UnitBox | None = BOX, vendor: str = "") -> Detection:
    return Detection(Feature.OBJECTS, label, score_unit, box, vendor)


@st.composite
def boxes(draw: st.DrawFn) -> UnitBox:
    """On a coarse grid: overlaps of exactly a half, equal boxes and several good matches are common."""
    left, top, width, height = (draw(st.integers(low, 5)) for low in (0, 0, 1, 1))
    return UnitBox(left / 16, top / 16, (left + width) / 16, (top + height) / 16)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    count = draw(st.integers(1, 4))
    truths = st.builds(Truth, st.sampled_from(list(_LABELS)), boxes(), st.booleans())
    photos = [photo(*draw(st.lists(truths, max_size=6)), name=str(number)) for number in range(count)]
    found: dict[str, list[Detection]] = {one.id: [] for one in photos}
    for score in draw(st.lists(st.integers(0, _STEPS), unique=True, max_size=40)):
        label = draw(st.sampled_from([*_LABELS.values(), "Bird"]))
        found[str(draw(st.integers(0, count - 1)))].append(seen(label, score / _STEPS, draw(boxes())))
    return photos, found
