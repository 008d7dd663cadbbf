"""Faster R-CNN's classes, from nothing but their number."""

from __future__ import annotations

import pytest

from app.detectors.faster_rcnn import classes_of


@pytest.mark.parametrize(
    ("columns", "number", "label", "count"),
    [
        (91, 18, "Dog", 91),
        (91, 12, None, 91),
        (21, 1, "Airplane", 21),
        (21, 0, None, 21),
        (3, 2, "class 2", 3),
        (3, 0, None, 3),
    ],
)
def test_the_number_of_columns_says_which_classes_they_are(columns: int, number: int, label: str | None, count: int) -> None:
    classes = classes_of(columns)
    known = classes.by_number.get(number)
    assert ((known.label if known else None), classes.count) == (label, count)
