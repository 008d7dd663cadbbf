"""Aliases and categories."""

from __future__ import annotations

import pytest

from app.detectors.coco import COCO_CLASSES
from app.detectors.markers import CLASSES
from app.emulators.rekognition.catalogue import ALIASES, DEFAULT_CATEGORY, aliases_of, category_of


@pytest.mark.parametrize(
    ("label", "parents", "wanted"),
    [
        ("Car", ("Vehicle", "Transportation"), "Vehicles and Automotive"),
        ("Dog", ("Canine", "Pet", "Mammal", "Animal"), "Animals and Pets"),
        ("Vehicle", (), "Vehicles and Automotive"),
        ("Bottle", (), DEFAULT_CATEGORY),
        ("", (), DEFAULT_CATEGORY),
    ],
)
def test_a_label_has_its_own_category_or_its_nearest_ancestors(label: str, parents: tuple[str, ...], wanted: str) -> None:
    assert category_of(label, parents) == wanted


def test_aliases() -> None:
    assert aliases_of("Car") == ["Automobile"]
    assert aliases_of("Cup") == []
    known = {kind.label for kind in COCO_CLASSES} | {kind.name for kind in CLASSES}
    assert set(ALIASES) <= known
