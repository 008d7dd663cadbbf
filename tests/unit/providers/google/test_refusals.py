"""Google's errors as problems: by code, and by reason where that says more."""

from __future__ import annotations

import json

import grpc
import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from app.errors import Kind, Problem
from app.providers.google.refusals import ROWS, call_refusal, image_refusal


def refused(code: int, message: str = "no", *details: Message) -> Problem:
    """The problem of one image."""
    status = Status(code=code, message=message)
    for each in details:
        status.details.add().Pack(each)
    return image_refusal(status)


def test_every_code_of_google_has_a_row_and_its_own_name() -> None:
    assert {number: row.name for number, row in ROWS.items()} == {
        number: name for name, number in code_pb2.Code.items() if number
    }


@pytest.mark.parametrize("number", list(ROWS))
def test_calls_and_images_are_refused_alike(number: int) -> None:
    code = next(code for code in grpc.StatusCode if code.value[0] == number)
    whole = call_refusal(exceptions.from_grpc_status(code, "no"))  # type: ignore[no-untyped-call]  # it has no types
    single = refused(number)
    assert (whole.kind, whole.vendor) == (single.kind, single.vendor)
    assert single.vendor is not None
    assert (single.vendor.vendor, single.vendor.code, single.vendor.message) == ("google", ROWS[number].name, "no")
    assert json.loads(single.vendor.body) == {
        "error": {"code": ROWS[number].status, "message": "no", "status": ROWS[number].name}
    }


def test_a_code_that_nobody_knows_is_unknown() -> None:
    assert refused(99).kind is Kind.PROVIDER_UNAVAILABLE
    nameless = exceptions.GoogleAPICallError("?")  # type: ignore[no-untyped-call]  # it has no types
    assert call_refusal(nameless).kind is Kind.PROVIDER_UNAVAILABLE


def test_details_are_kept_as_the_rest_api_writes_them() -> None:
    problem = refused(3, "no", ErrorInfo(reason="R", domain="googleapis.com"))
    assert problem.vendor is not None
    (detail,) = json.loads(problem.vendor.body)["error"]["details"]
    assert detail == {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "R", "domain": "googleapis.com"}


@pytest.mark.parametrize("reason", ["API_KEY_INVALID", "API_KEY_EXPIRED"])
def test_a_wrong_key_is_not_the_images_fault(reason: str) -> None:
    """A sheet would be halved for it, again and again."""
    assert refused(3, "no", ErrorInfo(reason=reason)).kind is Kind.PROVIDER_DENIED
    assert refused(3, "no", ErrorInfo(reason="OTHER")).kind is Kind.IMAGE_REFUSED


@pytest.mark.parametrize(
    ("delay", "pause_s"),
    [
        (Duration(), 0.0),
        (Duration(seconds=2, nanos=5 * 10**8), 2.5),
        (Duration(seconds=-5), 0.0),
        (Duration(seconds=10**9), 3600),
    ],
)
def test_a_pause_is_taken_at_its_word_within_reason(delay: Duration, pause_s: float) -> None:
    assert refused(8, "slow", RetryInfo(retry_delay=delay)).retry_after_s == pause_s


def test_details_of_other_kinds_and_broken_ones_harm_nothing() -> None:
    status = Status(code=8, message="slow")
    status.details.add().Pack(BadRequest())
    status.details.add(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\xff\xff")
    problem = image_refusal(status)
    assert (problem.kind, problem.retry_after_s) == (Kind.THROTTLED, None)


def test_the_operators_account_is_not_told_in_the_detail() -> None:
    problem = refused(7, "project 123 has no billing")
    assert "123" not in problem.detail


def test_a_message_without_end_is_cut() -> None:
    problem = refused(3, "x" * 10_000)
    assert problem.vendor is not None
    assert len(problem.vendor.message) == 2000
