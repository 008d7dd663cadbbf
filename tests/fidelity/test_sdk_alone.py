"""boto3 through the proxy, alone: a lone image is the client's own bytes, and its answer is the vendor's own, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, together
from tests.support.server import RunningServer, running_server

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"
CLASSIFIER_ARN = ARN.replace("parts/version", "classifier/version")

OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    "DetectLabels": {"MinConfidence": 33.3, "MaxLabels": 7, "Settings": {"GeneralLabels": {"LabelExclusionFilters": ["Car"]}}},
    "DetectFaces": {"Attributes": ["SMILE", "EMOTIONS"]},
    "RecognizeCelebrities": {},
    "DetectProtectiveEquipment": {
        "SummarizationAttributes": {"MinConfidence": 60, "RequiredEquipmentTypes": ["HEAD_COVER", "HAND_COVER"]}
    },
    "DetectCustomLabels": {"ProjectVersionArn": ARN, "MaxResults": 1},
}
SCENE = picture(800, 600, 21, 30, 55)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lone_image_is_asked_in_its_own_bytes_and_words_and_answered_in_the_vendors(rig: Rig, operation: str) -> None:
    members = OPERATIONS[operation]
    before = rig.calls()
    told = rig.client(HURRIED)(operation, SCENE.content, **members)
    (call,) = rig.sent(before)
    assert (call.operation, call.content, call.request) == (operation, SCENE.content, members)
    assert told.body == rig.direct()(operation, SCENE.content, **members).body
    assert (told.layout, told.inferences) == ("1x1", 1.0)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DetectLabels", {"Features": ["IMAGE_PROPERTIES"]}),
        (
            "DetectLabels",
            {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"], "Settings": {"ImageProperties": {"MaxDominantColors": 3}}},
        ),
    ],
)
def test_image_properties_are_asked_for_alone_at_once(rig: Rig, operation: str, members: Mapping[str, Any]) -> None:
    """Quality and colours belong to a whole image: company is not even waited for."""
    client, scenes = rig.client(), [SCENE, picture(800, 600, 3, 8)]
    told = together(*(lambda scene=scene: client(operation, scene.content, **members) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        assert (one.layout, one.inferences, one.headers["x-tessera-wait-ms"]) == ("1x1", 1.0, "0")
        assert one.body == rig.direct()(operation, scene.content, **members).body
        assert one.answer["ImageProperties"]["DominantColors"]


@pytest.mark.parametrize("header", [{"X-Tessera-Grid": "off"}, {"X-Tessera-Max-Map-Drop": "0"}, {"X-Tessera-Max-Wait-Ms": "0"}])
def test_a_header_that_boto3_adds_sends_an_image_alone_at_once(rig: Rig, header: Mapping[str, str]) -> None:
    client, scenes = rig.client(header), [SCENE, picture(800, 600, 3, 8)]
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        assert (one.layout, one.inferences, one.headers["x-tessera-wait-ms"]) == ("1x1", 1.0, "0")
        assert one.body == rig.direct()("DetectLabels", scene.content).body


@pytest.mark.parametrize(("width_px", "height_px"), [(1600, 300), (300, 1600)])
def test_an_elongated_image_goes_alone_at_once(rig: Rig, width_px: int, height_px: int) -> None:
    """On a sheet it would be shrunk too far."""
    scenes, client = [picture(width_px, height_px, number) for number in (310, 311)], rig.client()
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        check_labels(scene, one.answer)
        assert (one.layout, one.inferences) == ("1x1", 1.0)


def test_a_larger_budget_of_one_request_is_a_lane_of_its_own(rig: Rig) -> None:
    """Four images that accept a drop of 0.07 share one 2x2 sheet."""
    client = rig.client({"X-Tessera-Max-Map-Drop": "0.07"})
    scenes = [picture(640, 480, 300 + number) for number in range(4)]
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        check_labels(scene, one.answer)
        assert (one.layout, one.inferences) == ("2x2", 0.25)


def test_a_classification_model_ends_alone_with_the_vendors_own_answer(rig: Rig) -> None:
    """Findings without a box belong to nobody on a sheet: each image is asked again alone, and pays its share of the sheet."""
    client, scenes = rig.client(), [SCENE, picture(800, 600, 3, 8)]
    told = together(
        *(lambda scene=scene: client("DetectCustomLabels", scene.content, ProjectVersionArn=CLASSIFIER_ARN) for scene in scenes)
    )
    for scene, one in zip(scenes, told, strict=True):
        alone = rig.direct()("DetectCustomLabels", scene.content, ProjectVersionArn=CLASSIFIER_ARN)
        assert one.body == alone.body
        assert "Geometry" not in one.answer["CustomLabels"][0]
        assert one.inferences == 1.5


@pytest.fixture(scope="module")
def scenic(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose operator wants the labels of the whole image."""
    log = tmp_path_factory.mktemp("scenic") / "server.log"
    with running_server(log, TESSERA_UPSTREAM_URL=rig.emulator.url, TESSERA_CLASSIFY="alone") as server:
        yield server


def test_where_labels_go_alone_detect_labels_keeps_every_label(rig: Rig, scenic: RunningServer) -> None:
    client, scenes = rig.client(server=scenic), [SCENE, picture(800, 600, 3, 8)]
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        assert one.layout == "1x1"
        assert one.body == rig.direct()("DetectLabels", scene.content).body
        assert {"Outdoors", "Indoors"} & {label["Name"] for label in one.answer["Labels"]}


def test_where_labels_go_alone_the_other_operations_still_share(rig: Rig, scenic: RunningServer) -> None:
    client, scenes = rig.client(server=scenic), [SCENE, picture(800, 600, 3, 8)]
    told = together(*(lambda scene=scene: client("DetectFaces", scene.content) for scene in scenes))
    assert {(one.layout, one.inferences) for one in told} == {("2x1", 0.5)}
