"""A whole answer: envelope, caps, and the law that whatever a vendor sends ends as a Reading or as PROVIDER_GARBLED."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.contract import Reading
from app.providers.rekognition.operations import OPERATIONS
from app.providers.rekognition.parse import parse
from tests.support.rekognition_answers import CAR_BOX, FULL

features = st.sampled_from(list(OPERATIONS))
PLACELESS = {Feature.LABELS, Feature.MODERATION}


def body_of(answer: Any) -> bytes:
    return json.dumps(answer).encode()


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_a_reading_holds_the_findings_and_the_body_as_it_came(feature: Feature) -> None:
    body = body_of(FULL[feature])
    reading = parse(feature, body)
    assert len(reading.detections) == 2
    assert reading.verbatim is body
    assert not reading.truncated


@pytest.mark.parametrize(
    ("feature", "extra"),
    [
        (Feature.OBJECTS, {"LabelModelVersion": "3.0"}),
        (Feature.PROTECTIVE_EQUIPMENT, {"ProtectiveEquipmentModelVersion": "1.0"}),
        (Feature.LABELS, {"LabelModelVersion": "3.0"}),
        (Feature.MODERATION, {"ModerationModelVersion": "7.0"}),
        (Feature.FACES, {}),
    ],
)
def test_the_model_version_is_a_fact_of_the_whole_answer(feature: Feature, extra: dict[str, str]) -> None:
    assert parse(feature, body_of(FULL[feature])).extra == extra


def test_the_adapter_that_moderation_was_asked_with_is_one_too() -> None:
    adapter = "arn:aws:rekognition:us-east-1:1:project/p/version/v/1"
    assert parse(Feature.MODERATION, body_of({"ModerationLabels": [], "ProjectVersion": adapter})).extra == {
        "ProjectVersion": adapter
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"42",
        b'"Labels"',
        b"{}",
        b'{"Labels": null}',
        b'{"Labels": {}}',
        b"{",
        b"<html>",
        b"\xff\xfe",
        b'{"Labels": [NaN]}',
        b'{"Labels": [1e999]}',
        b'{"labels": []}',
        b"[" * 100_000,
        b'{"Labels":' * 2000 + b"[]" + b"}" * 2000,
    ],
)
def test_what_is_no_answer_is_garbled(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        parse(Feature.OBJECTS, body)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


@pytest.mark.parametrize("said", [{}, {"ModerationLabels": None}, {"ModerationLabels": {}}, {"ContentTypes": []}])
def test_silence_about_unsafe_content_is_garbled_and_never_clean(said: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        parse(Feature.MODERATION, body_of({"ModerationModelVersion": "7.0", **said}))
    assert raised.value.kind is Kind.PROVIDER_GARBLED


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_an_error_in_the_clothes_of_a_success_is_garbled(feature: Feature) -> None:
    with pytest.raises(Problem) as raised:
        parse(feature, body_of({"__type": "InternalServerError", "Message": "m"}))
    assert raised.value.kind is Kind.PROVIDER_GARBLED


@pytest.mark.parametrize(
    ("feature", "answer"),
    [
        (Feature.OBJECTS, {"Labels": []}),
        (Feature.OBJECTS, {"ImageProperties": {"Quality": {}}}),
        (Feature.LABELS, {"ImageProperties": {"Quality": {}}}),
        (Feature.MODERATION, {"ModerationLabels": []}),
        (Feature.CELEBRITIES, {"UnrecognizedFaces": []}),
        (Feature.CELEBRITIES, {"CelebrityFaces": [], "UnrecognizedFaces": None}),
    ],
)
def test_an_empty_answer_is_an_answer(feature: Feature, answer: dict[str, Any]) -> None:
    assert parse(feature, body_of(answer)).detections == ()


@pytest.mark.parametrize(
    ("feature", "answer", "truncated"),
    [
        (Feature.FACES, {"FaceDetails": [{"BoundingBox": CAR_BOX}] * 99}, False),
        (Feature.FACES, {"FaceDetails": [{"BoundingBox": CAR_BOX}] * 100}, True),
        (Feature.FACES, {"FaceDetails": ["broken"] * 100}, True),
        (Feature.PROTECTIVE_EQUIPMENT, {"Persons": [{"Id": 0}] * 14}, False),
        (Feature.PROTECTIVE_EQUIPMENT, {"Persons": [{"Id": 0}] * 15}, True),
        (Feature.CELEBRITIES, {"CelebrityFaces": [{}] * 32, "UnrecognizedFaces": [{}] * 31}, False),
        (Feature.CELEBRITIES, {"CelebrityFaces": [{}] * 32, "UnrecognizedFaces": [{}] * 32}, True),
        (Feature.OBJECTS, {"Labels": [{"Name": "a"}] * 999}, False),
        (Feature.OBJECTS, {"Labels": [{"Name": "a"}] * 1000}, True),
        (Feature.LABELS, {"Labels": [{"Name": "a"}] * 999}, False),
        (Feature.LABELS, {"Labels": [{"Name": "a"}] * 1000}, True),
        (Feature.MODERATION, {"ModerationLabels": [{"Name": "a"}] * 2000}, False),
        (Feature.CUSTOM_OBJECTS, {"CustomLabels": [{"Name": "a"}] * 2000}, False),
    ],
)
def test_an_answer_at_the_cap_may_have_been_cut_off(feature: Feature, answer: dict[str, Any], truncated: bool) -> None:
    assert parse(feature, body_of(answer)).truncated is truncated


# --- laws

odd_objects = st.sampled_from([{}, [], {"X": 0, "Y": 0}, {"Left": 0, "Top": 0, "Width": -1, "Height": 0}, {"$point": 0}])
odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["Left", -1, 1e308])
    | odd_objects.map(copy.deepcopy),  # later wounds may hit what earlier ones put in
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(st.sampled_from(["Name", "X", "Y", "Type", "BoundingBox", "Id", "$point"]), child, max_size=4)
    ),
    max_leaves=8,
)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, child in pairs:
        yield node, key
        yield from places(child)


@settings(deadline=None, max_examples=300)
@given(features, st.data())
def test_an_answer_with_random_wounds_is_read_or_garbled(feature: Feature, data: st.DataObject) -> None:
    answer = json.loads(body_of(FULL[feature]))
    for _ in range(data.draw(st.integers(1, 4))):
        node, key = data.draw(st.sampled_from(list(places(answer)) or [({"": 0}, "")]))
        if data.draw(st.booleans()):
            node[key] = data.draw(odd_values)
        elif isinstance(node, dict):
            node[data.draw(st.text(max_size=3))] = node.pop(key)
    assert_read_or_garbled(feature, body_of(answer))


@settings(deadline=None, max_examples=200)
@given(features, st.data())
def test_a_body_with_random_bytes_is_read_or_garbled(feature: Feature, data: st.DataObject) -> None:
    body = bytearray(body_of(FULL[feature]))
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    assert_read_or_garbled(feature, bytes(body))


def assert_read_or_garbled(feature: Feature, body: bytes) -> None:
    try:
        reading = parse(feature, body)
    except Problem as problem:
        if problem.kind is not Kind.PROVIDER_GARBLED:
            raise
        return
    assert isinstance(reading, Reading)
    for detection in reading.detections:
        assert 0.0 <= detection.score_unit <= 1.0
        assert detection.box is not None or feature in PLACELESS | {Feature.CUSTOM_OBJECTS}


# --- every field of AWS's own service model survives

MODEL = botocore.session.get_session().get_service_model("rekognition")
numbers = st.floats(0, 1, width=32)


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Random values of a modelled shape: every member there, lists short."""
    if isinstance(shape, StructureShape):
        return st.fixed_dictionaries({name: values_of(member) for name, member in shape.members.items()})
    if isinstance(shape, ListShape):
        return st.lists(values_of(shape.member), min_size=1, max_size=2)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text("abcdefgh", min_size=1, max_size=3),
        "boolean": st.booleans(),
        "integer": st.integers(0, 3),
        "float": numbers,
        "double": numbers,
    }
    return plain[shape.type_name]


def plain_of(tree: Any) -> Any:
    """The tree in AWS's own words again."""
    if isinstance(tree, UnitBox):
        return {"Left": tree.left, "Top": tree.top, "Width": tree.width, "Height": tree.height}
    if isinstance(tree, UnitPoint):
        return {"X": tree.x, "Y": tree.y}
    if isinstance(tree, list):
        return [plain_of(child) for child in tree]
    if isinstance(tree, dict):
        point = plain_of(tree["$point"]) if "$point" in tree else {}
        return {key: plain_of(child) for key, child in tree.items() if key != "$point"} | point
    return tree


def about(node: Any) -> Any:
    """Numbers rounded: left + width - left is not width to the last bit."""
    if isinstance(node, dict):
        return {key: about(child) for key, child in node.items()}
    if isinstance(node, list):
        return [about(child) for child in node]
    return round(node, 9) if isinstance(node, float) else node


def entries_of(feature: Feature, answer: dict[str, Any]) -> list[Any]:
    """What the fields of all findings should say, from the answer itself."""
    if feature is Feature.OBJECTS:
        labels = answer["Labels"]
        return [instance for label in labels for instance in label["Instances"]]
    return [entry for name in OPERATIONS[feature].marks for entry in answer[name]]


@pytest.mark.parametrize("feature", sorted(OPERATIONS.keys() - {Feature.TEXT, Feature.LABELS}))
def test_every_modelled_field_of_a_finding_survives(feature: Feature) -> None:
    shape: Any = MODEL.operation_model(OPERATIONS[feature].name).output_shape
    key = {Feature.OBJECTS: "instance", Feature.FACES: "face", Feature.PROTECTIVE_EQUIPMENT: "person"}.get(feature)

    @settings(deadline=None, max_examples=25)
    @given(values_of(shape))
    def law(answer: dict[str, Any]) -> None:
        reading = parse(feature, body_of(answer))
        kept = [plain_of(each.fields[key or next(iter(each.fields))]) for each in reading.detections]
        assert about(kept) == about(entries_of(feature, answer))
        if feature is Feature.OBJECTS:
            labels = [label for label in answer["Labels"] for _ in label["Instances"]]
            assert about([plain_of(each.fields["label"]) for each in reading.detections]) == [
                about({name: value for name, value in label.items() if name != "Instances"}) for label in labels
            ]

    law()
