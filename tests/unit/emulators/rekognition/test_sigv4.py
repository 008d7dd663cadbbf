"""Signatures: botocore signs, the emulator checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.sigv4 import SignedRequest, check_signature

SECRET = "a-secret"
BODY = b'{"Image": {}}'


def signed(secret: str = SECRET, service: str = "rekognition", token: str | None = None) -> SignedRequest:
    """A request as botocore signs it."""
    headers = {"X-Amz-Target": "RekognitionService.DetectLabels", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", "http://127.0.0.1:8090/", headers=headers, data=BODY)
    SigV4Auth(Credentials("KEY", secret, token), service, "us-east-1").add_auth(request)
    found = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1:8090"}
    return SignedRequest("POST", "/", "", found, BODY)


def code_of(request: SignedRequest, secret: str | None = SECRET, late: timedelta = timedelta()) -> str:
    """The refusal's name; empty where the signature is accepted."""
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        check_signature(request, secret, now + late)
    except ServiceError as error:
        return error.code
    return ""


def with_headers(request: SignedRequest, **changes: str | None) -> SignedRequest:
    headers: dict[str, str] = dict(request.headers)
    for name, value in changes.items():
        key = name.replace("_", "-")
        headers.pop(key, None)
        if value is not None:
            headers[key] = value
    return replace(request, headers=headers)


@pytest.mark.parametrize("token", [None, "a-session-token"])
def test_a_true_signature_is_accepted(token: str | None) -> None:
    assert code_of(signed(token=token)) == ""


def test_without_a_secret_any_signature_of_the_right_form_is_accepted() -> None:
    assert code_of(signed(secret="another"), secret=None) == ""
    assert code_of(replace(signed(), body=b"changed"), secret=None, late=timedelta(days=9)) == ""


@pytest.mark.parametrize(
    "request_", [signed(secret="another"), replace(signed(), body=b"changed"), replace(signed(), path="/other")]
)
def test_a_wrong_signature_is_refused(request_: SignedRequest) -> None:
    assert code_of(request_) == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["content_type", "x_amz_target", "host"])
def test_a_changed_or_missing_header_is_refused(name: str) -> None:
    changes: list[Mapping[str, str | None]] = [{name: "other"}, {name: None}]
    assert [code_of(with_headers(signed(), **change)) for change in changes] == ["InvalidSignatureException"] * 2


@pytest.mark.parametrize("minutes", [-6, 6, 60])
def test_an_old_or_early_signature_is_refused(minutes: int) -> None:
    assert code_of(signed(), late=timedelta(minutes=minutes)) == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clocks_may_differ_a_little(minutes: int) -> None:
    assert code_of(signed(), late=timedelta(minutes=minutes)) == ""


def test_the_day_of_the_scope_is_the_day_of_the_date() -> None:
    request = signed()
    authorization = request.headers["authorization"].replace(request.headers["x-amz-date"][:8], "20200101")
    assert code_of(with_headers(request, authorization=authorization)) == "InvalidSignatureException"


@pytest.mark.parametrize("date", [None, "", "yesterday", "20260101"])
def test_a_date_is_needed(date: str | None) -> None:
    assert code_of(with_headers(signed(), x_amz_date=date)) == "IncompleteSignatureException"


@pytest.mark.parametrize("secret", [None, SECRET])
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("", "MissingAuthenticationTokenException"),
        ("Bearer abc", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/rekognition/aws4_request", "IncompleteSignatureException"),
    ],
)
def test_the_form_is_checked_with_and_without_a_secret(authorization: str | None, code: str, secret: str | None) -> None:
    assert code_of(with_headers(signed(), authorization=authorization), secret) == code


def test_a_signature_for_another_service_is_refused() -> None:
    assert code_of(signed(service="s3"), secret=None) == "InvalidSignatureException"


def test_a_signature_must_cover_the_host() -> None:
    request = signed()
    authorization = request.headers["authorization"].replace(";host;", ";").replace("=host;", "=")
    assert code_of(with_headers(request, authorization=authorization)) == "InvalidSignatureException"
