"""The table of COCO's classes."""

from __future__ import annotations

from app.detectors.coco import COCO_CLASSES


def test_there_are_eighty_classes_with_names_of_their_own() -> None:
    assert len(COCO_CLASSES) == len({kind.label for kind in COCO_CLASSES}) == 80


def test_the_order_is_cocos_own() -> None:
    """Spot checks: the first, the last, and the neighbours of the numbers that COCO's own list leaves out."""
    wanted = {
        0: "person",
        9: "traffic light",
        11: "stop sign",
        24: "backpack",
        39: "bottle",
        57: "couch",
        62: "tv",
        79: "toothbrush",
    }
    assert {number: COCO_CLASSES[number].label.lower() for number in wanted} == wanted


def test_no_class_is_its_own_ancestor_and_ancestors_are_named_once() -> None:
    for kind in COCO_CLASSES:
        assert kind.label not in kind.parents
        assert len(set(kind.parents)) == len(kind.parents)
