"""boto3 through the proxy: the five operations that share sheets. Clients share, pay a half each, and get their own answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from app.demo.scenes import Scene
from tests.support.alike import differences, without_scenery
from tests.support.marker_scenes import Placed, in_rows, plain, stored
from tests.support.pictures import (
    Json,
    check_celebrities,
    check_custom_labels,
    check_equipment,
    check_faces,
    check_labels,
    check_text,
    picture,
)
from tests.support.sdk import Rig, new_key, together

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"
FACE_COVER = {"MinConfidence": 50.0, "RequiredEquipmentTypes": ["FACE_COVER"]}


def _as_it_is(answer: Json) -> dict[str, Any]:
    return dict(answer)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, its members beside the image, its check, and what of a lone answer a grid can give."""

    name: str
    check: Callable[[Scene, Json], None]
    members: Mapping[str, Any] = field(default_factory=dict)
    placeable: Callable[[Json], dict[str, Any]] = _as_it_is


OPERATIONS = (
    Operation("DetectLabels", check_labels, placeable=without_scenery),
    Operation("DetectFaces", check_faces),
    Operation("DetectFaces", check_faces, {"Attributes": ["ALL"]}),
    Operation("RecognizeCelebrities", check_celebrities),
    Operation("DetectProtectiveEquipment", check_equipment, {"SummarizationAttributes": FACE_COVER}),
    Operation("DetectProtectiveEquipment", check_equipment),
    Operation("DetectCustomLabels", check_custom_labels, {"ProjectVersionArn": ARN, "MinConfidence": 10}),
    Operation("DetectCustomLabels", check_custom_labels, {"ProjectVersionArn": ARN}),
)


def _name(operation: Operation) -> str:
    return "-".join([operation.name, *operation.members])


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
@pytest.mark.parametrize(
    ("width_px", "height_px", "layout"), [(800, 600, "2x1"), (600, 800, "1x2")], ids=["landscape", "portrait"]
)
def test_two_clients_share_a_sheet_and_get_their_own_answers(
    rig: Rig, operation: Operation, width_px: int, height_px: int, layout: str
) -> None:
    """Half an inference each, every item where it truly is, and the same members as when the vendor is asked alone."""
    scenes = [picture(width_px, height_px, 3, 8), picture(width_px, height_px, 21, 30, 55)]
    client, before = rig.client(), rig.calls()
    told = together(*(lambda scene=scene: client(operation.name, scene.content, **operation.members) for scene in scenes))
    assert [one.layout for one in told] == [layout, layout]
    assert [one.inferences for one in told] == [0.5, 0.5]
    assert [call.operation for call in rig.sent(before)] == [operation.name]
    for scene, one in zip(scenes, told, strict=True):
        operation.check(scene, one.answer)
        alone = rig.direct()(operation.name, scene.content, **operation.members)
        operation.check(scene, alone.answer)
        assert list(differences(one.answer, operation.placeable(alone.answer))) == []


def test_a_label_of_a_grid_is_that_of_its_own_image(rig: Rig) -> None:
    """As sure as its best box, with the boxes that reach the client's threshold, and the vendor's parents and categories."""
    chairs = stored(plain(800, 600, Placed(3, 60, 60, 240), Placed(27, 700, 500, 64)))
    neighbour, client = picture(800, 600, 21, 27, 55), rig.client()
    told, _ = together(
        lambda: client("DetectLabels", chairs), lambda: client("DetectLabels", neighbour.content, MinConfidence=0)
    )
    (chair,) = [label for label in told.answer["Labels"] if label["Name"] == "Chair"]
    alone = rig.direct()("DetectLabels", chairs).answer
    (own,) = [label for label in alone["Labels"] if label["Name"] == "Chair"]
    assert (told.layout, len(chair["Instances"])) == ("2x1", 2)
    assert chair["Confidence"] == max(instance["Confidence"] for instance in chair["Instances"])
    assert {name: chair[name] for name in ("Parents", "Categories")} == {name: own[name] for name in ("Parents", "Categories")}
    assert [label["Name"] for label in told.answer["Labels"] if label["Name"] == "Furniture"] == ["Furniture"]


def test_text_shares_sheets_where_the_operator_allows_it(rig: Rig) -> None:
    scenes = [picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)]
    client = rig.client()
    told = together(*(lambda scene=scene: client("DetectText", scene.content) for scene in scenes))
    assert [one.layout for one in told] == ["2x1", "2x1"]
    for scene, one in zip(scenes, told, strict=True):
        check_text(scene, one.answer)
        check_text(scene, rig.direct()("DetectText", scene.content).answer)


def test_a_crowd_of_clients_pays_half_and_nobody_gets_somebody_elses_boxes(rig: Rig) -> None:
    """Sixteen clients of one tenant at once, each with objects that nobody else has."""
    scenes = [picture(640 + 40 * number, 480, 100 + 3 * number, 101 + 3 * number) for number in range(16)]
    client, before = rig.client(), rig.emulator.paid()
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        check_labels(scene, one.answer)
    assert {one.layout for one in told} == {"2x1"}
    assert sum(one.inferences for one in told) == rig.emulator.paid() - before == 8


def test_more_findings_than_the_vendor_returns_are_asked_for_in_halves(rig: Rig) -> None:
    """Ten persons on each image, and the vendor names fifteen of a sheet: nobody loses one, the sheet is paid on top."""
    groups = (range(400, 410), range(410, 420))
    images = [stored(plain(800, 600, *in_rows(800, 120, ids))) for ids in groups]
    client = rig.client()
    told = together(*(lambda image=image: client("DetectProtectiveEquipment", image) for image in images))
    for image, one in zip(images, told, strict=True):
        assert one.body == rig.direct()("DetectProtectiveEquipment", image).body
        assert len(one.answer["Persons"]) == 10
        assert one.inferences == 1.5


def test_nothing_but_the_endpoint_is_changed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program as it is, with the address in its environment, temporary credentials and boto3's own settings."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", rig.server.url)
    session = boto3.Session(new_key(), "secret", "session token", region_name="eu-central-1")
    sdk = session.client("rekognition")
    scenes = [picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)]
    answers = together(*(lambda scene=scene: sdk.detect_labels(Image={"Bytes": scene.content}) for scene in scenes))
    for scene, answer in zip(scenes, answers, strict=True):
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-tessera-grid"] == "2x1"
        assert answer["ResponseMetadata"]["RetryAttempts"] == 0
        check_labels(scene, answer)


def test_clients_of_different_tenants_never_share(rig: Rig) -> None:
    scenes = [picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)]
    before = rig.calls()
    hurried = {"X-Tessera-Max-Wait-Ms": "300"}
    clients = [rig.client(hurried), rig.client(hurried)]
    told = together(
        *(lambda c=client, s=scene: c("DetectLabels", s.content) for client, scene in zip(clients, scenes, strict=True))
    )
    assert [one.layout for one in told] == ["1x1", "1x1"]
    assert {call.content for call in rig.sent(before)} == {scene.content for scene in scenes}


def test_a_box_outside_every_image_reaches_nobody(rig: Rig) -> None:
    """The vendor may answer with boxes beyond the sheet's edge: they are dropped, the true ones stay."""
    scenes = [picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)]
    client = rig.client()
    rig.emulator.add_fault("outside_boxes", operation="DetectLabels", times=1)
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        assert one.layout == "2x1"
        check_labels(scene, one.answer)
        assert "Ghost" not in {label["Name"] for label in one.answer["Labels"]}
