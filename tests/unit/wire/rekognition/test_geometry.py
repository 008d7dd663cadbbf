"""Typed trees become AWS JSON; what is not geometry is not touched."""

from __future__ import annotations

import pytest

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Tree
from app.wire.rekognition.geometry import to_wire


@pytest.mark.parametrize("plain", [None, True, 3, 2.5, "x", [], {}, {"a": [1, {"b": None}]}, {"Width": 1, "X": 2}])
def test_plain_json_stays_as_it_is(plain: Tree) -> None:
    assert to_wire(plain) == plain


def test_typed_leaves_in_aws_words() -> None:
    assert to_wire(UnitBox(0.25, 0.5, 0.75, 0.625)) == {"Width": 0.5, "Height": 0.125, "Left": 0.25, "Top": 0.5}
    assert to_wire(UnitPoint(0.25, -0.5)) == {"X": 0.25, "Y": -0.5}


def test_a_landmark_keeps_its_type_and_whatever_else_it_has() -> None:
    landmark: Tree = {"Type": "nose", "$point": UnitPoint(0.25, 0.5), "Visible": True}
    assert to_wire(landmark) == {"Type": "nose", "Visible": True, "X": 0.25, "Y": 0.5}


def test_leaves_are_found_at_any_depth() -> None:
    tree: Tree = {"A": [{"B": {"Polygon": [UnitPoint(0, 0), UnitPoint(1, 0)], "BoundingBox": UnitBox(0, 0, 1, 1)}}]}
    assert to_wire(tree) == {
        "A": [
            {
                "B": {
                    "Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 0}],
                    "BoundingBox": {"Width": 1, "Height": 1, "Left": 0, "Top": 0},
                }
            }
        ]
    }


def test_the_tree_itself_is_not_changed() -> None:
    tree: Tree = {"Type": "nose", "$point": UnitPoint(0.25, 0.5)}
    to_wire(tree)
    assert tree == {"Type": "nose", "$point": UnitPoint(0.25, 0.5)}
