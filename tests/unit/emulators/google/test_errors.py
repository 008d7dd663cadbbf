"""The shape of refusals, and codes that are gRPC's own."""

from __future__ import annotations

import grpc
import pytest

from app.emulators.google import errors
from app.emulators.google.errors import HTTP_STATUS, Code, ServiceError


@pytest.mark.parametrize("code", Code)
def test_codes_are_those_of_grpc_and_have_a_status(code: Code) -> None:
    assert grpc.StatusCode[code.name].value[0] == code
    assert 400 <= HTTP_STATUS[code] < 600


def test_a_plain_error_has_code_message_and_status() -> None:
    error = errors.bad_image()
    assert error.as_body() == {"error": {"code": 400, "message": "Bad image data.", "status": "INVALID_ARGUMENT"}}
    assert error.as_status() == {"code": 3, "message": "Bad image data."}


def test_a_reason_becomes_a_detail() -> None:
    (detail,) = errors.invalid_key().as_body()["error"]["details"]
    assert (detail["@type"], detail["reason"]) == ("type.googleapis.com/google.rpc.ErrorInfo", "API_KEY_INVALID")
    assert errors.invalid_key().as_status()["details"] == [detail]


@pytest.mark.parametrize(
    ("error", "status", "fate"),
    [
        (errors.throttled(), 429, "throttled"),
        (errors.quota_exceeded(), 429, "throttled"),
        (errors.internal(), 500, "failed"),
        (errors.connection_lost(), 503, "failed"),
        (errors.too_many_images(), 400, "refused"),
        (errors.unimplemented("It"), 501, "refused"),
        (errors.not_found("it"), 404, "refused"),
    ],
)
def test_refusals_count_as_what_they_are(error: ServiceError, status: int, fate: str) -> None:
    assert (error.http_status, error.fate) == (status, fate)
