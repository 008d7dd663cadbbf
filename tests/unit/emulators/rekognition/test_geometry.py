"""Boxes and points in the vendor's writing."""

from __future__ import annotations

import pytest

from app.emulators.rekognition.geometry import bounding_box, box_of, point
from tests.support.seen import marker, scene, thing


def test_boxes_and_points_are_ratios_of_the_image() -> None:
    (seen,) = scene(marker(1, (100, 50, 200, 150)))
    assert bounding_box(seen, seen.seen[0]) == {"Left": 0.25, "Top": 0.25, "Width": 0.25, "Height": 0.5}
    assert point(seen, (300, 50)) == {"X": 0.75, "Y": 0.25}
    assert box_of(seen, (200, 150), (100, 50)) == {"Left": 0.25, "Top": 0.25, "Width": 0.25, "Height": 0.5}


def test_boxes_outside_the_image_are_written_as_they_are() -> None:
    (seen,) = scene(thing("Ghost", (-80, 300, -40, 340)))
    assert bounding_box(seen, seen.seen[0]) == pytest.approx({"Left": -0.2, "Top": 1.5, "Width": 0.1, "Height": 0.2})
