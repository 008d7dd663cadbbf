"""The list of detections: filtered per feature, sorted, cut, and its boxes in two frames that agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature, Picture
from app.wire.native import NativeDialect
from tests.support.wire import PICTURE, answered, detection, native_request

DIALECT = NativeDialect()
RATIOS = st.floats(-2, 3)


def detections_of(query: str, *detections: Detection, picture: Picture = PICTURE) -> tuple[list[dict[str, Any]], int]:
    reply = DIALECT.write(DIALECT.read(native_request(query)), picture, [answered(*detections)], "r")
    listed: list[dict[str, Any]] = json.loads(reply.body)["detections"]
    return listed, reply.filtered


@pytest.mark.parametrize(
    ("query", "labels", "filtered"),
    [
        ("", ["a", "b"], 1),
        ("min_score=0", ["a", "b", "c"], 0),
        ("min_score=0.7", ["a", "b"], 1),
        ("min_score=0.71", ["a"], 2),
        ("max_results=1", ["a"], 2),
        ("min_score=1", [], 3),
    ],
)
def test_own_filters(query: str, labels: list[str], filtered: int) -> None:
    """The border itself is in. What has no place in the image is not in the answer, and not counted as filtered."""
    found = [detection("b", 0.7), detection("a", 0.9), detection("c", 0.2), detection("nowhere", 0.99, box=None)]
    listed, left_out = detections_of(query, *found)
    assert ([item["label"] for item in listed], left_out) == (labels, filtered)


@pytest.mark.parametrize(
    ("feature", "label", "vendor", "expected"),
    [
        (Feature.OBJECTS, "Mobile phone", "google", "Cell Phone"),
        (Feature.OBJECTS, "Mobile Phone", "rekognition", "Cell Phone"),
        (Feature.OBJECTS, "bicycle wheel", "azure", "bicycle wheel"),
        (Feature.PEOPLE, "person", "azure", "Person"),
        (Feature.FACES, "face", "azure", "Face"),
        (Feature.LOGOS, "apple", "google", "apple"),
        (Feature.TEXT, "car", "google", "car"),
        (Feature.CELEBRITIES, "Bear", "rekognition", "Bear"),
    ],
)
def test_a_kind_of_thing_has_one_name_whoever_found_it(feature: Feature, label: str, vendor: str, expected: str) -> None:
    """What is written on things, and what somebody or a brand is called, stays as it is."""
    listed, _ = detections_of("", detection(label, feature=feature, vendor=vendor))
    assert [item["label"] for item in listed] == [expected]


@given(st.tuples(RATIOS, RATIOS), st.tuples(RATIOS, RATIOS), st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 8))
def test_both_frames_show_the_same_box_inside_the_upright_image(
    xs: tuple[float, float], ys: tuple[float, float], width_px: int, height_px: int, orientation: int
) -> None:
    picture = Picture("jpeg", Size(width_px, height_px), orientation)
    size = picture.upright
    found = detection(box=UnitBox(min(xs), min(ys), max(xs), max(ys)))
    box = detections_of("", found, picture=picture)[0][0]["box"]
    for near, far, side_px in (("left", "right", size.width_px), ("top", "bottom", size.height_px)):
        assert 0 <= box["unit"][near] <= box["unit"][far] <= 1
        for edge in (near, far):
            assert box["pixels"][edge] == pytest.approx(box["unit"][edge] * side_px, abs=0.02)


@pytest.mark.parametrize(
    ("fields", "parents"),
    [
        ({}, []),
        ({"parents": ["animal"]}, ["animal"]),
        ({"parents": "animal"}, []),
        ({"label": {"Name": "Dog", "Parents": [{"Name": "Animal"}, {"Name": 3}, {}]}}, ["Animal"]),
        ({"label": {"Name": "Dog", "Parents": None}}, []),
        ({"label": "Dog", "parents": [{"Name": "Animal"}]}, ["Animal"]),
    ],
)
def test_parents_where_the_provider_names_them(fields: dict[str, Any], parents: list[str]) -> None:
    assert detections_of("", detection(fields=fields))[0][0]["parents"] == parents


@pytest.mark.parametrize(
    "person",
    [
        None,
        "x",
        {},
        {"BodyParts": None},
        {"BodyParts": [3]},
        {"BodyParts": [{"EquipmentDetections": [{"Type": "HEAD_COVER"}]}]},
    ],
)
def test_equipment_that_is_not_there_or_broken_is_left_out(person: Any) -> None:
    found = detection("Person", feature=Feature.PROTECTIVE_EQUIPMENT, fields={"person": person})
    assert len(detections_of("features=protective_equipment", found)[0]) == 1
