"""The vendor's own words are handed on, ours take the vendor's shape."""

from __future__ import annotations

import json

import pytest
from google.rpc import code_pb2, status_pb2

from app.errors import Kind, Problem, VendorError
from app.wire.google.refusals import ROWS, packed_status, refusal_of_rest, refuse, status_of
from app.wire.google.statuses import HTTP_STATUS, Code


def test_the_codes_are_googles() -> None:
    assert {code.name: code.value for code in Code} == {name: number for name, number in code_pb2.Code.items() if number}
    assert set(HTTP_STATUS) == set(Code)
    assert set(ROWS) == set(Kind)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "3", ""])
def test_the_vendors_own_status_is_handed_on(code: str) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BAD"}]
    body = json.dumps({"error": {"code": 400, "message": "Bad image data.", "status": "INVALID_ARGUMENT", "details": details}})
    vendor = VendorError("google", 400, code, "Bad image data.", body)
    reply = refuse(Problem(Kind.IMAGE_REFUSED, "no", vendor=vendor), "request-1")
    assert reply.status == 400
    assert json.loads(reply.body) == json.loads(body)


@pytest.mark.parametrize("vendor", [VendorError("azure", 400, "BadArgument", "x"), VendorError("google", 200, "what", "x")])
def test_other_words_are_not(vendor: VendorError) -> None:
    assert status_of(Problem(Kind.THROTTLED, "", vendor=vendor)).code is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.REQUEST_REFUSED),
        (403, Kind.REQUEST_REFUSED),
        (429, Kind.THROTTLED),
        (500, Kind.PROVIDER_UNAVAILABLE),
        (504, Kind.PROVIDER_TIMEOUT),
    ],
)
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"error": 5}', b'{"error": {"status": 5, "message": 6}}'])
def test_a_refused_rest_has_its_kind_whatever_its_body(status: int, kind: Kind, body: bytes) -> None:
    problem = refusal_of_rest(status, body)
    assert problem.kind is kind
    assert 400 <= refuse(problem, "request-1").status < 600


@pytest.mark.parametrize(
    ("detail", "is_carried"),
    [
        ({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "X"}, True),
        ({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "X", "new": 1}, True),
        ({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}, True),
        ({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": {"a": 1}}, False),
        ({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": []}, False),
        ({"@type": "type.googleapis.com/google.rpc.Unheard"}, False),
        ({"@type": "type.googleapis.com/google.protobuf.Struct", "value": {}}, False),
        ({"@type": 5}, False),
        ({}, False),
        ("text", False),
    ],
)
def test_details_that_grpc_can_carry(detail: object, is_carried: bool) -> None:
    error = {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [detail]}
    packed = packed_status(json.dumps({"error": error}).encode())
    assert (packed is not None) == is_carried
    if packed is not None:
        status = status_pb2.Status.FromString(packed)
        assert (status.code, status.message, len(status.details)) == (3, "m", 1)


@pytest.mark.parametrize("details", [None, [], {}, "text"])
def test_without_details_there_is_nothing_to_carry(details: object) -> None:
    error = {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": details}
    assert packed_status(json.dumps({"error": error}).encode()) is None
