"""Error answers: status and inner code decide; the vendor's own words are kept."""

from __future__ import annotations

import pytest

from app.errors import Kind
from app.providers.azure.refusals import refusal
from tests.support.azure_answers import azure_error

SIZE = "The image size is not allowed to be zero or larger than 20971520 bytes."
SIDES = "The image dimension is not allowed to be smaller than 50 and larger than 16000."


@pytest.mark.parametrize(
    ("status", "code", "inner", "message", "kind"),
    [
        (400, "InvalidRequest", "", SIZE, Kind.IMAGE_REFUSED),
        (400, "InvalidRequest", "InvalidImageSize", SIDES, Kind.IMAGE_REFUSED),
        (400, "InvalidRequest", "InvalidImageFormat", "Image format is not valid.", Kind.IMAGE_REFUSED),
        (400, "InvalidImageFormat", "", "m", Kind.IMAGE_REFUSED),
        (400, "InvalidRequest", "NotSupportedImage", "m", Kind.IMAGE_REFUSED),
        (400, "InvalidRequest", "NotSupportedVisualFeature", "m", Kind.REQUEST_REFUSED),
        (400, "InvalidRequest", "NotSupportedLanguage", "The image format is fine", Kind.REQUEST_REFUSED),
        (400, "InvalidRequest", "", "The feature 'Caption' is not supported in this region", Kind.REQUEST_REFUSED),
        (400, "InvalidRequest", "", "The provided image content type 'x' is not supported.", Kind.REQUEST_REFUSED),
        (400, "BadArgument", "", SIZE, Kind.REQUEST_REFUSED),
        (401, "401", "", "Access denied", Kind.PROVIDER_DENIED),
        (403, "403", "", "Out of call volume quota.", Kind.PROVIDER_DENIED),
        (404, "404", "", "Resource not found", Kind.REQUEST_REFUSED),
        (429, "429", "", "Too many requests", Kind.THROTTLED),
        (500, "InternalServerError", "", "m", Kind.PROVIDER_UNAVAILABLE),
        (500, "InvalidRequest", "InvalidImageFormat", "m", Kind.PROVIDER_UNAVAILABLE),
        (503, "Timeout", "", "m", Kind.PROVIDER_UNAVAILABLE),
    ],
)
def test_status_and_inner_code_decide(status: int, code: str, inner: str, message: str, kind: Kind) -> None:
    body = azure_error(status, code, message, inner=inner).body
    problem = refusal(status, {}, body)
    assert problem.kind is kind
    assert problem.vendor is not None
    assert (problem.vendor.vendor, problem.vendor.status) == ("azure", status)
    assert (problem.vendor.code, problem.vendor.message, problem.vendor.body) == (code, message, body.decode())
    assert message not in problem.detail or message == "m"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, Kind.REQUEST_REFUSED),
        (408, Kind.PROVIDER_UNAVAILABLE),
        (413, Kind.IMAGE_REFUSED),
        (429, Kind.THROTTLED),
        (502, Kind.PROVIDER_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>gateway</html>", b"[]", b'{"error": 7}', b'{"error": {"code": 7, "message": {}, "innererror": 1}}', b"\xff"],
)
def test_without_a_code_the_status_decides(status: int, body: bytes, kind: Kind) -> None:
    problem = refusal(status, {}, body)
    assert problem.kind is kind
    assert problem.vendor is not None
    assert (problem.vendor.code, problem.vendor.message) == ("", "")
    assert problem.vendor.body == body.decode(errors="replace")


def test_an_error_without_its_envelope_is_read_too() -> None:
    problem = refusal(400, {}, b'{"code": "InvalidImageSize", "requestId": "1", "message": "m"}')
    assert problem.kind is Kind.IMAGE_REFUSED


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"retry-after": "1"}, 1.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "9" * 50}, 3600.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "2", "retry-after-ms": "250"}, 2.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_the_vendors_pause_is_read_as_its_own_clients_read_it(headers: dict[str, str], retry_after_s: float | None) -> None:
    assert refusal(429, headers, b"").retry_after_s == retry_after_s


def test_an_endless_error_page_is_kept_short() -> None:
    problem = refusal(502, {}, azure_error(502, "c" * 100_000, "m" * 1_000_000).body)
    assert problem.vendor is not None
    assert (len(problem.vendor.body), len(problem.vendor.message)) == (65_536, 2_000)
    assert len(problem.detail) < 2_100
