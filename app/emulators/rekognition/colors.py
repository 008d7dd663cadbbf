"""Rekognition's Quality and DominantColors.

In: RGB pixels of an image or a part. Out: the vendor's JSON, with figures from `app.emulators.pixels`.
"""

from __future__ import annotations

from app.emulators.pixels import Pixels, Swatch, brightness, contrast, sharpness, swatches
from app.emulators.rekognition.parameters import Json

PALETTE: dict[str, tuple[tuple[int, int, int], str]] = {
    "black": ((0, 0, 0), "black"),
    "dimgray": ((105, 105, 105), "grey"),
    "silver": ((192, 192, 192), "grey"),
    "white": ((255, 255, 255), "white"),
    "maroon": ((128, 0, 0), "red"),
    "red": ((255, 0, 0), "red"),
    "orange": ((255, 165, 0), "orange"),
    "saddlebrown": ((139, 69, 19), "brown"),
    "tan": ((210, 180, 140), "brown"),
    "yellow": ((255, 255, 0), "yellow"),
    "olive": ((128, 128, 0), "green"),
    "green": ((0, 128, 0), "green"),
    "lightgreen": ((144, 238, 144), "green"),
    "teal": ((0, 128, 128), "green"),
    "skyblue": ((135, 206, 235), "blue"),
    "steelblue": ((70, 130, 180), "blue"),
    "navy": ((0, 0, 128), "blue"),
    "blue": ((0, 0, 255), "blue"),
    "purple": ((128, 0, 128), "purple"),
    "orchid": ((218, 112, 214), "pink"),
    "pink": ((255, 192, 203), "pink"),
}
"""CSS colour names, what they look like, and the simplified colour they belong to."""


def quality(rgb: Pixels, *, with_contrast: bool = False) -> Json:
    """The vendor's Quality."""
    figures = {"Brightness": brightness(rgb), "Sharpness": sharpness(rgb)}
    return figures | {"Contrast": contrast(rgb)} if with_contrast else figures


def dominant_colors(rgb: Pixels, most: int) -> list[Json]:
    """The most frequent colours, the most frequent first."""
    return [_color(swatch) for swatch in swatches(rgb, most)]


def _color(swatch: Swatch) -> Json:
    red, green, blue = (round(channel) for channel in swatch.rgb)
    name = min(PALETTE, key=lambda css: sum((a - b) ** 2 for a, b in zip(PALETTE[css][0], (red, green, blue), strict=True)))
    return {
        "Red": red,
        "Blue": blue,
        "Green": green,
        "HexCode": f"#{red:02x}{green:02x}{blue:02x}",
        "CSSColor": name,
        "SimplifiedColor": PALETTE[name][1],
        "PixelPercent": 100 * swatch.share_unit,
    }
