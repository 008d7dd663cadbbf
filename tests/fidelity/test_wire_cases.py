"""Every file of cases/: a request, what became of it, and the answer that the client must get. One rule a file.

Whatever Rekognition's dialect writes is also held against botocore's model (no member or word that AWS does not know) and
read by botocore's own parser, which is what programs that use boto3 get to see.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.geometry import Size
from app.core.model import Picture, RawRequest
from app.errors import Problem
from app.wire.contract import Call, Dialect, RawReply
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect
from tests.support.aws_model import parsed, service_model, strangers
from tests.support.wire import aws_request, native_request, outcome_of

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
DIALECTS: dict[str, Dialect] = {"native": NativeDialect(), "rekognition": RekognitionDialect()}
REQUEST_ID = "request-1"


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


def raw_request(case: dict[str, Any]) -> RawRequest:
    request = case["request"]
    if case["dialect"] == "native":
        return native_request(request["query"], operation=request.get("operation", "detect"))
    return aws_request(request["operation"], request["members"])


def reply_to(case: dict[str, Any]) -> RawReply:
    dialect = DIALECTS[case["dialect"]]
    try:
        call = dialect.read(raw_request(case))
    except Problem as problem:
        return dialect.refuse(problem, REQUEST_ID)
    assert isinstance(call, Call)
    picture = Picture("jpeg", Size(*case["picture"]["size_wh"]), case["picture"].get("orientation", 1))
    return dialect.write(call, picture, [outcome_of(outcome) for outcome in case["outcomes"]], REQUEST_ID)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """The file's own rule."""
    case = load(path)
    expected = case["expected"]
    reply = reply_to(case)
    assert json.loads(reply.body) == expected["body"], case["rule"]
    assert reply.status == expected["status"]
    assert {name: reply.headers.get(name) for name in expected.get("headers", {})} == expected.get("headers", {})
    assert reply.filtered == expected.get("filtered", 0)


@pytest.mark.parametrize("path", [path for path in CASES if path.stem.startswith("rekognition_")], ids=lambda path: path.stem)
def test_boto3_sees_the_whole_answer(path: Path) -> None:
    """All that we write has a place in AWS's model, and botocore hands all of it on."""
    case = load(path)
    operation, model = case["request"]["operation"], service_model()
    reply = reply_to(case)
    seen = parsed(model, operation, reply)
    metadata = seen.pop("ResponseMetadata")
    assert (metadata["HTTPStatusCode"], metadata["RequestId"]) == (case["expected"]["status"], REQUEST_ID)
    if reply.status == 200:
        assert list(strangers(model.operation_model(operation).output_shape, json.loads(reply.body))) == []
        assert seen == json.loads(reply.body)
    else:
        assert seen["Error"]["Code"] == case["expected"]["body"]["__type"]
        assert seen["Error"]["Message"] == case["expected"]["body"]["Message"]


def test_the_model_check_finds_strangers() -> None:
    shape = service_model().operation_model("DetectLabels").output_shape
    labels = {"Labels": [{"Name": 1, "Instances": {}, "Confidence": True, "Score": 1}], "OrientationCorrection": "SIDEWAYS"}
    assert len(list(strangers(shape, labels))) == 5


def test_every_gridded_operation_has_an_empty_and_a_full_case() -> None:
    """An operation without a case file would be written unseen."""
    found = {load(path)["request"].get("operation", "detect") for path in CASES}
    assert found == {
        *("detect", "classify", "moderate"),
        "DetectLabels",
        "DetectFaces",
        "RecognizeCelebrities",
        "DetectCustomLabels",
        "DetectProtectiveEquipment",
        "DetectModerationLabels",
    }
