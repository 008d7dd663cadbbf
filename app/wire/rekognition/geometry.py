"""Typed trees -> AWS JSON: the boxes and points of `core.model.Tree` in Rekognition's own member names.

The way back (AWS JSON -> typed tree) lives in the provider and shares no code with this, so that a mistake cannot sit at both
ends of a test.
"""

from __future__ import annotations

from typing import Any

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Tree

# A landmark is {"Type": ..., "X": ..., "Y": ...} in AWS JSON and {"Type": ..., "$point": UnitPoint} in a tree.
POINT_KEY = "$point"


def to_wire(tree: Tree) -> Any:
    """The tree with every typed leaf written out; everything else as it is."""
    match tree:
        case UnitBox():
            return {"Width": tree.width, "Height": tree.height, "Left": tree.left, "Top": tree.top}
        case UnitPoint():
            return {"X": tree.x, "Y": tree.y}
        case dict():
            return _members(tree)
        case list():
            return [to_wire(item) for item in tree]
        case _:
            return tree


def _members(tree: dict[str, Tree]) -> dict[str, Any]:
    written = {name: to_wire(value) for name, value in tree.items() if name != POINT_KEY}
    point = tree.get(POINT_KEY)
    return written | to_wire(point) if isinstance(point, UnitPoint) else written
