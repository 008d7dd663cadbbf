"""The table of names: laws that hold for every row, and the words that vendors are known for."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from app.core.names import AZURE, COLUMNS, GOOGLE, NATIVE, REKOGNITION, spoken
from app.detectors.coco import COCO_CLASSES

# Vendors that write some names in one way and some in another: Azure's are known from its answers, word by word.
AZURES_CAPITALS = {
    "Vehicle",
    "Land vehicle",
    "Van",
    "Wheel",
    "Luggage and bags",
    "Tableware",
    "Coffee cup",
    "Laptop",
    "Remote control",
}


def test_all_classes_of_coco_are_listed() -> None:
    assert {known.label for known in COCO_CLASSES} <= {words[0] for words in COLUMNS[NATIVE]}


@pytest.mark.parametrize("vendor", COLUMNS)
def test_no_word_stands_twice_in_a_column(vendor: str) -> None:
    """Whatever its capitals: each word means one thing."""
    assert {len(column) for column in COLUMNS.values()} == {len(COLUMNS[NATIVE])}
    counted = Counter(word.lower() for words in COLUMNS[vendor] for word in words)
    assert [word for word, times in counted.items() if times > 1 or not word] == []


@pytest.mark.parametrize(("one", "other"), [*permutations(COLUMNS, 2)])
def test_a_listed_name_goes_to_another_vendor_and_back_unchanged(one: str, other: str) -> None:
    for row, (name, *also) in enumerate(COLUMNS[one]):
        there = spoken(name, one, other)
        assert there == COLUMNS[other][row][0]
        assert spoken(there, other, one) == name
        assert [spoken(word, one, other) for word in also] == [there] * len(also)


@pytest.mark.parametrize("vendor", COLUMNS)
def test_a_vendors_own_word_stays_as_it_is(vendor: str) -> None:
    for words in COLUMNS[vendor]:
        assert [spoken(word, vendor, vendor) for word in words] == list(words)


def test_listed_names_are_in_their_vendors_own_case() -> None:
    for name, *_ in (*COLUMNS[REKOGNITION], *COLUMNS[NATIVE]):
        assert all(word[0].isupper() for word in name.split(" ")), name
    for name, *_ in COLUMNS[GOOGLE]:
        assert name == name.capitalize(), name
    for name, *_ in COLUMNS[AZURE]:
        assert name == name.lower() or name in AZURES_CAPITALS, name


@pytest.mark.parametrize(
    ("label", "vendor", "to", "expected"),
    [
        ("Mobile phone", GOOGLE, REKOGNITION, "Mobile Phone"),
        ("Mobile phone", GOOGLE, AZURE, "cell phone"),
        ("Mobile phone", GOOGLE, NATIVE, "Cell Phone"),
        ("cell phone", AZURE, GOOGLE, "Mobile phone"),
        ("Cell Phone", REKOGNITION, GOOGLE, "Mobile phone"),
        ("dining table", AZURE, REKOGNITION, "Dining Table"),
        ("Dining Table", REKOGNITION, AZURE, "dining table"),
        ("Television", GOOGLE, AZURE, "television"),
        ("television", AZURE, REKOGNITION, "TV"),
        ("Television", REKOGNITION, NATIVE, "TV"),
        ("Houseplant", GOOGLE, AZURE, "potted plant"),
        ("Laptop", REKOGNITION, AZURE, "Laptop"),
        ("laptop", AZURE, REKOGNITION, "Laptop"),
        ("Land vehicle", AZURE, REKOGNITION, "Land Vehicle"),
        ("Traffic Light", REKOGNITION, GOOGLE, "Traffic light"),
        ("Human", REKOGNITION, AZURE, "person"),
        # Words of ours are understood from everybody, and from those who are no vendor of the table.
        ("Cell Phone", GOOGLE, REKOGNITION, "Mobile Phone"),
        ("tv", AZURE, GOOGLE, "Television"),
        ("potted plant", "onnx", GOOGLE, "Houseplant"),
        ("couch", "", REKOGNITION, "Couch"),
    ],
)
def test_names_that_differ_in_wording(label: str, vendor: str, to: str, expected: str) -> None:
    assert spoken(label, vendor, to) == expected


@pytest.mark.parametrize(
    ("label", "vendor", "to", "expected"),
    [
        ("Sports Car", REKOGNITION, AZURE, "sports car"),
        ("Sports Car", REKOGNITION, GOOGLE, "Sports Car"),
        ("sports car", AZURE, REKOGNITION, "Sports Car"),
        ("sports car", AZURE, GOOGLE, "Sports car"),
        ("Bicycle wheel", GOOGLE, NATIVE, "Bicycle wheel"),
        ("Car-0016", "", GOOGLE, "Car-0016"),
        ("", AZURE, REKOGNITION, ""),
    ],
)
def test_an_unlisted_name_is_only_put_into_the_habit_of_the_other(label: str, vendor: str, to: str, expected: str) -> None:
    assert spoken(label, vendor, to) == expected
