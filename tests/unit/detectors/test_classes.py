"""Numbers and names: the usual tables keep their own numbering."""

from __future__ import annotations

import pytest

from app.detectors.classes import USUAL, listed, named, usual_classes


@pytest.mark.parametrize(
    ("table", "number", "label"),
    [
        ("coco80", 0, "Person"),
        ("coco80", 16, "Dog"),
        ("coco80", 79, "Toothbrush"),
        ("coco91", 1, "Person"),
        ("coco91", 18, "Dog"),
        ("coco91", 90, "Toothbrush"),
        ("coco91", 0, None),
        ("coco91", 12, None),
        ("coco91", 91, None),
        ("voc20", 0, "Airplane"),
        ("voc20", 14, "Person"),
        ("voc20", 17, "Couch"),
        ("voc20", 19, "TV"),
    ],
)
def test_the_usual_tables(table: str, number: int, label: str | None) -> None:
    known = usual_classes(table).by_number.get(number)
    assert (known.label if known else None) == label


def test_how_many_numbers_are_in_use_and_how_many_have_names() -> None:
    tables = [usual_classes(name) for name in USUAL]
    assert [(table.count, len(table.by_number)) for table in tables] == [(80, 80), (91, 80), (20, 20)]
    assert all(table.has_people for table in tables)


def test_a_table_may_begin_later() -> None:
    shifted = usual_classes("coco80", 1)
    assert (shifted.by_number[1].label, shifted.count, 0 in shifted.by_number) == ("Person", 81, False)


def test_names_of_one_s_own() -> None:
    own = listed("names", [named("screw"), named("nut")])
    assert ([known.label for known in own.by_number.values()], own.count, own.has_people) == (["screw", "nut"], 2, False)


def test_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="no such table of classes: 'coco'"):
        usual_classes("coco")
