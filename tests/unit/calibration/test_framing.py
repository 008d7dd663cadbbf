"""Annotated boxes come out where the thing is in the upright picture, which is where detections are."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from app.calibration.loading import load
from app.core.geometry import PixelBox, Size, UnitBox
from app.imaging.decode import decode
from tests.support.datasets import voc, voc_annotation, voc_object
from tests.support.images import encoded, found, opened, painted

UPRIGHT, RECTANGLE = Size(400, 240), (40, 160, 120, 200)
IN_RATIOS = UnitBox(0.1, 160 / 240, 0.3, 200 / 240)


def corners(box: PixelBox) -> tuple[int, int, int, int]:
    """As VOC writes them."""
    left, top, right, bottom = (round(edge) for edge in box)
    return left + 1, top + 1, right, bottom


def whole(image: Image.Image) -> PixelBox:
    return PixelBox(0, 0, image.width, image.height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_of_the_stored_image_are_turned_with_it(tmp_path: Path, orientation: int) -> None:
    """Where the rectangle lies in the stored pixels is looked up in the pixels, not computed."""
    data = encoded(painted(UPRIGHT, RECTANGLE), "jpeg", orientation)
    stored = found(opened(data), whole(opened(data)))
    said = voc_annotation("a", [voc_object("cat", corners(stored))], size=None)
    [photo] = load(f"voc:{voc(tmp_path, {'a': said}, {'a.jpg': data})}").photos
    [truth] = photo.truths
    assert tuple(truth.box.to_pixels(photo.picture.upright)) == pytest.approx(RECTANGLE, abs=2)
    shown = decode(data, photo.picture)
    assert tuple(found(shown, whole(shown))) == pytest.approx(RECTANGLE, abs=2)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_an_annotation_that_has_the_turned_images_size_was_made_on_the_turned_image(tmp_path: Path, orientation: int) -> None:
    data = encoded(painted(UPRIGHT, RECTANGLE), "jpeg", orientation)
    said = voc_annotation("a", [voc_object("cat", corners(PixelBox(*RECTANGLE)))], UPRIGHT)
    [photo] = load(f"voc:{voc(tmp_path, {'a': said}, {'a.jpg': data})}").photos
    assert photo.picture.stored == UPRIGHT.transposed()
    [truth] = photo.truths
    assert tuple(truth.box.to_pixels(UPRIGHT)) == pytest.approx(RECTANGLE)


def test_without_a_turn_ratios_are_those_of_the_file(tmp_path: Path) -> None:
    data = encoded(painted(UPRIGHT, RECTANGLE), "jpeg", 1)
    said = voc_annotation("a", [voc_object("cat", corners(PixelBox(*RECTANGLE)))], UPRIGHT)
    [photo] = load(f"voc:{voc(tmp_path, {'a': said}, {'a.jpg': data})}").photos
    assert tuple(photo.truths[0].box.to_pixels(UPRIGHT)) == pytest.approx(tuple(IN_RATIOS.to_pixels(UPRIGHT)))
