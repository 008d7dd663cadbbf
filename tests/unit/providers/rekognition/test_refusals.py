"""Error answers: the vendor's name for the error decides, then the status; the vendor's own words are kept."""

from __future__ import annotations

import json

import botocore.session
import pytest

from app.errors import Fault, Kind
from app.providers.rekognition.operations import OPERATIONS
from app.providers.rekognition.refusals import refusal


def error_body(code: str, message: str = "m") -> bytes:
    return json.dumps({"__type": code, "Code": code, "Message": message}).encode()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidImageFormatException", Kind.IMAGE_REFUSED),
        (400, "ImageTooLargeException", Kind.IMAGE_REFUSED),
        (400, "InvalidParameterException", Kind.IMAGE_REFUSED),
        (400, "AccessDeniedException", Kind.PROVIDER_DENIED),
        (400, "UnrecognizedClientException", Kind.PROVIDER_DENIED),
        (400, "ExpiredTokenException", Kind.PROVIDER_DENIED),
        (400, "ResourceNotFoundException", Kind.REQUEST_REFUSED),
        (400, "LimitExceededException", Kind.REQUEST_REFUSED),
        (400, "ThrottlingException", Kind.THROTTLED),
        (500, "ThrottlingException", Kind.THROTTLED),
        (400, "ProvisionedThroughputExceededException", Kind.THROTTLED),
        (400, "com.amazonaws.rekognition#ThrottlingException", Kind.THROTTLED),
        (400, "com.amazonaws.rekognition#ThrottlingException:http://internal/", Kind.THROTTLED),
        (500, "InternalServerError", Kind.PROVIDER_UNAVAILABLE),
        (503, "ServiceUnavailable", Kind.PROVIDER_UNAVAILABLE),
        (400, "SomethingNew", Kind.REQUEST_REFUSED),
    ],
)
def test_the_code_decides_then_the_status(status: int, code: str, kind: Kind) -> None:
    problem = refusal(status, {}, error_body(code))
    assert problem.kind is kind
    assert problem.vendor is not None
    assert (problem.vendor.vendor, problem.vendor.status, problem.vendor.message) == ("rekognition", status, "m")
    assert problem.vendor.code == code.split("#")[-1].split(":")[0]
    assert problem.vendor.body == error_body(code).decode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Kind.REQUEST_REFUSED),
        (403, Kind.REQUEST_REFUSED),
        (404, Kind.REQUEST_REFUSED),
        (408, Kind.PROVIDER_UNAVAILABLE),
        (413, Kind.IMAGE_REFUSED),
        (429, Kind.THROTTLED),
        (500, Kind.PROVIDER_UNAVAILABLE),
        (502, Kind.PROVIDER_UNAVAILABLE),
        (599, Kind.PROVIDER_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>gateway</html>", b"[]", b'{"__type": 7, "Message": {}}', b"\xff"])
def test_without_a_code_the_status_decides(status: int, body: bytes, kind: Kind) -> None:
    problem = refusal(status, {}, body)
    assert problem.kind is kind
    assert problem.vendor is not None
    assert (problem.vendor.code, problem.vendor.message) == ("", "")
    assert problem.vendor.body == body.decode(errors="replace")


def test_a_code_only_in_the_header_counts_and_the_body_wins() -> None:
    headers = {"x-amzn-errortype": "ThrottlingException"}
    assert refusal(400, headers, b"").kind is Kind.THROTTLED
    assert refusal(400, headers, error_body("AccessDeniedException")).kind is Kind.PROVIDER_DENIED


@pytest.mark.parametrize(
    ("header", "retry_after_s"),
    [
        ("1500", 1.5),
        (" 0 ", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("٣", None),
        ("9" * 500, 3600.0),
    ],
)
def test_the_vendors_pause_is_read_in_milliseconds(header: str, retry_after_s: float | None) -> None:
    assert refusal(400, {"x-amz-retry-after": header}, error_body("ThrottlingException")).retry_after_s == retry_after_s


def test_plain_retry_after_is_ignored_as_the_sdks_do() -> None:
    assert refusal(429, {"retry-after": "3"}, b"").retry_after_s is None


def test_an_endless_error_page_is_kept_short() -> None:
    problem = refusal(502, {}, json.dumps({"Message": "m" * 1_000_000}).encode())
    assert problem.vendor is not None
    assert len(problem.vendor.body) == 65_536
    assert len(problem.detail) < 2_100


def test_every_error_of_the_service_model_is_the_providers_fault() -> None:
    model = botocore.session.get_session().get_service_model("rekognition")
    shapes = {shape for row in OPERATIONS.values() for shape in model.operation_model(row.name).error_shapes}
    assert shapes
    for shape in shapes:
        assert refusal(400, {}, error_body(shape.name)).kind.fault is Fault.PROVIDER
