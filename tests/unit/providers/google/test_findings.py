"""Findings, feature by feature: what becomes a detection, what its fields hold, what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Detection, Feature, Tree
from app.providers.google.features import TYPES
from app.providers.google.findings import LISTINGS, find
from tests.support.google_answers import FACE, FULL, LANDMARK, LOGO, OBJECT, SIZE, pixels


def found(feature: Feature, answer: dict[str, Any], size: Size | None = SIZE) -> list[Detection | None]:
    """What is found once the answer has been through the vendor's own types."""
    message = json_format.ParseDict(answer, image_annotator.AnnotateImageResponse.pb()())
    return list(find(feature, json_format.MessageToDict(message), size))


def one(feature: Feature, answer: dict[str, Any]) -> Detection:
    (detection,) = found(feature, answer)
    assert detection is not None
    return detection


def test_every_feature_that_can_be_asked_can_be_read() -> None:
    assert {*LISTINGS, Feature.TEXT, Feature.LABELS, Feature.MODERATION} == TYPES.keys() == FULL.keys()


@pytest.mark.parametrize("feature", sorted(TYPES.keys() - {Feature.MODERATION}))
def test_an_answer_with_nothing_in_it_has_no_findings(feature: Feature) -> None:
    assert found(feature, {}) == []


def test_an_object() -> None:
    detection = one(Feature.OBJECTS, FULL[Feature.OBJECTS])
    corners: list[Tree] = [UnitPoint(0, 0), UnitPoint(0.5, 0), UnitPoint(0.5, 0.25), UnitPoint(0, 0.25)]
    fields = {"object": {**OBJECT, "boundingPoly": {"$polygon": corners}}}
    assert detection == Detection(Feature.OBJECTS, "Car", 0.75, UnitBox(0, 0, 0.5, 0.25), "google", fields)


def test_a_face_with_its_landmarks() -> None:
    detection = one(Feature.FACES, FULL[Feature.FACES])
    assert (detection.label, detection.score_unit, detection.box) == ("Face", 0.5, UnitBox(0, 0, 0.5, 0.5))
    face = detection.fields["face"]
    assert isinstance(face, dict)
    assert face["landmarks"] == [
        {"type": "LEFT_EYE", "position": {"$point": UnitPoint(0.25, 0.25), "$depth": UnitLength(-0.1)}},
        {"type": "NOSE_TIP", "position": {"$point": UnitPoint(0, 0), "$depth": UnitLength(0)}},
    ]
    assert face["fdBoundingPoly"] == {
        "$polygon": [UnitPoint(0.1, 0.1), UnitPoint(0.4, 0.1), UnitPoint(0.4, 0.4), UnitPoint(0.1, 0.4)]
    }
    assert {name: face[name] for name in ("rollAngle", "joyLikelihood")} == {"rollAngle": 4.5, "joyLikelihood": "VERY_LIKELY"}


def test_a_landmark_and_where_it_is_on_earth() -> None:
    detection = one(Feature.LANDMARKS, FULL[Feature.LANDMARKS])
    assert (detection.label, detection.score_unit, detection.box) == ("Eiffel Tower", 0.875, UnitBox(0.2, 0.2, 0.3, 0.9))
    landmark = detection.fields["landmark"]
    assert isinstance(landmark, dict)
    assert landmark["locations"] == LANDMARK["locations"]


def test_a_logo() -> None:
    detection = one(Feature.LOGOS, FULL[Feature.LOGOS])
    assert (detection.label, detection.score_unit, detection.box) == ("Acme", 0.25, UnitBox(0, 0, 0.05, 0.1))
    assert detection.fields.keys() == {"logo"}


@pytest.mark.parametrize(
    ("feature", "entry"),
    [
        (Feature.OBJECTS, OBJECT | {"boundingPoly": {"normalizedVertices": [{"x": 101}]}}),
        (Feature.OBJECTS, OBJECT | {"score": "NaN"}),
        (Feature.OBJECTS, OBJECT | {"name": ""}),
        (Feature.FACES, FACE | {"fdBoundingPoly": {"vertices": [{"x": 30_000}]}}),
        (Feature.FACES, FACE | {"landmarks": [{"position": {"x": "NaN"}}]}),
        (Feature.LOGOS, LOGO | {"description": ""}),
        (Feature.LANDMARKS, LANDMARK | {"boundingPoly": {"vertices": [{"y": -30_000}]}}),
    ],
)
def test_a_broken_finding_is_counted_and_costs_its_neighbours_nothing(feature: Feature, entry: dict[str, Any]) -> None:
    name = LISTINGS[feature].list_name
    (sound,) = FULL[feature][name]
    assert [each is None for each in found(feature, {name: [sound, entry, sound]})] == [False, True, False]


@pytest.mark.parametrize("polygon", [{}, {"boundingPoly": {}}])
def test_a_finding_without_a_place_has_no_box(polygon: dict[str, Any]) -> None:
    bare = {name: value for name, value in LANDMARK.items() if name != "boundingPoly"}
    assert one(Feature.LANDMARKS, {"landmarkAnnotations": [bare | polygon]}).box is None


def test_pixels_of_an_image_of_unknown_size_are_broken_and_ratios_are_not() -> None:
    assert found(Feature.FACES, FULL[Feature.FACES], size=None) == [None]
    assert found(Feature.OBJECTS, FULL[Feature.OBJECTS], size=None) != [None]


def test_labels_and_suspicions_are_of_the_whole_image() -> None:
    street = one(Feature.LABELS, FULL[Feature.LABELS])
    assert (street.label, street.score_unit, street.box) == ("Street", 0.875, None)
    suspicions = found(Feature.MODERATION, FULL[Feature.MODERATION])
    assert [each and (each.label, each.box) for each in suspicions] == [
        (name, None) for name in ("adult", "spoof", "medical", "violence", "racy")
    ]


boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 100), st.integers(1, 10)).map(
    lambda told: (told[0], told[1], told[0] + told[2], told[1] + told[3])
)


@given(st.lists(boxes, max_size=8))
def test_each_finding_stands_where_the_vendor_saw_it_in_the_vendors_order(ltrb: list[tuple[int, int, int, int]]) -> None:
    answer = {"logoAnnotations": [LOGO | {"boundingPoly": pixels(*box)} for box in ltrb]}
    seen = [each.box.to_pixels(SIZE) for each in found(Feature.LOGOS, answer) if each is not None and each.box is not None]
    assert [tuple(round(edge) for edge in box) for box in seen] == ltrb
