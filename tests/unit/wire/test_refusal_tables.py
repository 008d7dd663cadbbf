"""Kinds x dialects: every failure leaves as the dialect's own error shape, so a new kind cannot be forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from app.core.model import Failure, Outcome, RawRequest
from app.errors import Fault, Kind, Problem
from app.wire.azure import AzureDialect, azure_dialects
from app.wire.contract import Call, Dialect, RawReply
from app.wire.google import GoogleDialect
from app.wire.native import NativeDialect, ProblemReply
from app.wire.rekognition import RekognitionDialect
from tests.support.wire import PICTURE, aws_request, azure_request, native_request, old_azure_request


def _native_shape(reply: RawReply) -> str:
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = ProblemReply.model_validate_json(reply.body, strict=True)
    assert body.status == reply.status
    assert body.request_id == "request-1"
    return body.detail


def _aws_shape(reply: RawReply) -> str:
    assert reply.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert reply.headers["x-amzn-RequestId"] == "request-1"
    body = json.loads(reply.body)
    assert set(body) == {"__type", "Code", "Logref", "Message"}
    assert body["__type"] == body["Code"]
    message: str = body["Message"]
    return message


def _google_shape(reply: RawReply) -> str:
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    body = json.loads(reply.body)
    assert set(body["error"]) - {"details"} == {"code", "message", "status"}
    assert all(detail["@type"].startswith("type.googleapis.com/google.rpc.") for detail in body["error"].get("details", ()))
    assert body["error"]["code"] == reply.status
    message: str = body["error"]["message"]
    return message


def _azure_shape(reply: RawReply) -> str:
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["apim-request-id"] == "request-1"
    error = json.loads(reply.body)["error"]
    assert set(error) <= {"code", "message", "innererror"}
    assert error["code"]
    assert set(error.get("innererror", {})) <= {"code", "message"}
    message: str = error["message"]
    return message


AZURE = azure_dialects()
SHAPES: list[tuple[Dialect, Callable[[RawReply], str]]] = [
    (NativeDialect(), _native_shape),
    (RekognitionDialect(), _aws_shape),
    (AZURE.analysis, _azure_shape),
    (AZURE.vision, _azure_shape),
    (GoogleDialect(), _google_shape),
]
SINGLE = [dialect for dialect, _ in SHAPES if not isinstance(dialect, GoogleDialect)]


def _request(dialect: Dialect) -> RawRequest:
    if isinstance(dialect, AzureDialect):
        return azure_request() if dialect.version == "4.0" else old_azure_request()
    return native_request() if dialect.name == "native" else aws_request("DetectLabels")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("dialect", "shape"), SHAPES, ids=lambda value: getattr(value, "name", ""))
def test_every_kind_has_its_shape(dialect: Dialect, shape: Callable[[RawReply], str], kind: Kind) -> None:
    """A caller's fault is never a 5xx, everything else is an error at least; the detail is told, and the id."""
    reply = dialect.refuse(Problem(kind, "something about x"), "request-1")
    assert "omething about x" in shape(reply)
    assert 400 <= reply.status < (500 if kind.fault is Fault.CALLER else 600)
    assert reply.headers["X-Request-Id"] == "request-1"
    assert reply.filtered == 0


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("dialect", SINGLE, ids=lambda dialect: dialect.name)
def test_a_failed_outcome_is_refused_like_the_problem_it_was(dialect: Dialect, kind: Kind) -> None:
    """And its reply carries the bill."""
    call = dialect.read(_request(dialect))
    assert isinstance(call, Call)
    written = dialect.write(call, PICTURE, [Outcome("job-1", Failure(kind, "why", retry_after_s=2.5))], "request-1")
    refused = dialect.refuse(Problem(kind, "why", retry_after_s=2.5), "request-1")
    assert (written.status, written.body) == (refused.status, refused.body)
    assert written.headers.items() >= refused.headers.items()
    assert "X-Tessera-Inferences" in written.headers


# What makes a client's SDK wait and come again; a test over kinds and dialects, so that no budget leaves anybody hanging.
AGAIN = ("Retry-After", "x-amz-retry-after")
TOLD = {"native": "Retry-After", "azure": "Retry-After", "rekognition": "x-amz-retry-after", "google": ""}


@pytest.mark.parametrize(("dialect", "shape"), SHAPES, ids=lambda value: getattr(value, "name", ""))
def test_only_the_rate_says_when_to_come_again(dialect: Dialect, shape: Callable[[RawReply], str]) -> None:
    """A month is long, and HTTP libraries wait for as long as they are told."""
    fast = dialect.refuse(Problem(Kind.RATE_LIMITED, "too fast", retry_after_s=2.25), "request-1")
    spent = dialect.refuse(Problem(Kind.BUDGET_SPENT, "spent", retry_after_s=1e6), "request-1")
    waits = {name: fast.headers[name] for name in AGAIN if name in fast.headers}
    told = {"Retry-After": "3", "x-amz-retry-after": "2250"}
    assert waits == {name: told[name] for name in AGAIN if name == TOLD[dialect.name]}
    assert (b'"retryDelay":"2.250s"' in fast.body) is (dialect.name == "google")
    assert not set(AGAIN) & set(spent.headers)
    assert b"retryDelay" not in spent.body
    assert shape(fast) != shape(spent)


@pytest.mark.parametrize("dialect", SINGLE, ids=lambda dialect: dialect.name)
def test_a_wrong_number_of_outcomes_is_our_own_failure(dialect: Dialect) -> None:
    """Counts are compared at every edge: an answer is never matched by position to something else."""
    call = dialect.read(_request(dialect))
    assert isinstance(call, Call)
    with pytest.raises(Problem) as caught:
        dialect.write(call, PICTURE, [], "request-1")
    assert caught.value.kind is Kind.INTERNAL
