"""The vendor's ways of writing places: whole pixels of the image as it was sent, origin at the top left.

In: boxes and points in fractions of pixels. Out: JSON. Called by everything that answers with a place.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.emulators.azure.parameters import Json

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def _whole(box: Box) -> tuple[int, int, int, int]:
    """Left, top, width and height of the nearest box on whole pixels; never without extent, so that nothing vanishes."""
    left, top, right, bottom = (round(edge) for edge in box)
    return left, top, max(1, right - left), max(1, bottom - top)


def rectangle(box: Box) -> Json:
    """`boundingBox` of 4.0, `rectangle` of 3.2."""
    left, top, width, height = _whole(box)
    return {"x": left, "y": top, "w": width, "h": height}


def face_rectangle(box: Box) -> Json:
    """Faces of 3.2 have words of their own."""
    left, top, width, height = _whole(box)
    return {"left": left, "top": top, "width": width, "height": height}


def text_rectangle(box: Box) -> str:
    """A box of `/ocr`: four numbers in a string."""
    return ",".join(map(str, _whole(box)))


def polygon(corners: Iterable[Point]) -> list[Json]:
    """`boundingPolygon` of 4.0."""
    return [{"x": round(x), "y": round(y)} for x, y in corners]


def flat_polygon(corners: Iterable[Point]) -> list[int]:
    """`boundingBox` of a reading in 3.2: eight numbers."""
    return [round(value) for corner in corners for value in corner]
