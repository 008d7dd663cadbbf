"""Findings, operation by operation: what becomes a detection, what its fields hold, what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Detection, Feature
from app.providers.rekognition.findings import FINDERS
from app.providers.rekognition.operations import OPERATIONS
from tests.support.rekognition_answers import CELEBRITIES, CUSTOM, EQUIPMENT, FACES, FULL, LABELS

CAR = UnitBox(0.5, 0.25, 0.75, 0.75)
EDGE = UnitBox(-0.125, 0.75, 0.375, 1.25)


def found(feature: Feature, answer: dict[str, Any]) -> list[Detection]:
    """The sound ones."""
    return [detection for detection in FINDERS[feature](answer) if detection is not None]


def broken(feature: Feature, answer: dict[str, Any]) -> int:
    return sum(detection is None for detection in FINDERS[feature](answer))


def changed(answer: dict[str, Any], path: list[str | int], value: Any) -> dict[str, Any]:
    """A copy of `answer` with the value at `path` replaced."""
    copied: dict[str, Any] = json.loads(json.dumps(answer))  # shares nothing, not even within itself
    node: Any = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return copied


def test_every_feature_that_can_be_asked_can_be_read() -> None:
    assert FINDERS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_an_answer_with_nothing_in_it_has_no_findings(feature: Feature) -> None:
    assert found(feature, {}) == []


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_every_detection_says_what_it_is_and_whose(feature: Feature) -> None:
    detections = found(feature, FULL[feature])
    assert len(detections) == 2
    assert {(each.feature, each.vendor) for each in detections} == {(feature, "rekognition")}


def test_each_instance_of_a_label_is_a_detection_with_its_label_and_ancestors() -> None:
    first, second = found(Feature.OBJECTS, LABELS)
    assert (first.label, first.score_unit, first.box) == ("Car", 0.98, CAR)
    assert (second.label, second.score_unit, second.box) == ("Car", 0.555, EDGE)
    assert first.fields["instance"] == {
        "BoundingBox": CAR,
        "Confidence": 98.0,
        "DominantColors": [{"Red": 1, "HexCode": "#010203"}],
        "Novelty": [{}],
    }
    label = {key: value for key, value in LABELS["Labels"][0].items() if key != "Instances"}
    assert first.fields["label"] == second.fields["label"] == label
    assert first.fields["ancestors"] == [
        {"Name": "Vehicle", "Confidence": 99.5, "Parents": [{"Name": "Transportation"}]},
        {"Name": "Transportation", "Confidence": 99.5, "Parents": []},
    ]


def test_labels_without_instances_are_left_out() -> None:
    assert {each.label for each in found(Feature.OBJECTS, LABELS)} == {"Car"}


def test_a_label_is_not_its_own_ancestor() -> None:
    own_parent = changed(LABELS, ["Labels", 0, "Parents"], [{"Name": "Car"}])
    assert [each.fields["ancestors"] for each in found(Feature.OBJECTS, own_parent)] == [[], []]


def test_a_face_keeps_all_its_fields() -> None:
    first, second = found(Feature.FACES, FACES)
    assert (first.label, first.score_unit, first.box) == ("Face", 0.99, CAR)
    assert (second.score_unit, second.box) == (0.6, EDGE)
    assert first.fields == {
        "face": {
            "BoundingBox": CAR,
            "Confidence": 99.0,
            "Landmarks": [
                {"Type": "eyeLeft", "$point": UnitPoint(0.625, 0.375)},
                {"Type": "nose", "$point": UnitPoint(0.75, 0.5), "Novelty": 1},
            ],
            "Pose": {"Roll": 1.5},
            "Novelty": "kept",
        }
    }


def test_celebrities_and_unknown_faces_are_told_apart() -> None:
    known, unknown = found(Feature.CELEBRITIES, CELEBRITIES)
    assert (known.label, known.score_unit, known.box, list(known.fields)) == ("Ada", 0.97, CAR, ["celebrity"])
    assert (unknown.label, unknown.score_unit, unknown.box, list(unknown.fields)) == ("Face", 0.7, EDGE, ["unrecognized"])


def test_a_person_knows_its_lists_of_the_summary_and_its_equipment_is_typed() -> None:
    first, second = found(Feature.PROTECTIVE_EQUIPMENT, EQUIPMENT)
    assert (first.label, first.score_unit, first.box) == ("Person", 0.99, CAR)
    assert first.fields["summary"] == ["PersonsWithRequiredEquipment"]
    assert second.fields["summary"] == ["PersonsWithoutRequiredEquipment"]
    person: Any = first.fields["person"]
    assert person["Id"] == 0
    assert person["BodyParts"][0]["EquipmentDetections"][0]["BoundingBox"] == EDGE


@pytest.mark.parametrize("summary", [None, "text", []])
def test_without_a_summary_a_person_has_none(summary: Any) -> None:
    persons = found(Feature.PROTECTIVE_EQUIPMENT, changed(EQUIPMENT, ["Summary"], summary))
    assert [list(person.fields) for person in persons] == [["person"], ["person"]]


def test_a_custom_label_of_the_whole_image_has_no_box() -> None:
    bolt, shift = found(Feature.CUSTOM_OBJECTS, CUSTOM)
    assert (bolt.label, bolt.score_unit, bolt.box) == ("bolt", 0.88, CAR)
    assert (shift.label, shift.score_unit, shift.box) == ("night shift", 0.66, None)
    custom_label: Any = bolt.fields["custom_label"]
    assert custom_label["Geometry"] == {"BoundingBox": CAR, "Polygon": [UnitPoint(0.5, 0.25), UnitPoint(0.75, 0.75)]}


@pytest.mark.parametrize(
    ("given", "score_unit"),
    [(None, 1.0), (0, 0.0), (100, 1.0), (100.001, 1.0), (-3, 0.0), (1e308, 1.0), (55.0, 0.55)],
)
def test_scores_are_ratios_and_a_finding_without_doubt_is_certain(given: Any, score_unit: float) -> None:
    answer = changed(FACES, ["FaceDetails", 0, "Confidence"], given)
    assert found(Feature.FACES, answer)[0].score_unit == score_unit


def test_an_instance_without_a_score_has_that_of_its_label() -> None:
    answer = changed(LABELS, ["Labels", 0, "Instances", 0], {"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 1}})
    assert found(Feature.OBJECTS, answer)[0].score_unit == 0.995


@pytest.mark.parametrize(
    ("feature", "path", "value"),
    [
        (Feature.OBJECTS, ["Labels", 0, "Instances", 0, "BoundingBox", "Width"], -0.1),
        (Feature.OBJECTS, ["Labels", 0, "Instances", 0, "BoundingBox"], None),
        (Feature.OBJECTS, ["Labels", 0, "Instances", 0, "Confidence"], "98"),
        (Feature.OBJECTS, ["Labels", 0, "Instances", 0], "instance"),
        (Feature.FACES, ["FaceDetails", 0, "Landmarks", 1, "X"], "left"),
        (Feature.FACES, ["FaceDetails", 0, "BoundingBox"], {}),
        (Feature.FACES, ["FaceDetails", 0], None),
        (Feature.CELEBRITIES, ["CelebrityFaces", 0, "Face"], None),
        (Feature.CELEBRITIES, ["CelebrityFaces", 0, "Name"], 7),
        (Feature.CELEBRITIES, ["UnrecognizedFaces", 0, "BoundingBox", "Left"], True),
        (Feature.PROTECTIVE_EQUIPMENT, ["Persons", 0, "Confidence"], []),
        (Feature.PROTECTIVE_EQUIPMENT, ["Persons", 1, "BoundingBox", "Top"], 1e9),
        (Feature.CUSTOM_OBJECTS, ["CustomLabels", 0, "Geometry", "BoundingBox", "Height"], "tall"),
        (Feature.CUSTOM_OBJECTS, ["CustomLabels", 1, "Name"], None),
    ],
)
def test_a_broken_finding_goes_and_its_neighbour_stays(feature: Feature, path: list[str | int], value: Any) -> None:
    before, after = found(feature, FULL[feature]), found(feature, changed(FULL[feature], path, value))
    assert len(after) == 1
    assert after[0] in before
    assert broken(feature, changed(FULL[feature], path, value)) == 1
    assert broken(feature, FULL[feature]) == 0


@pytest.mark.parametrize("value", [7, None, {"Deep": {"$point": 1}}])
def test_a_broken_label_takes_its_instances_with_it(value: Any) -> None:
    answer = changed(LABELS, ["Labels", 0, "Name"], value)
    assert (found(Feature.OBJECTS, answer), broken(Feature.OBJECTS, answer)) == ([], 1)


@pytest.mark.parametrize("value", [7, "none", {}, True])
@pytest.mark.parametrize("path", [["Labels"], ["Labels", 0, "Instances"]])
def test_what_stands_in_place_of_a_list_is_one_broken_finding(path: list[str | int], value: Any) -> None:
    answer = changed(LABELS, path, value)
    assert (found(Feature.OBJECTS, answer), broken(Feature.OBJECTS, answer)) == ([], 1)


def test_a_broken_ancestor_is_left_out_alone() -> None:
    answer = changed(LABELS, ["Labels", 1, "Confidence"], {"$point": 1})
    ancestors: Any = found(Feature.OBJECTS, answer)[0].fields["ancestors"]
    assert [each["Name"] for each in ancestors] == ["Transportation"]


def test_a_word_knows_its_line_and_how_many_words_that_has() -> None:
    first, second = found(Feature.TEXT, FULL[Feature.TEXT])
    line = FULL[Feature.TEXT]["TextDetections"][0]
    assert [(word.label, word.score_unit, word.box) for word in (first, second)] == [
        ("IT'S", 0.99, CAR),
        ("MONDAY", 0.9, EDGE),
    ]
    assert (first.fields["line"], first.fields["words"]) == (second.fields["line"], second.fields["words"]) == (0, 2)
    whole, word = first.fields["whole"], first.fields["word"]
    assert isinstance(whole, dict)
    assert isinstance(word, dict)
    assert (whole["DetectedText"], whole["Novelty"]) == (line["DetectedText"], line["Novelty"])
    assert word["Geometry"] == {"BoundingBox": CAR, "Polygon": [UnitPoint(0.5, 0.25)]}


@pytest.mark.parametrize("parent", [7, None, "0", [0]])
def test_a_word_without_its_line_is_broken_and_its_neighbours_stand(parent: object) -> None:
    words = FULL[Feature.TEXT]["TextDetections"]
    answer = {"TextDetections": [*words, {**words[1], "ParentId": parent}]}
    assert [each.label if each else None for each in FINDERS[Feature.TEXT](answer)] == ["IT'S", "MONDAY", None]
