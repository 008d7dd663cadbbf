"""The law of every fit: what is drawn somewhere in an image is found there, whatever the image's shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.geometry import Size
from app.detectors.onnx import OnnxDetector
from app.detectors.resizing import Fitted, by_shortest_side, letterbox, stretched
from app.imaging.array import read_rgb
from tests.support.colour_model import RECIPE, SIDE_PX, patches, write_colour_model

BOX = {"Red": (60, 30, 180, 150)}


@pytest.mark.parametrize("fit", ["stretch", "letterbox_topleft", "letterbox_centre"])
@pytest.mark.parametrize("size", [Size(200, 200), Size(311, 207), Size(190, 777), Size(1600, 401)], ids=str)
def test_a_patch_is_found_where_it_was_drawn(tmp_path: Path, fit: str, size: Size) -> None:
    model = write_colour_model(tmp_path, RECIPE.replace("letterbox_centre", fit))
    (found,) = OnnxDetector(model).look(read_rgb(patches(size, BOX, "PNG").content, max_pixels=10**7))
    pixel_px = size.longest_px / SIDE_PX  # one pixel of the input, in pixels of the image
    assert found.label == "Red"
    assert found.box_xyxy_px == pytest.approx(BOX["Red"], abs=1.5 * max(1.0, pixel_px))


def fitted(fit: str, width_px: int, height_px: int) -> Fitted:
    rgb = np.zeros((height_px, width_px, 3), np.uint8)
    match fit:
        case "stretch":
            return stretched(rgb, (64, 48))
        case "shortest_side":
            return by_shortest_side(rgb, shortest_px=40, longest_px=64, multiple_px=32, padding=0.0)
        case _:
            return letterbox(rgb, (64, 48), centred=fit == "letterbox_centre", padding=114.0)


@given(
    st.sampled_from(["stretch", "letterbox_topleft", "letterbox_centre", "shortest_side"]),
    st.integers(8, 300),
    st.integers(8, 300),
    st.tuples(*[st.floats(0, 1, width=32)] * 4),
)
@settings(max_examples=150)
def test_any_box_comes_back_through_any_fit(
    fit: str, width_px: int, height_px: int, ratios: tuple[float, float, float, float]
) -> None:
    found = fitted(fit, width_px, height_px)
    box = np.array([ratios], np.float32) * np.array([width_px, height_px] * 2, np.float32)
    there = box * np.array(found.scale_xy * 2, np.float32) + np.array(found.offset_xy_px * 2, np.float32)
    assert np.allclose(found.restore(there), box, atol=0.01)


@given(st.integers(1, 500), st.integers(1, 500))
@settings(max_examples=60)
def test_the_shortest_side_decides_until_the_longest_would_be_too_long(width_px: int, height_px: int) -> None:
    found = fitted("shortest_side", width_px, height_px)
    inner, sides = found.inner_wh, found.size_wh
    assert max(inner) <= 64
    assert min(inner) == 40 or max(inner) == 64
    assert all(side % 32 == 0 and inside <= side < inside + 32 for inside, side in zip(inner, sides, strict=True))
