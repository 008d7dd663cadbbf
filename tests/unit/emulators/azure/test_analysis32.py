"""Image Analysis 3.2: what it takes, and what its answers have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.emulators.azure.analysis32 import (
    FEATURES,
    Wishes,
    about_faces,
    answer,
    charges,
    read,
    read_describe,
    read_detect,
    read_tag,
    seal,
)
from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.parameters import Query
from app.emulators.azure.picture import Picture
from app.emulators.images import ImageFormat
from tests.support.seen import HEIGHT, WIDTH, face, marker, scene, thing

(OBJECTS,) = scene(marker(8), thing("Cup"))
(FACES,) = scene(marker(8), face())
PICTURE = Picture(OBJECTS, FACES, ImageFormat.JPEG)


def test_without_a_wish_the_categories_are_told() -> None:
    assert read({}).features == ("Categories",)
    assert read({"details": "landmarks"}) == Wishes((), ("Landmarks",))
    assert set(answer(PICTURE, read({}))) == set(answer(PICTURE, read({"details": "Landmarks"}))) == {"categories"}


@pytest.mark.parametrize(
    ("reader", "query", "problem"),
    [
        (read, {"visualFeatures": "Objects,People"}, Problem.FEATURE),
        (read, {"details": "Brands"}, Problem.DETAILS),
        (read, {"language": "xx"}, Problem.LANGUAGE),
        (read, {"model-version": "new"}, Problem.ARGUMENT),
        (read_detect, {"model-version": "new"}, Problem.ARGUMENT),
        (read_tag, {"language": "xx"}, Problem.LANGUAGE),
        (read_describe, {"maxCandidates": "0"}, Problem.ARGUMENT),
    ],
)
def test_wrong_queries_are_refused(reader: Callable[[Query], Wishes], query: dict[str, str], problem: Problem) -> None:
    with pytest.raises(Refused) as caught:
        reader(query)
    assert caught.value.problem is problem


@pytest.mark.parametrize("feature", FEATURES)
def test_the_answer_has_a_member_for_each_feature_and_no_other(feature: str) -> None:
    wishes = read({"visualFeatures": feature})
    assert tuple(answer(PICTURE, wishes)) == charges(wishes) == (feature[0].lower() + feature[1:],)


def test_each_feature_and_each_detail_is_billed() -> None:
    wishes = read({"visualFeatures": "Objects,ImageType", "details": "Celebrities"})
    assert charges(wishes) == ("objects", "imageType", "celebrities")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"visualFeatures": "Faces"}, True),
        ({"details": "Celebrities"}, True),
        ({"visualFeatures": "Objects", "details": "Landmarks"}, False),
    ],
)
def test_who_asks_about_faces_gets_them_from_the_eyes_for_faces(query: dict[str, str], asked: bool) -> None:
    assert about_faces(read(query)) == asked


def test_objects_have_a_chain_of_parents() -> None:
    first, second = answer(PICTURE, read_detect({}))["objects"]
    assert first == {
        "rectangle": {"x": 40, "y": 20, "w": 100, "h": 100},
        "object": "Car-0008",
        "confidence": 0.98,
        "parent": {
            "object": "car",
            "confidence": 0.98,
            "parent": {"object": "vehicle", "confidence": 0.98, "parent": {"object": "transportation", "confidence": 0.98}},
        },
    }
    assert second == {"rectangle": {"x": 10, "y": 10, "w": 50, "h": 50}, "object": "cup", "confidence": 0.6}


def test_faces_have_a_rectangle_of_their_own_kind() -> None:
    assert answer(PICTURE, read({"visualFeatures": "Faces"}))["faces"] == [
        {"faceRectangle": {"left": 40, "top": 20, "width": 100, "height": 100}},
        {"faceRectangle": {"left": 200, "top": 50, "width": 60, "height": 60}},
    ]


def test_brands() -> None:
    (brand,) = answer(PICTURE, read({"visualFeatures": "Brands"}))["brands"]
    assert brand == {"name": "Brand-0008", "confidence": 0.98, "rectangle": {"x": 40, "y": 20, "w": 100, "h": 100}}


def test_tags_and_descriptions() -> None:
    tags = answer(PICTURE, read_tag({}))["tags"]
    description = answer(PICTURE, read_describe({"maxCandidates": "2"}))["description"]
    assert [tag["name"] for tag in tags] == description["tags"]
    assert [caption["text"] for caption in description["captions"]] == ["a car and a cup indoors", "a car and a cup"]


@pytest.mark.parametrize(("kind", "name"), [(ImageFormat.JPEG, "Jpeg"), (ImageFormat.BMP, "Bmp")])
def test_every_answer_has_id_metadata_and_model_version(kind: ImageFormat, name: str) -> None:
    assert seal({"tags": []}, Picture(OBJECTS, FACES, kind), "7") == {
        "tags": [],
        "requestId": "7",
        "metadata": {"height": HEIGHT, "width": WIDTH, "format": name},
        "modelVersion": "2021-05-01",
    }
