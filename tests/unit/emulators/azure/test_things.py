"""What counts as what, and what it is called."""

from __future__ import annotations

import pytest

from app.emulators.azure.things import brand_name, brands_in, class_of, name_of, names_of, objects_in, people_in
from app.emulators.scene import Seen
from tests.support.seen import face, marker, person, scene, thing

(EVERYTHING,) = scene(face(score=0.99), person(score=0.1), thing("Cup", score=0.6), marker(8), marker(9, score=0.5))


def labels(things: list[Seen]) -> list[str]:
    return [seen.sighting.label for seen in things]


def test_everything_but_faces_is_an_object_and_the_surest_comes_first() -> None:
    assert labels(objects_in(EVERYTHING)) == ["Car-0008", "Cup", "Dog-0009", "Person"]


def test_people_are_persons_however_unsure_and_markers() -> None:
    assert labels(people_in(EVERYTHING)) == ["Car-0008", "Dog-0009", "Person"]


def test_some_markers_are_brands() -> None:
    assert [brand_name(brand) for brand in brands_in(EVERYTHING)] == ["Brand-0008"]


@pytest.mark.parametrize(("label", "name"), [("Car-0008", "Car-0008"), ("Car-0009", "car-0009"), ("Cell Phone", "cell phone")])
def test_identities_keep_their_spelling(label: str, name: str) -> None:
    assert name_of(label) == name


def test_names_with_ancestors_and_classes() -> None:
    (pair,) = scene(marker(8), thing("Laptop", parents=("Computer", "Electronics")))
    assert [names_of(seen) for seen in pair.seen] == [
        ["Car-0008", "car", "vehicle", "transportation"],
        ["laptop", "computer", "electronics"],
    ]
    assert [class_of(seen) for seen in pair.seen] == ["car", "laptop"]
