"""From plain JSON to a `Tree` with typed geometry. Pure; called by `parse`.

The convention, shared with the Rekognition dialect, which turns it back into AWS's shapes:

    {"Left", "Top", "Width", "Height"}   -> UnitBox                  bounding boxes
    {"X", "Y"}                           -> UnitPoint                corners of a polygon
    {"Type", "X", "Y", ...}              -> the same without X and Y, plus {"$point": UnitPoint}     landmarks

Every other field stays as it is, known or not. What cannot be what it claims to be raises `Broken`; the finding that it
belongs to is then left out, the rest of the answer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Tree
from app.providers.answers import MAX_DEPTH, Broken, coordinate, number

POINT = "$point"

_PERCENT = 100.0
_CERTAIN_UNIT = 1.0  # a finding without a Confidence: the vendor named it and voiced no doubt

_BOX_KEYS = frozenset({"Left", "Top", "Width", "Height"})
_POINT_KEYS = frozenset({"X", "Y"})
_NAMED_POINT_KEYS = frozenset({"Type", "X", "Y"})


def typed(node: Any, depth: int = 0) -> Tree:
    """The tree of any JSON value."""
    if depth > MAX_DEPTH:
        raise Broken("nested too deeply")
    if isinstance(node, dict):
        return _typed_object(node, depth)
    if isinstance(node, list):
        return [typed(child, depth + 1) for child in node]
    plain: bool | int | float | str | None = node
    return plain


def typed_fields(node: Any, without: str = "") -> dict[str, Tree]:
    """The members of one JSON object as trees, `without` left out."""
    if not isinstance(node, dict):
        raise Broken("not an object")
    _refuse_our_names(node)
    return {key: typed(child, 1) for key, child in node.items() if key != without}


def unit_box(node: Any) -> UnitBox:
    """The box of a `BoundingBox` object."""
    if not isinstance(node, dict):
        raise Broken("not a box")
    left, top, width, height = (_coordinate(node, key) for key in ("Left", "Top", "Width", "Height"))
    if width < 0 or height < 0:
        raise Broken("a box with a negative side")
    return UnitBox.from_ltwh(left, top, width, height)


def score_unit(node: Mapping[str, Any], member: str = "Confidence", otherwise: float = _CERTAIN_UNIT) -> float:
    """A confidence, which the vendor gives in percent, 0..1."""
    value = node.get(member)
    if value is None:
        return otherwise
    return min(1.0, max(0.0, number(value) / _PERCENT))


def _typed_object(node: dict[str, Any], depth: int) -> Tree:
    if node.keys() >= _BOX_KEYS:
        return unit_box(node)
    if node.keys() == _POINT_KEYS:
        return _unit_point(node)
    _refuse_our_names(node)
    if node.keys() >= _NAMED_POINT_KEYS:
        named: dict[str, Tree] = {key: typed(child, depth + 1) for key, child in node.items() if key not in _POINT_KEYS}
        return {**named, POINT: _unit_point(node)}
    return {key: typed(child, depth + 1) for key, child in node.items()}


def _refuse_our_names(node: Mapping[str, Any]) -> None:
    if POINT in node:
        raise Broken("the name of a typed leaf is not the vendor's to use")


def _unit_point(node: Mapping[str, Any]) -> UnitPoint:
    return UnitPoint(_coordinate(node, "X"), _coordinate(node, "Y"))


def _coordinate(node: Mapping[str, Any], key: str) -> float:
    return coordinate(number(node.get(key)))
