"""Drawings that OpenCV's classical detectors take for a face and for a standing person. For tests without photographs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SKIN, SHADOW, DARK, LIGHT, COAT = (205, 180, 160), (130, 105, 90), (45, 35, 30), (235, 235, 235), (60, 60, 70)


def face(side_px: int, canvas_wh: tuple[int, int], at_xy: tuple[int, int]) -> NDArray[np.uint8]:
    """A frontal face about `side_px` wide with its top left corner at `at_xy`."""
    picture = Image.new("RGB", canvas_wh, (170, 170, 175))
    draw, (left, top), unit = ImageDraw.Draw(picture), at_xy, side_px / 100

    def oval(x: float, y: float, width: float, height: float, fill: tuple[int, int, int]) -> None:
        centre_x, centre_y = left + x * unit, top + y * unit
        draw.ellipse(
            (
                centre_x - width * unit / 2,
                centre_y - height * unit / 2,
                centre_x + width * unit / 2,
                centre_y + height * unit / 2,
            ),
            fill=fill,
        )

    oval(50, 42, 104, 130, DARK)
    oval(50, 58, 84, 112, SKIN)
    for x in (31, 69):
        oval(x, 45, 24, 14, SHADOW)
        oval(x, 37, 24, 6, DARK)
        oval(x, 46, 16, 8, LIGHT)
        oval(x, 46, 8, 8, DARK)
    oval(50, 60, 10, 26, (220, 198, 178))
    oval(50, 72, 16, 5, SHADOW)
    oval(50, 86, 32, 7, (120, 60, 60))
    oval(50, 97, 20, 5, SHADOW)
    return np.array(picture.filter(ImageFilter.GaussianBlur(unit)))


def person(height_px: int, canvas_wh: tuple[int, int], at_xy: tuple[int, int]) -> NDArray[np.uint8]:
    """Somebody standing, `height_px` tall, with the top of the head at `at_xy`'s height and its centre at `at_xy`'s x."""
    picture = Image.new("RGB", canvas_wh, LIGHT)
    draw, (centre, top), unit = ImageDraw.Draw(picture), at_xy, height_px / 100

    def at(x: float, y: float) -> tuple[float, float]:
        return centre + x * unit, top + y * unit

    draw.ellipse((*at(-6, 0), *at(6, 15)), fill=SHADOW)
    draw.polygon(
        [
            at(-4, 13),
            at(4, 13),
            at(13, 19),
            at(15, 48),
            at(11, 50),
            at(9, 30),
            at(9, 52),
            at(-9, 52),
            at(-9, 30),
            at(-11, 50),
            at(-15, 48),
            at(-13, 19),
        ],
        fill=COAT,
    )
    draw.polygon([at(-9, 50), at(9, 50), at(10, 97), at(3, 97), at(0, 60), at(-3, 97), at(-10, 97)], fill=DARK)
    draw.polygon([at(-12, 100), at(-3, 100), at(-3, 95), at(-9, 95)], fill=DARK)
    draw.polygon([at(12, 100), at(3, 100), at(3, 95), at(9, 95)], fill=DARK)
    return np.array(picture.filter(ImageFilter.GaussianBlur(max(0.5, unit / 2))))
