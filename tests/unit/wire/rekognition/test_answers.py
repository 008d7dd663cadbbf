"""Faces, celebrities, custom labels and protective equipment out of findings. Whole shapes are in tests/fidelity/cases."""

from __future__ import annotations

import pytest

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature, Inquiry, Tree
from app.wire.rekognition.answers import (
    INDETERMINATE,
    WITH_EQUIPMENT,
    write_celebrities,
    write_custom_labels,
    write_faces,
    write_protective_equipment,
)
from app.wire.rekognition.findings import Found, Wanted, percent

BOX = UnitBox(0.25, 0.25, 0.75, 0.5)


def item(label: str, score_unit: float, feature: Feature, **fields: Tree) -> Detection:
    return Detection(feature, label, score_unit, BOX, "rekognition" if fields else "", fields)


@pytest.mark.parametrize(
    ("score_unit", "expected"), [(0.0, 0.0), (0.55, 55.0), (0.123456789, 12.3457), (1.5, 100.0), (-1.0, 0.0)]
)
def test_scores_become_percent(score_unit: float, expected: float) -> None:
    assert percent(score_unit) == expected


def test_an_item_of_rekognition_is_taken_only_from_rekognition() -> None:
    """Fields of the same name from another vendor mean something else."""
    foreign = Detection(Feature.FACES, "face", 0.5, BOX, "other", {"face": {"Odd": True}})
    assert "Odd" not in write_faces(Found([foreign], Inquiry(Feature.FACES))).body["FaceDetails"][0]


def test_celebrities_keep_their_order_within_each_list() -> None:
    detections = [
        item("A", 0.9, Feature.CELEBRITIES, celebrity={"Name": "A"}),
        item("", 0.9, Feature.CELEBRITIES),
        item("B", 0.9, Feature.CELEBRITIES, celebrity={"Name": "B"}),
    ]
    written = write_celebrities(Found(detections, Inquiry(Feature.CELEBRITIES)))
    assert [face["Name"] for face in written.body["CelebrityFaces"]] == ["A", "B"]
    assert (len(written.body["UnrecognizedFaces"]), written.kept) == (1, 3)


@pytest.mark.parametrize(
    ("least_unit", "most", "names"),
    [(None, None, ["a", "b", "c"]), (0.5, None, ["a", "b"]), (None, 1, ["a"]), (None, 0, []), (0.9, 5, ["a"])],
)
def test_custom_labels_are_cut_by_their_own_request(least_unit: float | None, most: int | None, names: list[str]) -> None:
    feature = Feature.CUSTOM_OBJECTS
    detections = [item("b", 0.5, feature), item("c", 0.2, feature, custom_label={"Name": "c"}), item("a", 0.9, feature)]
    inquiry = Inquiry(feature, min_score_unit=least_unit, max_results=most)
    labels = write_custom_labels(Found(detections, inquiry)).body["CustomLabels"]
    assert [label["Name"] for label in labels] == names


def test_a_label_of_the_whole_image_has_no_geometry() -> None:
    whole = Detection(Feature.CUSTOM_OBJECTS, "indoors", 0.5, None)
    assert write_custom_labels(Found([whole], Inquiry(Feature.CUSTOM_OBJECTS))).body == {
        "CustomLabels": [{"Name": "indoors", "Confidence": 50.0}]
    }


def test_every_person_of_the_summary_is_a_person_of_the_answer() -> None:
    feature = Feature.PROTECTIVE_EQUIPMENT
    detections = [
        item("Person", 0.9, feature, person={"Id": 12}, summary=[WITH_EQUIPMENT]),
        item("Person", 0.9, feature, person={"Id": 4}, summary=["SomeFutureList"]),
        item("Person", 0.9, feature, person={"Id": 4}),
        item("Person", 0.9, feature, person={}, summary=[INDETERMINATE, WITH_EQUIPMENT]),
    ]
    body = write_protective_equipment(Found(detections, Inquiry(feature), Wanted(summary=True))).body
    assert [person["Id"] for person in body["Persons"]] == [0, 1, 2, 3]
    assert body["Summary"] == {
        "PersonsWithRequiredEquipment": [0, 3],
        "PersonsWithoutRequiredEquipment": [],
        "PersonsIndeterminate": [2, 3],
        "SomeFutureList": [1],
    }
