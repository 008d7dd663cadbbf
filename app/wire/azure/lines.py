"""Words -> the `readResult` of 4.0: each image's lines are made of its own words.

A line of a sheet may reach over two images. Its words carry its number ("line"), each image gets its own words, and what is
left of the line is a line of that image: nobody reads a neighbour's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.geometry import Size, UnitBox
from app.core.model import Detection
from app.core.text import lines_of
from app.wire.azure.findings import confidence, own_item, placed
from app.wire.azure.geometry import PixelRect

Polygon = list[dict[str, int]]
_CORNERS = 4


def write_read(detections: Sequence[Detection], size: Size) -> dict[str, Any]:
    """`readResult`: one block holds all lines, as from the vendor."""
    lines = lines_of(word for word, _ in placed(detections))
    written = [_line([own_item(word, "word", size) or _word(word, box, size) for word, box in placed(line)]) for line in lines]
    return {"blocks": [{"lines": written}] if written else []}


def _word(word: Detection, box: UnitBox, size: Size) -> dict[str, Any]:
    return {"text": word.label, "boundingPolygon": _corners(PixelRect.of(box, size)), "confidence": confidence(word)}


def _corners(rect: PixelRect) -> Polygon:
    """Clockwise from the top left."""
    right_px, bottom_px = rect.left_px + rect.width_px, rect.top_px + rect.height_px
    xs_px, ys_px = (rect.left_px, right_px, right_px, rect.left_px), (rect.top_px, rect.top_px, bottom_px, bottom_px)
    return [{"x": x_px, "y": y_px} for x_px, y_px in zip(xs_px, ys_px, strict=True)]


def _line(words: list[dict[str, Any]]) -> dict[str, Any]:
    text = " ".join(str(word.get("text", "")) for word in words)
    return {"text": text, "boundingPolygon": _around([_polygon(word) for word in words]), "words": words}


def _polygon(word: dict[str, Any]) -> Polygon:
    found = word.get("boundingPolygon")
    return found if isinstance(found, list) and len(found) == _CORNERS else []


def _around(polygons: list[Polygon]) -> Polygon:
    """Upright words: the box around them. Turned ones: from the first word's beginning to the last word's end."""
    known = [polygon for polygon in polygons if polygon]
    if not known:
        return []
    first, last = known[0], known[-1]
    if first[0]["y"] != first[1]["y"] or first[0]["x"] != first[3]["x"] or first[1]["x"] < first[0]["x"]:
        return [first[0], last[1], last[2], first[3]]
    xs_px = [corner["x"] for polygon in known for corner in polygon]
    ys_px = [corner["y"] for polygon in known for corner in polygon]
    left_px, top_px = min(xs_px), min(ys_px)
    return _corners(PixelRect(left_px, top_px, max(xs_px) - left_px, max(ys_px) - top_px))
