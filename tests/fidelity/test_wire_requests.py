"""Requests as the SDK really writes them are read back as what was asked: botocore's serializer, and recorded requests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.buckets import AllowedBuckets
from app.core.clients import Tenant
from app.core.model import RawRequest, canonical_json
from app.wire.contract import Call, InlineImage, Passthrough, StoredImage
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from app.wire.rekognition.operations import BILLED_VERBS
from tests.support.aws_model import serialized, service_model

MODEL = pytest.fixture(service_model, scope="module", name="model")
DIALECT = RekognitionDialect(RekognitionOptions(buckets=AllowedBuckets(("*",))))

# Recorded requests of the real SDKs are kept outside the repository; TESSERA_TEST_CAPTURES names their folder.
CAPTURES = Path(os.environ.get("TESSERA_TEST_CAPTURES", Path(__file__).parents[3] / "shared" / "wire" / "captures"))
RECORDED = [path for path in sorted(CAPTURES.glob("rekognition_*.json")) if path.stem != "rekognition_errors"]
GRIDDED = {
    *("DetectLabels", "DetectFaces", "DetectProtectiveEquipment"),
    *("RecognizeCelebrities", "DetectCustomLabels", "DetectText", "DetectModerationLabels"),
}

IMAGES = st.one_of(
    st.builds(lambda data: {"Bytes": data}, st.binary(min_size=1, max_size=400)),
    st.builds(
        lambda bucket, name, version: {
            "S3Object": {"Bucket": bucket, "Name": name} | ({"Version": version} if version else {})
        },
        st.from_regex(r"[0-9A-Za-z.\-_]{3,20}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        st.none() | st.just("v1"),
    ),
)
PERCENTS = st.integers(0, 100) | st.floats(0, 100)
NAMES = st.lists(st.from_regex(r"[A-Za-z0-9 ().]{0,20}", fullmatch=True), max_size=4)
FILTERS = ["LabelInclusionFilters", "LabelExclusionFilters", "LabelCategoryInclusionFilters", "LabelCategoryExclusionFilters"]
GENERAL = st.fixed_dictionaries({}, optional=dict.fromkeys(FILTERS, NAMES))
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/p.2024/1700000000000"
ATTRIBUTES = st.lists(st.sampled_from(["DEFAULT", "ALL", "BEARD", "SMILE"]), max_size=3)
SUMMARY = st.fixed_dictionaries(
    {"MinConfidence": PERCENTS, "RequiredEquipmentTypes": st.lists(st.sampled_from(["FACE_COVER", "HEAD_COVER"]), max_size=2)}
)
SIDES = st.floats(0, 1)
WORD_FILTER = st.fixed_dictionaries(
    {}, optional={"MinConfidence": PERCENTS, "MinBoundingBoxHeight": SIDES, "MinBoundingBoxWidth": SIDES}
)
REVIEWS = st.fixed_dictionaries(
    {
        "HumanLoopName": st.from_regex(r"[a-z0-9](-{0,2}[a-z0-9]){0,20}", fullmatch=True),
        "FlowDefinitionArn": st.just("arn:aws:sagemaker:us-east-1:123456789012:flow-definition/f"),
    },
    optional={
        "DataAttributes": st.fixed_dictionaries(
            {}, optional={"ContentClassifiers": st.lists(st.sampled_from(["FreeOfAdultContent"]), max_size=2)}
        )
    },
)
PARAMETERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "DetectLabels": st.fixed_dictionaries(
        {"Image": IMAGES},
        optional={
            "MaxLabels": st.integers(0, 2**31 - 1),
            "MinConfidence": PERCENTS,
            "Features": st.lists(st.sampled_from(["GENERAL_LABELS", "IMAGE_PROPERTIES"]), max_size=2),
            "Settings": st.fixed_dictionaries({}, optional={"GeneralLabels": GENERAL}),
        },
    ),
    "DetectFaces": st.fixed_dictionaries({"Image": IMAGES}, optional={"Attributes": ATTRIBUTES}),
    "RecognizeCelebrities": st.fixed_dictionaries({"Image": IMAGES}),
    "DetectProtectiveEquipment": st.fixed_dictionaries({"Image": IMAGES}, optional={"SummarizationAttributes": SUMMARY}),
    "DetectCustomLabels": st.fixed_dictionaries(
        {"Image": IMAGES, "ProjectVersionArn": st.just(ARN)},
        optional={"MinConfidence": PERCENTS, "MaxResults": st.integers(0, 1000)},
    ),
    "DetectModerationLabels": st.fixed_dictionaries(
        {"Image": IMAGES}, optional={"MinConfidence": PERCENTS, "ProjectVersion": st.just(ARN), "HumanLoopConfig": REVIEWS}
    ),
    "DetectText": st.fixed_dictionaries(
        {"Image": IMAGES}, optional={"Filters": st.fixed_dictionaries({}, optional={"WordFilter": WORD_FILTER})}
    ),
}


@pytest.mark.parametrize("operation", sorted(PARAMETERS))
@settings(max_examples=60)
@given(data=st.data())
def test_what_botocore_writes_is_read(operation: str, model: Any, data: st.DataObject) -> None:
    """Image, filters and own words come through exactly."""
    asked = data.draw(PARAMETERS[operation])
    call = DIALECT.read(serialized(model, operation, asked))
    assert isinstance(call, Call)
    image = asked["Image"]
    if "Bytes" in image:
        assert call.source == InlineImage(image["Bytes"])
    else:
        stored = image["S3Object"]
        assert call.source == StoredImage(stored["Bucket"], stored["Name"], stored.get("Version"))
    inquiry = call.inquiries[0]
    assert json.loads(inquiry.own_request) == {name: value for name, value in asked.items() if name != "Image"}
    assert inquiry.max_results == asked.get("MaxLabels", asked.get("MaxResults"))
    default_percent = {"DetectLabels": 55, "DetectText": 80, "DetectModerationLabels": 50}.get(operation)
    filters = asked.get("Filters", {}).get("WordFilter", {}) if operation == "DetectText" else asked
    percent = filters.get("MinConfidence", default_percent)
    assert inquiry.min_score_unit == (None if percent is None else percent / 100)
    assert inquiry.parameters == canonical_json(json.loads(inquiry.parameters))


def test_every_other_operation_of_the_service_is_passed_through(model: Any) -> None:
    others = set(model.operation_names) - GRIDDED
    assert len(others) == len(model.operation_names) - len(GRIDDED)
    for name in others:
        raw = RawRequest("POST", "/", "", {"x-amz-target": f"RekognitionService.{name}"}, b"{}")
        read = DIALECT.read(raw)
        billed = (frozenset({name}),) if name.startswith(BILLED_VERBS) else ()
        assert read == Passthrough("rekognition", name, Tenant("anonymous"), "rekognition", billed)


def read_capture(path: Path) -> RawRequest:
    request = json.loads(path.read_text(encoding="utf-8"))["request"]
    headers = {name.lower(): value for name, value in request["headers"]}
    return RawRequest(request["method"], request["path"], request["query"], headers, request["body_text"].encode())


@pytest.mark.skipif(not RECORDED, reason="no recorded requests here (TESSERA_TEST_CAPTURES names their folder)")
def test_recorded_requests_are_read() -> None:
    """Each recorded request of boto3: the gridded operations as calls with the recorded image, the others whole."""
    for path in RECORDED:
        raw = read_capture(path)
        operation = raw.headers["x-amz-target"].removeprefix("RekognitionService.")
        read = DIALECT.read(raw)
        assert read.tenant == Tenant("FAKE-ACCESS-KEY-ID"), path.stem
        assert isinstance(read, Call) == (operation in GRIDDED), path.stem
        if isinstance(read, Call):
            named = json.loads(raw.body)["Image"].get("S3Object")
            assert isinstance(read.source, StoredImage) == (named is not None), path.stem
