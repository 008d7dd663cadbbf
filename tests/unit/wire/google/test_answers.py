"""Findings as the vendor writes them: own items survive whole, those of other vendors become the smallest valid ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Answer, Detection, Feature, Inquiry
from app.core.moderation import Category
from app.core.moderation_words import GOOGLE_CATEGORIES
from app.errors import Kind, Problem
from app.wire.google.answers import fields_of
from app.wire.google.geometry import Scale
from app.wire.google.messages import image_answer, tree_of
from tests.support.google_wire import BOX, own_face, own_object, polygon

SIZE = Size(400, 200)
CORNERS_PX = [{"x": 100, "y": 50}, {"x": 300, "y": 50}, {"x": 300, "y": 100}, {"x": 100, "y": 100}]


def fields(feature: Feature, *detections: Detection, most: int | None = 10, size: Size = SIZE) -> dict[str, Any]:
    """Through the vendor's own message, so that no member that it does not have passes."""
    tree = fields_of(Inquiry(feature, max_results=most), Answer(detections), size).fields
    assert set(tree_of(image_answer(tree))) == set(tree)
    return tree


def test_objects_keep_their_id_and_have_ratios() -> None:
    (found,) = fields(Feature.OBJECTS, own_object())["localizedObjectAnnotations"]
    assert found["mid"] == "/m/Cat"
    assert found["boundingPoly"]["normalizedVertices"][0] == {"x": 0.25, "y": 0.25}


def test_faces_keep_angles_and_have_pixels_and_depths() -> None:
    (face,) = fields(Feature.FACES, own_face())["faceAnnotations"]
    assert face["boundingPoly"]["vertices"] == face["fdBoundingPoly"]["vertices"] == CORNERS_PX
    assert face["landmarks"] == [{"type": "LEFT_EYE", "position": {"x": 200.0, "y": 50.0, "z": -50.0}}]
    assert (face["rollAngle"], face["joyLikelihood"]) == (-3.5, "VERY_LIKELY")


def test_landmarks_keep_where_they_are_on_earth() -> None:
    item: Any = {"mid": "/m/1", "description": "Tower", "score": 0.5, "boundingPoly": polygon()}
    item["locations"] = [{"latLng": {"latitude": 48.5, "longitude": 2.25}}]
    detection = Detection(Feature.LANDMARKS, "Tower", 0.5, BOX, "google", {"landmark": item})
    (landmark,) = fields(Feature.LANDMARKS, detection)["landmarkAnnotations"]
    assert landmark["locations"] == [{"latLng": {"latitude": 48.5, "longitude": 2.25}}]
    assert landmark["boundingPoly"]["vertices"] == CORNERS_PX


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (Feature.OBJECTS, {"localizedObjectAnnotations": [{"name": "Traffic light", "score": 0.5}]}),
        (Feature.FACES, {"faceAnnotations": [{"detectionConfidence": 0.5}]}),
        (Feature.LOGOS, {"logoAnnotations": [{"description": "traffic light", "score": 0.5}]}),
        (Feature.LANDMARKS, {"landmarkAnnotations": [{"description": "traffic light", "score": 0.5}]}),
    ],
)
def test_findings_of_other_vendors_are_the_smallest_valid_ones(feature: Feature, expected: dict[str, Any]) -> None:
    detection = Detection(feature, "traffic light", 0.5, BOX, "azure", {"object": {"boundingBox": BOX}})
    tree = fields(feature, detection)
    for items in tree.values():
        for item in items:
            assert item.pop("boundingPoly")
            item.pop("fdBoundingPoly", None)
    assert tree == expected


def test_geometry_of_any_kind_is_written_in_the_images_pixels() -> None:
    tree: Any = {"box": BOX, "point": UnitPoint(0.5, 0.5), "length": UnitLength(0.25), "flat": {"$point": UnitPoint(0, 1)}}
    assert Scale(SIZE).tree(tree) == {
        "box": {"vertices": CORNERS_PX},
        "point": {"x": 200.0, "y": 100.0},
        "length": 100.0,
        "flat": {"x": 0, "y": 200},
    }


def test_items_that_cannot_be_written_are_the_providers_fault() -> None:
    """Numbers may be text and words unknown, as in the vendor's JSON; what is neither is garbled."""
    assert tree_of(image_answer({"faceAnnotations": [{"rollAngle": "1.5", "joyLikelihood": "OVERJOYED", "mood": {}}]})) == {
        "faceAnnotations": [{"rollAngle": 1.5}]
    }
    with pytest.raises(Problem) as caught:
        image_answer({"faceAnnotations": [{"rollAngle": {}}]})
    assert caught.value.kind is Kind.PROVIDER_GARBLED


def test_nothing_found_is_an_empty_answer() -> None:
    for feature in (Feature.OBJECTS, Feature.FACES, Feature.TEXT):
        assert fields(feature) == {}


def test_what_has_no_place_and_no_words_is_left_out() -> None:
    assert fields(Feature.OBJECTS, Detection(Feature.OBJECTS, "Sky", 0.9, None, "rekognition")) == {}


def test_objects_are_the_surest_first_and_no_more_than_asked_for() -> None:
    found = [own_object(f"Thing {place}", place / 20) for place in range(15)]
    names = [one["name"] for one in fields(Feature.OBJECTS, *found)["localizedObjectAnnotations"]]
    assert names == [f"Thing {place}" for place in range(14, 4, -1)]
    assert len(fields(Feature.OBJECTS, *found, most=3)["localizedObjectAnnotations"]) == 3


def label(word: str, score: float, vendor: str = "rekognition", **facts: Any) -> Detection:
    return Detection(Feature.LABELS, word, score, None, vendor, facts)


def test_labels_of_others_are_in_googles_words_and_each_word_stands_once() -> None:
    """`TV` and `Television` are one to Google; there is no `mid`."""
    found = [label("TV", 0.5), label("Television", 0.75, count=2), label("Sports Car", 0.25, mid="/m/other")]
    assert fields(Feature.LABELS, *found) == {
        "labelAnnotations": [
            {"description": "Television", "score": 0.75, "topicality": 0.75},
            {"description": "Sports Car", "score": 0.25, "topicality": 0.25},
        ]
    }


def test_googles_own_labels_keep_id_and_topicality() -> None:
    found = [label("Cat", 0.5, "google", mid="/m/01yrx", topicality=0.25, count=3), label("TV", 0.25, "google")]
    assert fields(Feature.LABELS, *found) == {
        "labelAnnotations": [
            {"mid": "/m/01yrx", "description": "Cat", "score": 0.5, "topicality": 0.25},
            {"description": "TV", "score": 0.25, "topicality": 0.25},
        ]
    }


def test_the_surest_labels_are_kept_and_what_was_cut_off_is_counted() -> None:
    found = [label(f"Thing {place}", place / 20) for place in range(15)] + [label("thing 14", 0.1)]
    written = fields_of(Inquiry(Feature.LABELS, max_results=2), Answer(tuple(found)), SIZE)
    assert [one["description"] for one in written.fields["labelAnnotations"]] == ["Thing 14", "Thing 13"]
    assert len(found) - written.kept == 13
    assert fields(Feature.LABELS) == {}
    assert len(fields(Feature.LABELS, *found)["labelAnnotations"]) == 10


CLEAN = dict.fromkeys(("adult", "spoof", "medical", "violence", "racy"), "VERY_UNLIKELY")


def unsafe(word: str, score: float, vendor: str = "rekognition", **facts: Any) -> Detection:
    return Detection(Feature.MODERATION, word, score, None, vendor, facts)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], {}),
        ([unsafe("Explicit Nudity", 0.9)], {"adult": "VERY_LIKELY"}),
        ([unsafe("Explicit Nudity", 0.899)], {"adult": "LIKELY"}),
        ([unsafe("racy", 0.7, "azure")], {"racy": "LIKELY"}),
        ([unsafe("racy", 0.5, "azure")], {"racy": "POSSIBLE"}),
        ([unsafe("racy", 0.499, "azure")], {"racy": "UNLIKELY"}),
        ([unsafe("racy", 0.2, "azure")], {"racy": "UNLIKELY"}),
        ([unsafe("racy", 0.199, "azure")], {}),
        ([unsafe("gore", 0.8, "azure"), unsafe("Weapons", 0.5)], {"violence": "LIKELY"}),
        ([unsafe("Weapons", 0.5), unsafe("gore", 0.95, "azure")], {"violence": "VERY_LIKELY"}),
        ([unsafe("Blood & Gore", 0.8, parents=["Graphic Violence", "Violence"])], {"violence": "LIKELY"}),
        # What Google has no word for, and what nobody has put into a category.
        ([unsafe("Gambling", 0.9), unsafe("Pills", 0.9, parents=["Products"]), unsafe("New", 0.9)], {}),
        ([unsafe("medical", 0.25, "google", likelihood="POSSIBLE")], {"medical": "POSSIBLE"}),
        ([unsafe("spoof", 0.95, "google", likelihood="UNKNOWN")], {"spoof": "UNKNOWN"}),
        ([unsafe("spoof", 0.95, "google", likelihood="OVERJOYED")], {"spoof": "VERY_LIKELY"}),
        ([unsafe("spoof", 0.1, "rekognition", likelihood="LIKELY")], {}),
    ],
)
def test_unsafe_content_is_said_in_googles_likelihoods(found: list[Detection], expected: dict[str, str]) -> None:
    assert fields(Feature.MODERATION, *found) == {"safeSearchAnnotation": CLEAN | expected}


@pytest.mark.parametrize("category", Category)
def test_what_the_answer_has_words_for_is_what_clients_are_asked_alone_for(category: Category) -> None:
    is_said = fields(Feature.MODERATION, unsafe(category.value, 0.9)) != {"safeSearchAnnotation": CLEAN}
    assert is_said == (category.value in GOOGLE_CATEGORIES)


def test_of_what_the_provider_does_not_look_for_nobody_knows() -> None:
    """Whose answer it is cannot be told from an answer in which nothing was found."""
    for behind in ("rekognition", "azure"):
        written = fields_of(Inquiry(Feature.MODERATION), Answer((unsafe("Violence", 0.5),)), SIZE, behind)
        expected = CLEAN | {"violence": "POSSIBLE", "medical": "UNKNOWN", "spoof": "UNKNOWN"}
        assert written.fields == {"safeSearchAnnotation": expected}
    assert fields_of(Inquiry(Feature.MODERATION), Answer(()), SIZE, "google").fields == {"safeSearchAnnotation": CLEAN}


def test_nothing_of_unsafe_content_counts_as_filtered() -> None:
    found = (unsafe("Gambling", 0.9), unsafe("Weapons", 0.5), unsafe("Violence", 0.5))
    assert fields_of(Inquiry(Feature.MODERATION), Answer(found), SIZE).kept == 3


RATIOS = st.floats(-2, 3)


@given(st.tuples(RATIOS, RATIOS), st.tuples(RATIOS, RATIOS), st.integers(1, 5000), st.integers(1, 5000))
def test_pixels_are_whole_and_inside_the_image(
    xs: tuple[float, float], ys: tuple[float, float], width: int, height: int
) -> None:
    box = UnitBox(min(xs), min(ys), max(xs), max(ys))
    (face,) = fields(Feature.FACES, own_face(box), size=Size(width, height))["faceAnnotations"]
    for vertex in face["boundingPoly"]["vertices"]:
        assert isinstance(vertex["x"], int)
        assert 0 <= vertex["x"] <= width
        assert 0 <= vertex["y"] <= height
