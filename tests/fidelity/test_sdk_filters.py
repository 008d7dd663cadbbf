"""Parameters that only filter do not keep clients apart: they share a sheet, and each gets the answer that it asked for."""

from __future__ import annotations

from typing import Any

import pytest

from app.demo.scenes import Scene
from app.detectors.markers import marker_label
from tests.support.alike import differences, placeable, without_scenery
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.pictures import Json, check_labels, picture
from tests.support.sdk import Client, Rig, Told, together

CAR, DOG, CHAIR = 16, 25, 27
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"

# A marker's confidence grows with its size: the small ones are about 96 %, the large ones above 98 %.
SMALL_PX, LARGE_PX = 64, 240
CROWDED = stored(
    plain(800, 600, Placed(CAR, 40, 40, SMALL_PX), Placed(DOG, 300, 200, LARGE_PX), Placed(CHAIR, 700, 500, SMALL_PX))
)

Members = dict[str, Any]


def _labels(names: list[str], member: str = "LabelInclusionFilters") -> Members:
    return {"Settings": {"GeneralLabels": {member: names}}}


def _shared(rig: Rig, client: Client, members: Members, others: Members, operation: str = "DetectLabels") -> tuple[Told, Told]:
    """The crowded picture asked with `members`, on a sheet with a neighbour that is asked with `others`."""
    neighbour = picture(800, 600, 3, 8)
    own, other = together(lambda: client(operation, CROWDED, **members), lambda: client(operation, neighbour.content, **others))
    assert (own.layout, own.inferences) == (other.layout, other.inferences) == ("2x1", 0.5)
    return own, other


def _names(answer: Json) -> set[str]:
    return {label["Name"] for label in answer["Labels"]}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"MinConfidence": 0},
        {"MinConfidence": 97.5},
        {"MinConfidence": 100},
        {"MaxLabels": 0},
        _labels(["Dog", "Vehicle"]),
        _labels(["Animals and Pets"], "LabelCategoryInclusionFilters"),
        _labels(["Car", marker_label(CAR)], "LabelExclusionFilters"),
        _labels(["Animals and Pets", "Furniture and Furnishings"], "LabelCategoryExclusionFilters"),
        {"Features": ["GENERAL_LABELS"], "MaxLabels": 1000},
    ],
    ids=str,
)
def test_each_answer_is_filtered_as_the_vendor_would_have_filtered_it(rig: Rig, members: Members) -> None:
    """Beside a neighbour that asks for everything, the answer is the vendor's own to the same words, but for the scenery."""
    own, other = _shared(rig, rig.client(), members, {"MinConfidence": 0})
    direct = rig.direct()
    names = placeable(direct("DetectLabels", CROWDED, MinConfidence=0).answer)
    alone = without_scenery(direct("DetectLabels", CROWDED, **members).answer, names)
    assert list(differences(own.answer, alone)) == []
    check_labels(picture(800, 600, 3, 8), other.answer)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_max_labels_keeps_the_surest(rig: Rig, most: int) -> None:
    """The dog is large, hence surest; of equally sure labels those with boxes come first."""
    own, other = _shared(rig, rig.client(), {"MaxLabels": most}, {"MaxLabels": 3})
    labels = own.answer["Labels"]
    assert len(labels) == most
    assert {label["Name"] for label in labels[:2]} <= {"Dog", marker_label(DOG)}
    assert [label["Confidence"] for label in labels] == sorted((label["Confidence"] for label in labels), reverse=True)
    assert len(other.answer["Labels"]) == 3


def test_the_sheet_is_asked_as_loosely_as_its_loosest_image(rig: Rig) -> None:
    """One asks for little, one for much: the vendor is asked for much, and for no fewer labels than there may be."""
    before = rig.calls()
    own, other = _shared(rig, rig.client(), {"MinConfidence": 99.5, "MaxLabels": 1}, {"MinConfidence": 12.5})
    (call,) = rig.sent(before)
    assert call.request["MinConfidence"] == 12.5
    assert call.request.get("MaxLabels", 1000) == 1000
    assert "Settings" not in call.request
    assert _names(own.answer) == set()
    check_labels(picture(800, 600, 3, 8), other.answer)


def test_max_results_and_min_confidence_of_custom_labels_are_each_clients_own(rig: Rig) -> None:
    model = {"ProjectVersionArn": ARN}
    own, other = _shared(
        rig,
        rig.client(),
        {**model, "MinConfidence": 97.5},
        {**model, "MinConfidence": 1, "MaxResults": 1},
        "DetectCustomLabels",
    )
    assert [label["Name"] for label in own.answer["CustomLabels"]] == [marker_label(DOG)]
    assert len(other.answer["CustomLabels"]) == 1


@pytest.mark.parametrize(
    ("operation", "members", "others"),
    [
        ("DetectFaces", {"Attributes": ["ALL"]}, {}),
        ("DetectCustomLabels", {"ProjectVersionArn": ARN}, {"ProjectVersionArn": ARN.replace("parts", "tools")}),
        ("DetectCustomLabels", {"ProjectVersionArn": ARN}, {"ProjectVersionArn": ARN, "MinConfidence": 50}),
    ],
)
def test_parameters_that_change_the_inference_keep_clients_apart(
    rig: Rig, operation: str, members: Members, others: Members
) -> None:
    client = rig.client({"X-Tessera-Max-Wait-Ms": "200"})
    scene: Scene = picture(800, 600, 3, 8)
    told = together(lambda: client(operation, CROWDED, **members), lambda: client(operation, scene.content, **others))
    assert [one.layout for one in told] == ["1x1", "1x1"]
