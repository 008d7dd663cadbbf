"""DetectLabels: what becomes an entry, with which boxes, and what the request leaves of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.detectors.contract import Sighting
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.labels import answer, charges, read
from app.emulators.rekognition.parameters import Json
from tests.support.marker_scenes import Pixels
from tests.support.seen import check_against_model, face, marker, person, scene, thing

SCENERY = {"Indoors"}  # what an evenly grey picture gets


def asked(*sightings: Sighting, rgb: Pixels | None = None, **members: Any) -> Json:
    reply = answer(scene(*sightings, rgb=rgb), read(members))
    check_against_model("DetectLabels", reply)
    return reply


def entries(reply: Json) -> dict[str, Json]:
    """The labels by name, without those of the whole image."""
    found = {label["Name"]: label for label in reply["Labels"]}
    assert len(found) == len(reply["Labels"])
    return {name: label for name, label in found.items() if name not in SCENERY}


def test_an_image_in_which_nothing_is_seen_has_scenery_only() -> None:
    reply = asked()
    assert [label["Name"] for label in reply["Labels"]] == ["Indoors"]
    assert reply["Labels"][0]["Instances"] == []
    assert reply["LabelModelVersion"] == "3.0"
    assert "ImageProperties" not in reply


def test_a_marker_is_its_class_its_identity_and_its_ancestors() -> None:
    found = entries(asked(marker(8, (40, 20, 140, 120), 0.98)))
    assert list(found) == ["Car", "Car-0008", "Transportation", "Vehicle"]
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.25, "Height": 0.5}
    for name in ("Car", "Car-0008"):
        assert found[name]["Instances"] == [{"BoundingBox": box, "Confidence": 98.0}]
    assert found["Car-0008"]["Parents"] == [{"Name": "Car"}, {"Name": "Vehicle"}, {"Name": "Transportation"}]
    assert found["Car"]["Parents"] == [{"Name": "Vehicle"}, {"Name": "Transportation"}]
    assert found["Car"]["Aliases"] == [{"Name": "Automobile"}]
    assert found["Vehicle"]["Parents"] == [{"Name": "Transportation"}]
    for name in ("Vehicle", "Transportation"):
        assert (found[name]["Instances"], found[name]["Confidence"]) == ([], 98.0)
    assert {category["Name"] for label in found.values() for category in label["Categories"]} == {
        "Vehicles and Automotive",
        "Transport and Logistics",
    }


def test_one_class_has_all_its_instances_the_surest_first() -> None:
    found = entries(asked(marker(8, score=0.9), marker(16, (200, 20, 300, 120), 0.99), marker(8, (10, 130, 60, 180), 0.95)))
    assert [instance["Confidence"] for instance in found["Car"]["Instances"]] == [99.0, 95.0, 90.0]
    assert [instance["Confidence"] for instance in found["Car-0008"]["Instances"]] == [95.0, 90.0]
    assert found["Car"]["Confidence"] == found["Vehicle"]["Confidence"] == 99.0


def test_faces_persons_and_objects_go_under_their_own_names() -> None:
    found = entries(asked(face(score=0.9), person(score=0.8), thing("Laptop", score=0.7, parents=("Computer", "Electronics"))))
    assert set(found) == {"Face", "Head", "Person", "Laptop", "Computer", "Electronics"}
    assert len(found["Face"]["Instances"]) == len(found["Laptop"]["Instances"]) == 1
    assert found["Head"]["Instances"] == []
    # A person that was seen, and the one that a face implies: one box, and as sure as the surer of the two.
    assert len(found["Person"]["Instances"]) == 1
    assert found["Person"]["Confidence"] == 90.0


def test_labels_come_surest_first_then_by_name() -> None:
    reply = asked(thing("B", score=0.7), thing("A", score=0.7), thing("C", score=0.9))
    assert [label["Name"] for label in reply["Labels"]] == ["C", "A", "B", "Indoors"]


@pytest.mark.parametrize(
    ("min_confidence", "names"), [(None, {"Car", "Cup"}), (0, {"Car", "Cup", "Bus"}), (70, {"Car"}), (99, set())]
)
def test_min_confidence_defaults_to_55(min_confidence: float | None, names: set[str]) -> None:
    reply = asked(thing("Car", score=0.9), thing("Cup", score=0.56), thing("Bus", score=0.5), MinConfidence=min_confidence)
    assert set(entries(reply)) == names


def test_instances_below_the_threshold_are_left_out_too() -> None:
    found = entries(asked(thing("Car", score=0.9), thing("Car", (100, 100, 120, 120), 0.4)))
    assert len(found["Car"]["Instances"]) == 1


@pytest.mark.parametrize(("most", "count"), [(None, 5), (1000, 5), (5000, 5), (2, 2), (0, 0)])
def test_max_labels_cuts_after_the_surest(most: int | None, count: int) -> None:
    reply = asked(marker(8), MaxLabels=most)
    assert len(reply["Labels"]) == count
    assert [label["Name"] for label in reply["Labels"]][:2] == ["Car", "Car-0008"][:count]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"LabelInclusionFilters": ["Car"]}, {"Car"}),
        ({"LabelInclusionFilters": ["Car", "Dog-0001"]}, {"Car", "Dog-0001"}),
        ({"LabelExclusionFilters": ["Car", "Vehicle"]}, {"Car-0008", "Transportation", "Dog", "Dog-0001"}),
        ({"LabelCategoryInclusionFilters": ["Animals and Pets"]}, {"Dog", "Dog-0001"}),
        ({"LabelCategoryExclusionFilters": ["Animals and Pets"]}, {"Car", "Car-0008", "Vehicle", "Transportation"}),
        (
            {"LabelInclusionFilters": ["Dog"], "LabelCategoryInclusionFilters": ["Vehicles and Automotive"]},
            {"Dog", "Car", "Car-0008", "Vehicle"},
        ),
        ({"LabelInclusionFilters": ["Dog", "Car"], "LabelCategoryExclusionFilters": ["Animals and Pets"]}, {"Car"}),
        ({"LabelInclusionFilters": []}, {"Car", "Car-0008", "Vehicle", "Transportation", "Dog", "Dog-0001"}),
    ],
)  # fmt: skip
def test_filters_choose_by_name_and_by_category(filters: Json, names: set[str]) -> None:
    reply = asked(marker(8), marker(1, (200, 20, 300, 120)), Settings={"GeneralLabels": filters})
    further = {"Pet", "Canine", "Mammal", "Animal"}  # the dog's ancestors
    assert set(entries(reply)) - further == names


@pytest.mark.parametrize(
    "members",
    [
        {"MinConfidence": 101},
        {"MaxLabels": -1},
        {"Features": ["NOPE"]},
        {"Settings": {"ImageProperties": {"MaxDominantColors": 21}}},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x" * 51]}}},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"] * 101}}},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"], "LabelExclusionFilters": ["x"]}}},
        {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["x"], "LabelCategoryExclusionFilters": ["x"]}}},
    ],
)
def test_values_outside_their_limits_are_refused(members: Json) -> None:
    with pytest.raises(ServiceError) as caught:
        read(members)
    assert caught.value.code == "InvalidParameterException"


BOTH, GENERAL, PROPERTIES = ["GENERAL_LABELS", "IMAGE_PROPERTIES"], ["GENERAL_LABELS"], ["IMAGE_PROPERTIES"]


@pytest.mark.parametrize(
    ("features", "labels", "properties", "bill"),
    [
        (None, True, False, ("DetectLabels",)),
        ([], True, False, ("DetectLabels",)),
        (GENERAL, True, False, ("DetectLabels",)),
        (PROPERTIES, False, True, ("ImageProperties",)),
        (BOTH, True, True, ("DetectLabels", "ImageProperties")),
    ],
)
def test_features_decide_what_is_answered_and_billed(
    features: list[str] | None, labels: bool, properties: bool, bill: tuple[str, ...]
) -> None:
    reply = asked(marker(8), Features=features)
    assert (bool(reply["Labels"]), "ImageProperties" in reply) == (labels, properties)
    assert charges(read({"Features": features})) == bill


def test_image_properties_are_those_of_the_pixels() -> None:
    rgb = np.zeros((200, 400, 3), np.uint8)
    rgb[20:120, 40:140] = (250, 10, 10)
    reply = asked(
        thing("Car", (40, 20, 140, 120), 0.9), rgb=rgb, Features=BOTH, Settings={"ImageProperties": {"MaxDominantColors": 1}}
    )
    found = reply["ImageProperties"]
    assert set(found) == {"Quality", "DominantColors", "Foreground", "Background"}
    assert [color["SimplifiedColor"] for color in found["DominantColors"]] == ["black"]
    assert [color["SimplifiedColor"] for color in found["Foreground"]["DominantColors"]] == ["red"]
    assert [color["SimplifiedColor"] for color in found["Background"]["DominantColors"]] == ["black"]
    assert found["Foreground"]["Quality"]["Brightness"] > found["Background"]["Quality"]["Brightness"] == 0
    (car,) = entries(reply)["Car"]["Instances"]
    assert [color["SimplifiedColor"] for color in car["DominantColors"]] == ["red"]


@pytest.mark.parametrize("box", [(-50, -50, -10, -10), (-10, -10, 500, 500)])
def test_without_something_in_front_of_something_there_is_no_foreground(box: tuple[float, float, float, float]) -> None:
    found = asked(thing("Car", box, 0.9), Features=BOTH)["ImageProperties"]
    assert set(found) == {"Quality", "DominantColors"}
