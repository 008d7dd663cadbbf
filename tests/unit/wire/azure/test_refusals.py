"""Errors in Azure's envelopes: its own words first, Retry-After only where it helps, nobody's secrets."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from app.errors import Fault, Kind, Problem, VendorError
from app.wire.azure.refusals import KINDS, REASONS_32, REASONS_40, Reason, Refused, refuse
from app.wire.contract import RawReply

APIS = pytest.mark.parametrize("reasons", [REASONS_40, REASONS_32], ids=["4.0", "3.2"])


def error_of(reply: RawReply) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(reply.body)["error"]
    return error


@APIS
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_and_is_the_callers(reasons: Any, reason: Reason) -> None:
    reply = refuse(Refused(reason, "this"), "r", reasons)
    assert 400 <= reply.status < 500
    assert "{}" not in reply.body.decode()
    assert "Retry-After" not in reply.headers
    assert reason.kind.fault is Fault.CALLER


@pytest.mark.parametrize("kind", Kind)
def test_retry_after_stands_only_where_coming_again_helps(kind: Kind) -> None:
    """azure-core sends everything with it again. Timeouts and failures of ours are sent again by status alone, and so is a
    spent budget, in vain: that is throttling in the vendor's words.
    """
    reply = refuse(Problem(kind, "x", retry_after_s=2.2), "r", REASONS_40)
    is_spent = kind is Kind.BUDGET_SPENT
    slow_down = reply.status in {429, 503} and not is_spent
    assert reply.headers.get("Retry-After") == ("3" if slow_down else None)
    assert slow_down <= kind.retryable
    assert (reply.status in {429, 500, 503, 504}) == (kind.retryable or is_spent)
    assert KINDS[kind].again is slow_down


@pytest.mark.parametrize(("known_s", "said"), [(None, "1"), (math.inf, "1"), (0.0, "0"), (-1.0, "0"), (1.01, "2")])
def test_retry_after_in_whole_seconds(known_s: float | None, said: str) -> None:
    problem = Problem(Kind.THROTTLED, "x", retry_after_s=known_s)
    assert refuse(problem, "r", REASONS_40).headers["Retry-After"] == said


def test_the_vendors_own_words() -> None:
    """Recorded texts of the service, as a client that compares them expects."""
    size = "The image size is not allowed to be zero or larger than 20971520 bytes."
    assert error_of(refuse(Refused(Reason.IMAGE_BYTES), "r", REASONS_40)) == {"code": "InvalidRequest", "message": size}
    sides = "The image dimension is not allowed to be smaller than 50 and larger than 16000."
    assert error_of(refuse(Refused(Reason.IMAGE_SIDES, "49x49"), "r", REASONS_40)) == {
        "code": "InvalidRequest",
        "message": sides,
        "innererror": {"code": "InvalidImageSize", "message": sides},
    }
    denied = error_of(refuse(Problem(Kind.UNAUTHENTICATED, ""), "r", REASONS_40))
    assert denied["code"] == "401"
    assert denied["message"].startswith("Access denied due to invalid subscription key or wrong API endpoint.")


def test_details_stand_where_there_is_room_for_them() -> None:
    inner = error_of(refuse(Refused(Reason.ARGUMENT, "'x' is odd"), "r", REASONS_40))["innererror"]
    assert inner == {"code": "BadArgument", "message": "'x' is odd"}
    told = error_of(refuse(Problem(Kind.INVALID_IMAGE, "the image is gif"), "r", REASONS_32))
    assert told["message"] == "Image format is not valid. The image is gif."


OWN = '{"error":{"code":"InvalidRequest","message":"m","innererror":{"code":"InvalidImageFormat","message":"n"}}}'


@pytest.mark.parametrize(
    ("vendor", "status", "body"),
    [
        (VendorError("azure", 400, "InvalidRequest", "m", OWN), 400, OWN),
        (VendorError("azure", 502, "", "bad gateway", "<html>"), 502, '{"error":{"code":"502","message":"bad gateway"}}'),
        (VendorError("azure", 400, "A", "m", '{"error":7}'), 400, '{"error":{"code":"A","message":"m"}}'),
    ],
)
def test_azures_own_error_is_handed_on(vendor: VendorError, status: int, body: str) -> None:
    reply = refuse(Problem(Kind.IMAGE_REFUSED, "x", vendor=vendor), "r", REASONS_40)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("status", [401, 403])
def test_the_operators_own_account_is_nobodys_business(status: int) -> None:
    vendor = VendorError("azure", status, "PermissionDenied", "resource /subscriptions/1234", OWN)
    reply = refuse(Problem(Kind.REQUEST_REFUSED, "x", vendor=vendor), "r", REASONS_40)
    assert reply.status == status
    assert b"1234" not in reply.body
    assert error_of(reply)["code"] == "PermissionDenied"


@pytest.mark.parametrize(
    "vendor", [VendorError("rekognition", 400, "A", "secret words"), VendorError("azure", 200, "A", "secret words")]
)
def test_other_vendors_errors_are_told_in_our_words(vendor: VendorError) -> None:
    reply = refuse(Problem(Kind.THROTTLED, "slow", vendor=vendor), "r", REASONS_40)
    assert (reply.status, error_of(reply)["code"]) == (429, "429")
    assert b"secret" not in reply.body


def test_a_throttling_azure_says_when_to_come_again() -> None:
    vendor = VendorError("azure", 429, "429", "Too many requests", "")
    reply = refuse(Problem(Kind.THROTTLED, "slow", vendor=vendor, retry_after_s=7), "r", REASONS_40)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
