"""How large a detector sees an image, by the way it fits images into its input."""

from __future__ import annotations

import pytest

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size


@pytest.mark.parametrize(
    ("fit", "size", "image", "scale_xy"),
    [
        (InputFit.STRETCH, Size(416, 416), Size(416, 416), (1.0, 1.0)),
        (InputFit.STRETCH, Size(416, 416), Size(832, 208), (0.5, 2.0)),
        (InputFit.LETTERBOX, Size(416, 416), Size(832, 208), (0.5, 0.5)),
        (InputFit.LETTERBOX, Size(640, 320), Size(320, 320), (1.0, 1.0)),
        (InputFit.SHORTEST_SIDE, Size(1333, 800), Size(500, 400), (2.0, 2.0)),
        (InputFit.SHORTEST_SIDE, Size(1333, 800), Size(400, 500), (2.0, 2.0)),
        (InputFit.SHORTEST_SIDE, Size(1200, 800), Size(2400, 400), (0.5, 0.5)),  # the longest side is the limit
    ],
)
def test_the_scale_of_an_image_in_the_input(fit: InputFit, size: Size, image: Size, scale_xy: tuple[float, float]) -> None:
    assert DetectorInput(fit, size).scale_xy(image) == scale_xy
