"""From proto3 JSON to a `Tree` with typed geometry. Pure; called by `findings` and `words`.

In: objects that came through the vendor's message types, so every member has its type; numbers may still be wild, and
anything may be missing. The convention, shared with the Google dialect, which turns it back into Google's shapes:

    boundingPoly, fdBoundingPoly, boundingBox   -> {"$polygon": [UnitPoint, ...]}; an empty list where there is no vertex
    position (of a face's landmark)             -> {"$point": UnitPoint, "$depth": UnitLength}

All geometry is in ratios of the image that was sent, whether Google gave pixels or ratios; a coordinate that is left out is 0,
as proto3 says. Every other field stays as it is, known or not. What cannot be a place raises `Broken`; the finding that it
belongs to is then left out, the rest of the answer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Tree
from app.providers.answers import Broken, coordinate, number

Object: TypeAlias = Mapping[str, Any]

POLYGON, POINT, DEPTH = "$polygon", "$point", "$depth"

_POLYGONS = frozenset({"boundingPoly", "fdBoundingPoly", "boundingBox"})
_POSITION = "position"


def typed_fields(node: Object, size: Size | None) -> dict[str, Tree]:
    """The members of one object as trees. `size`: of the image that was sent; None makes pixels `Broken`."""
    return {name: _typed(name, child, size) for name, child in node.items()}


def hull(tree: Tree) -> UnitBox | None:
    """The box around a typed polygon; None for one without vertices, and for what is no polygon."""
    corners = tree.get(POLYGON) if isinstance(tree, dict) else None
    points = [corner for corner in corners if isinstance(corner, UnitPoint)] if isinstance(corners, list) else []
    if not points:
        return None
    xs, ys = [point.x for point in points], [point.y for point in points]
    return UnitBox(min(xs), min(ys), max(xs), max(ys))


def score_of(node: Object, member: str, otherwise: float = 0.0) -> float:
    """A score, 0..1; one that is left out is 0, as proto3 says, unless told otherwise. "NaN", which is text there, is none."""
    return min(1.0, max(0.0, number(node.get(member, otherwise))))


def label_of(said: str | None) -> str:
    """A text that names something."""
    if not said:
        raise Broken("a finding without a name")
    return said


def _typed(name: str, node: Any, size: Size | None) -> Tree:
    if name in _POLYGONS:
        return {POLYGON: _polygon(node, size)}
    if name == _POSITION:
        return _position(node, _known(size))
    if isinstance(node, dict):
        return typed_fields(node, size)
    if isinstance(node, list):
        return [_typed("", child, size) for child in node]
    plain: bool | int | float | str | None = node
    return plain


def _polygon(node: Object, size: Size | None) -> list[Tree]:
    """Ratios where there are any, else pixels."""
    ratios = node.get("normalizedVertices")
    if ratios:
        return [UnitPoint(_coordinate(vertex, "x", 1), _coordinate(vertex, "y", 1)) for vertex in ratios]
    return [_pixel_point(vertex, _known(size)) for vertex in node.get("vertices", ())]


def _position(node: Object, size: Size) -> Tree:
    return {POINT: _pixel_point(node, size), DEPTH: UnitLength(_coordinate(node, "z", size.width_px))}


def _pixel_point(node: Object, size: Size) -> UnitPoint:
    return UnitPoint(_coordinate(node, "x", size.width_px), _coordinate(node, "y", size.height_px))


def _coordinate(node: Object, name: str, side: int) -> float:
    return coordinate(number(node.get(name, 0)) / side)


def _known(size: Size | None) -> Size:
    if size is None:
        raise Broken("pixels of an image whose size is not known")
    return size
