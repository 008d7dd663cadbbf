"""DetectCustomLabels: detection models answer with boxes, classification models without."""

from __future__ import annotations

from typing import Any

import pytest

from app.detectors.contract import Sighting
from app.emulators.rekognition.custom import answer, read
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.parameters import Json
from tests.support.seen import check_against_model, face, marker, person, scene, thing

START = "arn:aws:rekognition:us-east-1:123456789012:project"
DETECTOR, CLASSIFIER = f"{START}/parts/version/parts.1/1700000000000", f"{START}/classifier/version/c.1/1700000000000"


def asked(*sightings: Sighting, arn: str = DETECTOR, **members: Any) -> list[Json]:
    reply = answer(scene(*sightings), read({"ProjectVersionArn": arn, **members}))
    check_against_model("DetectCustomLabels", reply)
    labels: list[Json] = reply["CustomLabels"]
    return labels


@pytest.mark.parametrize("arn", [DETECTOR, CLASSIFIER])
def test_nothing_is_an_empty_list(arn: str) -> None:
    assert asked(face(), arn=arn) == []


def test_a_detection_model_finds_identities_and_objects_with_boxes() -> None:
    found = asked(marker(8, (40, 20, 140, 120), 0.98), person(score=0.7), thing("Cup", score=0.6), face())
    assert [label["Name"] for label in found] == ["Car-0008", "Person", "Cup"]
    assert found[0]["Geometry"] == {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.25, "Height": 0.5}}


def test_a_classification_model_names_each_class_once_without_boxes() -> None:
    found = asked(marker(8, score=0.9), marker(16, score=0.97), thing("Cup", score=0.6), arn=CLASSIFIER)
    assert found == [{"Name": "Car", "Confidence": 97.0}, {"Name": "Cup", "Confidence": 60.0}]


@pytest.mark.parametrize(("least", "names"), [(None, ["A"]), (0, ["A", "B"]), (90, [])])
def test_the_trained_threshold_stands_in_for_an_absent_one(least: float | None, names: list[str]) -> None:
    found = asked(thing("A", score=0.8), thing("B", score=0.3), MinConfidence=least)
    assert [label["Name"] for label in found] == names


@pytest.mark.parametrize(("most", "count"), [(None, 3), (2, 2), (0, 0)])
def test_max_results(most: int | None, count: int) -> None:
    assert len(asked(*(marker(i) for i in range(3)), MaxResults=most)) == count


@pytest.mark.parametrize("arn", [None, "", "parts", f"{START}/parts", f"{DETECTOR} ", DETECTOR.replace("123456789012", "12")])
def test_something_else_than_a_models_arn_is_refused(arn: str | None) -> None:
    with pytest.raises(ServiceError) as caught:
        read({"ProjectVersionArn": arn})
    assert caught.value.code == "InvalidParameterException"
