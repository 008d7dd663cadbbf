"""AWS's exceptions: names, statuses, and Rekognition's own errors word for word."""

from __future__ import annotations

import json

import pytest

from app.errors import Kind, Problem, VendorError
from app.wire.rekognition.refusals import refuse


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [
        (Kind.MALFORMED_REQUEST, "SerializationException", 400),
        (Kind.UNKNOWN_OPERATION, "UnknownOperationException", 400),
        (Kind.INVALID_PARAMETER, "InvalidParameterException", 400),
        (Kind.MISSING_IMAGE, "InvalidParameterException", 400),
        (Kind.INVALID_IMAGE, "InvalidImageFormatException", 400),
        (Kind.IMAGE_TOO_LARGE, "ImageTooLargeException", 400),
        (Kind.BODY_TOO_LARGE, "ImageTooLargeException", 400),
        (Kind.OBJECT_UNAVAILABLE, "InvalidS3ObjectException", 400),
        (Kind.UNAUTHENTICATED, "UnrecognizedClientException", 400),
        (Kind.FORBIDDEN, "AccessDeniedException", 400),
        (Kind.IMAGE_REFUSED, "InvalidImageFormatException", 400),
        (Kind.THROTTLED, "ThrottlingException", 400),
        (Kind.OVER_CAPACITY, "ThrottlingException", 400),
        (Kind.SHUTTING_DOWN, "ThrottlingException", 500),
        (Kind.PROVIDER_TIMEOUT, "InternalServerError", 500),
        (Kind.INTERNAL, "InternalServerError", 500),
    ],
)
def test_names_and_statuses(kind: Kind, name: str, status: int) -> None:
    reply = refuse(Problem(kind, "why"), "r")
    assert (json.loads(reply.body)["__type"], reply.status) == (name, status)


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        ("", "Image size is too large."),
        ("it has 6 MB", "Image size is too large. It has 6 MB."),
        ("It has 6 MB.", "Image size is too large. It has 6 MB."),
        ("does it fit?", "Image size is too large. Does it fit?"),
    ],
)
def test_awss_usual_words_come_first(detail: str, message: str) -> None:
    assert json.loads(refuse(Problem(Kind.IMAGE_TOO_LARGE, detail), "r").body)["Message"] == message


@pytest.mark.parametrize(
    ("retry_after_s", "header"), [(None, None), (0.0, "0"), (0.0101, "11"), (2.0, "2000"), (-1.0, "0"), (float("nan"), None)]
)
def test_waiting_is_told_in_milliseconds(retry_after_s: float | None, header: str | None) -> None:
    reply = refuse(Problem(Kind.THROTTLED, "why", retry_after_s=retry_after_s), "r")
    assert reply.headers.get("x-amz-retry-after") == header


BODY = '{"__type":"com.amazonaws.rekognition#ResourceNotReadyException","Message":"start the model","More":[1]}'


def test_rekognitions_own_error_word_for_word() -> None:
    own = VendorError("rekognition", 400, "ResourceNotReadyException", "start the model", BODY)
    reply = refuse(Problem(Kind.REQUEST_REFUSED, "why", vendor=own), "r")
    assert (reply.status, reply.body.decode()) == (400, BODY)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_an_error_about_our_credentials_keeps_its_name_but_not_its_words(code: str) -> None:
    """Its text names the operator's account and roles, which are no client's business."""
    words = "User: arn:aws:iam::123456789012:user/operator is not authorized"
    own = VendorError("rekognition", 400, code, words, json.dumps({"__type": code, "message": words}))
    reply = refuse(Problem(Kind.REQUEST_REFUSED, "refused", vendor=own), "r-1")
    said = json.loads(reply.body)
    assert (reply.status, said["__type"]) == (400, code)
    assert "arn:" not in reply.body.decode()


@pytest.mark.parametrize("body", ["", "<html>413</html>", "[]", '{"Message":"no type"}', '{"__type":5}'])
def test_an_error_whose_body_names_nothing_is_written_again(body: str) -> None:
    """The SDKs look for `__type` only: a load balancer's page would reach the client as a nameless error."""
    own = VendorError("rekognition", 413, "RequestEntityTooLarge", "too large", body)
    reply = refuse(Problem(Kind.REQUEST_REFUSED, "why", vendor=own), "r")
    assert reply.status == 413
    assert json.loads(reply.body) == {
        "__type": "RequestEntityTooLarge",
        "Code": "RequestEntityTooLarge",
        "Logref": "r",
        "Message": "too large",
    }


@pytest.mark.parametrize(
    "error",
    [
        VendorError("google", 400, "INVALID_ARGUMENT", "no", BODY),
        VendorError("rekognition", 200, "Odd", "a success is no error", BODY),
        VendorError("rekognition", 0, "Odd", "no status", BODY),
        VendorError("rekognition", 400, "", "no name", BODY),
    ],
)
def test_what_is_not_rekognitions_error_goes_by_its_kind(error: VendorError) -> None:
    """Above all: no failure may leave as a 200, which the SDKs read as an empty answer."""
    reply = refuse(Problem(Kind.REQUEST_REFUSED, "why", vendor=error), "r")
    assert (reply.status, json.loads(reply.body)["__type"]) == (400, "AccessDeniedException")
