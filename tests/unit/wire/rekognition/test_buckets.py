"""A request that is handed on names only buckets that the operator allows, wherever it names them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import botocore.session
import pytest

from app.core.buckets import AllowedBuckets
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.rekognition.buckets import BUCKET_MEMBERS, require_allowed_buckets

OURS = AllowedBuckets(("ours", "shared-*"))


def checked(body: bytes | dict[str, Any], buckets: AllowedBuckets = OURS, encoding: str = "identity") -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    require_allowed_buckets(RawRequest("POST", "/", "", {"content-encoding": encoding}, raw), buckets)


def stored(bucket: Any) -> dict[str, Any]:
    return {"S3Object": {"Bucket": bucket, "Name": "x.jpg"}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Image": {"Bytes": "aGVsbG8="}},
        {"Image": stored("ours")},
        {"SourceImage": stored("ours"), "TargetImage": stored("shared-2026")},
        {"Video": stored(None)},
        {"Bucketful": "theirs", "Name": "Bucket"},
        b"",
    ],
)
def test_allowed_buckets_and_none_pass(body: bytes | dict[str, Any]) -> None:
    checked(body)


@pytest.mark.parametrize(
    "body",
    [
        {"Image": stored("theirs")},
        {"SourceImage": stored("ours"), "TargetImage": stored("theirs")},
        {"Video": stored("theirs")},
        {"OutputConfig": {"S3Bucket": "theirs", "S3KeyPrefix": "x"}},
        {"Output": {"S3Destination": {"Bucket": "theirs"}}},
        {"Assets": [{"GroundTruthManifest": stored("ours")}, {"GroundTruthManifest": stored("theirs")}]},
        {"Image": stored("arn:aws:s3:us-east-1:1:accesspoint/ours")},
        {"Image": stored(["ours"])},
        {"Image": {"S3Object": {"bucket": "theirs"}}},
        b'{"Image": {"S3Object": {"Bucket": "theirs", "Bucket": "ours"}}}',
        b'{"Image": {"S3Object": {"Bucket": "ours", "Bucket": "theirs"}}}',
        b'{"Image": {"S3Object": {"\\u0042ucket": "theirs"}}}',
    ],
)
def test_any_other_bucket_is_forbidden(body: bytes | dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        checked(body)
    assert raised.value.kind is Kind.FORBIDDEN


def test_without_a_list_no_bucket_may_be_named_and_everything_else_may() -> None:
    checked({"CollectionId": "people"}, AllowedBuckets())
    with pytest.raises(Problem):
        checked({"Image": stored("ours")}, AllowedBuckets())


def test_an_operator_may_allow_all_that_their_credentials_reach() -> None:
    checked({"Image": stored("anybodys")}, AllowedBuckets(("*",)))


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff\xfe", b'{"a": NaN}', b'{"Bucket":' * 1000 + b"1" + b"}" * 1000, b'{"Bucket": ' + b"9" * 5000 + b"}"],
    ids=["broken", "a list", "no text", "no number", "deep", "thousands of digits"],
)
def test_what_cannot_be_read_is_not_signed(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        checked(body)
    assert raised.value.kind is Kind.MALFORMED_REQUEST


def test_nobody_hides_a_bucket_by_compressing_the_body() -> None:
    body = gzip.compress(json.dumps({"Image": stored("theirs")}).encode())
    with pytest.raises(Problem) as raised:
        checked(body, encoding="gzip")
    assert raised.value.kind is Kind.MALFORMED_REQUEST


def test_every_member_of_the_service_model_that_names_a_bucket_is_known() -> None:
    model: Any = botocore.session.get_session().get_service_model("rekognition")
    shapes = [model.shape_for(name) for name in model.shape_names]
    members = {
        (name, shape.name)
        for structure in shapes
        if structure.type_name == "structure"
        for name, shape in structure.members.items()
        if "bucket" in name.lower() or "bucket" in shape.name.lower()
    }
    assert {name.lower() for name, _ in members} == BUCKET_MEMBERS
