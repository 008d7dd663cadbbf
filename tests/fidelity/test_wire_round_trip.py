"""Every field that AWS defines survives: an answer of the vendor, read by the provider and written by the dialect, is itself.

Answers are generated from botocore's service model, so a field that AWS adds is tested with the next botocore. Reader and
writer share no code; what they share is the convention of `Detection.fields`, and this is the test of it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.model import Answer, Outcome
from app.providers.rekognition.parse import parse
from app.wire.contract import Call
from app.wire.rekognition import RekognitionDialect
from tests.support.aws_model import service_model, strangers
from tests.support.wire import PICTURE, aws_request

MODEL = pytest.fixture(service_model, scope="module", name="model")
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/p.2024/1700000000000"
# Multiples of 1/64 are exact in binary: corners and sides come back to the last bit.
RATIOS = st.integers(-16, 80).map(lambda number: number / 64)
SIDES = st.integers(0, 64).map(lambda number: number / 64)
BOXES = st.fixed_dictionaries({"Width": SIDES, "Height": SIDES, "Left": RATIOS, "Top": RATIOS})
PERCENTS = st.floats(55, 100)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
# Without these an item of AWS is no finding.
NEEDED = {"Name", "Confidence", "BoundingBox", "Face", "Type", "MatchConfidence"}
SUMMARY_LISTS = ["PersonsWithRequiredEquipment", "PersonsWithoutRequiredEquipment", "PersonsIndeterminate"]


def values(shape: Any) -> st.SearchStrategy[Any]:
    """Any value that the shape allows."""
    match shape.type_name:
        case "structure" if shape.name == "BoundingBox":
            return BOXES
        case "structure" if set(shape.members) >= {"X", "Y"}:
            return st.fixed_dictionaries(
                {name: RATIOS if name in {"X", "Y"} else values(m) for name, m in shape.members.items()}
            )
        case "structure":
            return structures(shape)
        case "list":
            return st.lists(values(shape.member), max_size=2)
        case "string":
            return st.sampled_from(shape.enum) if shape.enum else TEXTS
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(0, 255)
    return PERCENTS


def structures(shape: Any, **given_members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A structure with members of its own, but for those that are given."""
    members = {name: given_members.get(name, values(member)) for name, member in shape.members.items()}
    needed = {name: member for name, member in members.items() if name in NEEDED or name in given_members}
    return st.fixed_dictionaries(needed, optional={name: m for name, m in members.items() if name not in needed})


def written_again(operation: str, members: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """What a client gets whose image shared a sheet of which `body` was the answer, all of it lying in its cell."""
    dialect = RekognitionDialect()
    call = dialect.read(aws_request(operation, members))
    assert isinstance(call, Call)
    reading = parse(call.inquiries[0].feature, json.dumps(body).encode())
    reply = dialect.write(call, PICTURE, [Outcome("job-1", Answer(reading.detections, extra=reading.extra))], "request-1")
    assert reply.status == 200
    written: dict[str, Any] = json.loads(reply.body)
    assert list(strangers(service_model().operation_model(operation).output_shape, written)) == []
    return written


def surest_first(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: -item["Confidence"])


@settings(max_examples=40)
@given(data=st.data())
def test_faces(model: Any, data: st.DataObject) -> None:
    faces = data.draw(st.lists(values(model.shape_for("FaceDetail")), max_size=3))
    assert written_again("DetectFaces", {"Attributes": ["ALL"]}, {"FaceDetails": faces}) == {"FaceDetails": faces}


@settings(max_examples=40)
@given(data=st.data())
def test_celebrities(model: Any, data: st.DataObject) -> None:
    known = data.draw(st.lists(values(model.shape_for("Celebrity")), max_size=2))
    unknown = data.draw(st.lists(values(model.shape_for("ComparedFace")), max_size=2))
    body = {"CelebrityFaces": known, "UnrecognizedFaces": unknown}
    assert written_again("RecognizeCelebrities", {}, body) == body


@settings(max_examples=40)
@given(data=st.data())
def test_custom_labels(model: Any, data: st.DataObject) -> None:
    labels = data.draw(st.lists(values(model.shape_for("CustomLabel")), max_size=3))
    again = written_again("DetectCustomLabels", {"ProjectVersionArn": ARN}, {"CustomLabels": labels})
    assert again == {"CustomLabels": surest_first(labels)}


@settings(max_examples=40)
@given(data=st.data())
def test_protective_equipment(model: Any, data: st.DataObject) -> None:
    """With its persons numbered in order, as the vendor does for an image of its own, even the summary is the same."""
    shape = model.shape_for("ProtectiveEquipmentPerson")
    persons = data.draw(st.lists(structures(shape, Id=st.just(0)), max_size=4))
    persons = [{**person, "Id": number} for number, person in enumerate(persons)]
    summary: dict[str, list[int]] = {name: [] for name in SUMMARY_LISTS}
    for person in persons:
        summary[data.draw(st.sampled_from(SUMMARY_LISTS))].append(person["Id"])
    body = {"ProtectiveEquipmentModelVersion": "1.0", "Persons": persons, "Summary": summary}
    asked = {"SummarizationAttributes": {"MinConfidence": 80, "RequiredEquipmentTypes": ["HEAD_COVER"]}}
    assert written_again("DetectProtectiveEquipment", asked, body) == body


@settings(max_examples=40)
@given(data=st.data())
def test_moderation(model: Any, data: st.DataObject) -> None:
    """Types of content are left out: of a group nobody could say whose they are."""
    labels = data.draw(st.lists(values(model.shape_for("ModerationLabel")), max_size=3))
    body = {"ModerationLabels": labels, "ModerationModelVersion": "7.1", "ProjectVersion": ARN}
    again = written_again("DetectModerationLabels", {}, {**body, "ContentTypes": [{"Name": "Illustrated", "Confidence": 90.0}]})
    assert again == {**body, "ContentTypes": []}


@settings(max_examples=40)
@given(data=st.data())
def test_labels(model: Any, data: st.DataObject) -> None:
    """Labels with instances, whose parents are labels of the same answer; what AWS leaves open (order) is put in ours."""
    names = data.draw(st.lists(TEXTS, unique=True, min_size=1, max_size=4))
    instances = st.lists(values(model.shape_for("Instance")), min_size=1, max_size=3)
    labels = []
    for name in names:
        parents = st.lists(st.sampled_from(names).map(lambda parent: {"Name": parent}), max_size=2)
        label = data.draw(structures(model.shape_for("Label"), Instances=instances, Parents=parents))
        boxes = surest_first(label["Instances"])
        filled: dict[str, Any] = {"Aliases": [], "Categories": [], **label}
        labels.append(filled | {"Name": name, "Instances": boxes, "Confidence": boxes[0]["Confidence"]})
    body = {"Labels": labels, "LabelModelVersion": "3.0"}
    again = written_again("DetectLabels", {}, body)
    assert again == {"Labels": surest_first(labels), "LabelModelVersion": "3.0"}


@given(data=st.data())
@settings(max_examples=40)
def test_ancestors_come_along_with_all_their_fields(model: Any, data: st.DataObject) -> None:
    """And scene labels, which nobody can attribute, do not."""
    shape = model.shape_for("Label")
    vehicle, outdoors = (data.draw(structures(shape, Instances=st.just([]), Parents=st.just([]))) for _ in range(2))
    vehicle |= {"Name": "Vehicle", "Confidence": 99.0}
    outdoors |= {"Name": "Outdoors"}
    car = {"Name": "Car", "Confidence": 80.0, "Parents": [{"Name": "Vehicle"}], "Aliases": [], "Categories": []}
    car |= {"Instances": [{"BoundingBox": {"Width": 0.5, "Height": 0.5, "Left": 0.0, "Top": 0.0}, "Confidence": 80.0}]}
    again = written_again("DetectLabels", {}, {"Labels": [outdoors, vehicle, car]})
    as_sure_as_the_car = {"Aliases": [], "Categories": [], **vehicle, "Confidence": 80.0}
    assert again == {"Labels": [car, as_sure_as_the_car]}
