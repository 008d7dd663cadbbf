"""Operation, tenant and image of a raw request; every way in which they can be wrong is a caller's fault."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clients import Tenant
from app.core.model import RawRequest
from app.errors import Fault, Kind, Problem
from app.wire.contract import Call, InlineImage, Passthrough, StoredImage
from app.wire.rekognition import RekognitionDialect
from tests.support.wire import AUTHORIZATION, PIXELS, aws_body, aws_request

DIALECT = RekognitionDialect()
GRIDDED = ["DetectLabels", "DetectFaces", "DetectProtectiveEquipment", "RecognizeCelebrities", "DetectCustomLabels"]
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/p.2024/1700000000000"


def call_of(raw: RawRequest) -> Call:
    call = DIALECT.read(raw)
    assert isinstance(call, Call)
    return call


def refusal(raw: RawRequest) -> Problem:
    with pytest.raises(Problem) as caught:
        DIALECT.read(raw)
    return caught.value


def members(operation: str) -> dict[str, Any]:
    return {"ProjectVersionArn": ARN} if operation == "DetectCustomLabels" else {}


@pytest.mark.parametrize("operation", GRIDDED)
def test_gridded_operations_become_calls(operation: str) -> None:
    call = call_of(aws_request(operation, members(operation)))
    assert (call.endpoint, call.operation, call.tenant, len(call.inquiries)) == (
        "rekognition",
        operation,
        Tenant("AKIDEXAMPLE"),
        1,
    )
    assert call.source == InlineImage(PIXELS)
    assert call.formats == {"jpeg", "png", "webp"}
    assert call.inquiries[0].own_vendor == "rekognition"


@pytest.mark.parametrize(
    ("operation", "billed"),
    [
        ("SearchFacesByImage", True),
        ("IndexFaces", True),
        ("CompareFaces", True),
        ("ListCollections", False),
        ("FutureOperation2", False),
    ],
)
def test_other_operations_are_passed_through(operation: str, billed: bool) -> None:
    """Also those that are younger than this code, and members that we would not understand."""
    assert DIALECT.read(aws_body(operation, b'{"Novelty": [{}]}')) == Passthrough(
        "rekognition", operation, Tenant("AKIDEXAMPLE"), "rekognition", (frozenset({operation}),) if billed else ()
    )


@pytest.mark.parametrize(
    "target",
    [
        "",
        "DetectLabels",
        "RekognitionService.",
        "RekognitionService.detectLabels",
        "RekognitionService.Detect Labels",
        "RekognitionService.DetectLabels.x",
        "rekognitionservice.DetectLabels",
        "DynamoDB_20120810.GetItem",
        f"RekognitionService.{'A' * 200}",
    ],
)
def test_targets_of_no_operation_are_unknown(target: str) -> None:
    assert refusal(aws_request("DetectLabels", x_amz_target=target)).kind is Kind.UNKNOWN_OPERATION


def test_a_missing_target_and_another_method_are_unknown() -> None:
    assert refusal(RawRequest("POST", "/", "", {}, b"{}")).kind is Kind.UNKNOWN_OPERATION
    assert refusal(replace(aws_request("DetectLabels"), method="GET")).kind is Kind.UNKNOWN_OPERATION


def test_any_base_path_will_do() -> None:
    assert call_of(replace(aws_request("DetectLabels"), path="/aws")).operation == "DetectLabels"


@pytest.mark.parametrize(
    ("headers", "query", "tenant"),
    [
        ({"authorization": AUTHORIZATION}, "", "AKIDEXAMPLE"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=FAKE-ACCESS-KEY-ID/20261123/us-east-1/x/y"}, "", "FAKE-ACCESS-KEY-ID"),
        ({"x-amz-credential": "AKIDHEADER/20261123/us-east-1/rekognition/aws4_request"}, "", "AKIDHEADER"),
        ({}, "X-Amz-Credential=AKIDQUERY%2F20261123%2Fus-east-1%2Frekognition%2Faws4_request", "AKIDQUERY"),
        ({}, "X-Amz-Credential=" + "&a=b" * 100, "anonymous"),
        ({}, "", "anonymous"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "", "anonymous"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=no slash"}, "", "anonymous"),
        ({"authorization": f"AWS4-HMAC-SHA256 Credential={'A' * 200}/x"}, "", "anonymous"),
    ],
)
def test_the_tenant_is_the_access_key_id(headers: dict[str, str], query: str, tenant: str) -> None:
    raw = aws_request("DetectLabels")
    own = {name: value for name, value in raw.headers.items() if name != "authorization"}
    assert call_of(replace(raw, headers=own | headers, query=query)).tenant == Tenant(tenant)


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b'"x"', b"null", b"{", b"\xff{}", b'{"Image": NaN}', b"[" * 5000, b'{"MinConfidence": 1e999}']
)
def test_what_is_no_json_object_cannot_be_read(body: bytes) -> None:
    assert refusal(aws_body("DetectLabels", body)).kind is Kind.MALFORMED_REQUEST


def test_nesting_that_can_be_read_but_not_written_cannot_be_read() -> None:
    image = json.dumps({"Bytes": b64encode(PIXELS).decode()}).encode()
    body = b'{"Image": %b, "Unknown": %b%b}' % (image, b"[" * 500, b"]" * 500)
    assert refusal(aws_body("DetectLabels", body)).kind is Kind.MALFORMED_REQUEST


def test_a_body_beyond_all_limits_is_not_parsed() -> None:
    assert refusal(aws_body("DetectLabels", b"{" + b" " * (16 * 1024 * 1024))).kind is Kind.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (None, Kind.MISSING_IMAGE),
        ({}, Kind.MISSING_IMAGE),
        ({"Bytes": None}, Kind.MISSING_IMAGE),
        ({"Bytes": ""}, Kind.MISSING_IMAGE),
        ("x", Kind.MALFORMED_REQUEST),
        ({"Bytes": 5}, Kind.MALFORMED_REQUEST),
        ({"Bytes": ["AAAA"]}, Kind.MALFORMED_REQUEST),
        ({"Bytes": "AAA"}, Kind.MALFORMED_REQUEST),
        ({"Bytes": "AA-_"}, Kind.MALFORMED_REQUEST),
        ({"Bytes": "AAAA\nAAAA"}, Kind.MALFORMED_REQUEST),
        ({"Bytes": "\u00e9\u00e9\u00e9\u00e9"}, Kind.MALFORMED_REQUEST),
        ({"Bytes": "AAAA", "S3Object": {"Bucket": "bucket", "Name": "x"}}, Kind.INVALID_PARAMETER),
        ({"S3Object": "bucket/x"}, Kind.MALFORMED_REQUEST),
        ({"S3Object": {}}, Kind.INVALID_PARAMETER),
        ({"S3Object": {"Bucket": "bucket"}}, Kind.INVALID_PARAMETER),
        ({"S3Object": {"Name": "x"}}, Kind.INVALID_PARAMETER),
        ({"S3Object": {"Bucket": 5, "Name": "x"}}, Kind.MALFORMED_REQUEST),
        ({"S3Object": {"Bucket": "../x", "Name": "x"}}, Kind.INVALID_PARAMETER),
        ({"S3Object": {"Bucket": "bucket", "Name": ""}}, Kind.INVALID_PARAMETER),
        ({"S3Object": {"Bucket": "bucket", "Name": "x" * 1025}}, Kind.INVALID_PARAMETER),
    ],
)
def test_images_that_are_none(image: object, kind: Kind) -> None:
    assert refusal(aws_request("DetectLabels", {"Image": image})).kind is kind


def test_an_image_that_was_encoded_twice_is_text_inside() -> None:
    """As with AWS, that is for the image's own inspection to find: an invalid format, not a broken request."""
    twice = b64encode(b64encode(PIXELS)).decode()
    assert call_of(aws_request("DetectLabels", {"Image": {"Bytes": twice}})).source == InlineImage(b64encode(PIXELS))


@pytest.mark.parametrize(
    ("operation", "limit_bytes"),
    [
        ("DetectLabels", 5_242_880),
        ("DetectFaces", 5_242_880),
        ("RecognizeCelebrities", 5_242_880),
        ("DetectProtectiveEquipment", 4_194_304),
        ("DetectCustomLabels", 4_194_304),
    ],
)
def test_the_size_limit_is_exact(operation: str, limit_bytes: int) -> None:
    def sent(size_bytes: int) -> RawRequest:
        return aws_request(operation, members(operation) | {"Image": {"Bytes": b64encode(bytes(size_bytes)).decode()}})

    call = call_of(sent(limit_bytes))
    assert isinstance(call.source, InlineImage)
    assert (len(call.source.data), call.max_image_bytes) == (limit_bytes, limit_bytes)
    for too_much_bytes in (limit_bytes + 1, limit_bytes + 2, limit_bytes + 3, limit_bytes + 1000):
        assert refusal(sent(too_much_bytes)).kind is Kind.IMAGE_TOO_LARGE


@pytest.mark.parametrize("version", [None, "v1"])
def test_stored_images_are_only_named(version: str | None) -> None:
    """Their limit is the larger one of stored objects."""
    named = {"Bucket": "my-bucket", "Name": "a/b \u00e9.jpg", "Version": version}
    call = call_of(aws_request("DetectFaces", {"Image": {"Bytes": None, "S3Object": named}}))
    assert call.source == StoredImage("my-bucket", "a/b \u00e9.jpg", version)
    assert call.max_image_bytes == 15 * 1024 * 1024


def test_own_words_are_the_request_without_its_image() -> None:
    """Members that we do not know included: the vendor may know them."""
    asked = {"MaxLabels": 3, "FutureSetting": {"A": [1.5, None, "\u00e9"]}}
    assert json.loads(call_of(aws_request("DetectLabels", asked)).inquiries[0].own_request) == asked


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "MinConfidence",
        "MaxLabels",
        "Features",
        "Settings",
        "Attributes",
        "SummarizationAttributes",
        "ProjectVersionArn",
        "MaxResults",
    ]
)


@given(st.sampled_from(GRIDDED), st.dictionaries(NAMES, JSON_VALUES, max_size=4), JSON_VALUES | st.just({"Bytes": "AAAA"}))
def test_no_json_breaks_it(operation: str, asked: dict[str, Any], image: object) -> None:
    """Bad input is a caller's fault, whatever it is."""
    fault = None
    try:
        DIALECT.read(aws_body(operation, json.dumps(asked | {"Image": image}).encode("utf-8", "surrogatepass")))
    except Problem as problem:
        fault = problem.kind.fault
    assert fault in {None, Fault.CALLER}
