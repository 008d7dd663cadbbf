"""A signature is checked as AWS checks it: what botocore signs is right, and whatever is changed afterwards is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.core.clients import AccessKey, Clients, Tenant
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.contract import Call
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from app.wire.rekognition.signature import MOST_SKEW, check_signature
from tests.support.wire import aws_request

SECRET = "the-secret"


def signed(secret: str = SECRET, query: str = "") -> tuple[RawRequest, datetime]:
    """What boto3 would send for DetectLabels, and when it signed it."""
    plain = aws_request("DetectLabels")
    own = {name: plain.headers[name] for name in ("x-amz-target", "content-type")} | {"host": "proxy.example:8080"}
    url = f"http://proxy.example:8080/{'?' if query else ''}{query}"
    request = AWSRequest("POST", url, data=plain.body, headers=dict(own))
    SigV4Auth(Credentials("AKIDSHOP", secret), "rekognition", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    now = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return RawRequest("POST", "/", query, headers, plain.body), now


@pytest.mark.parametrize("query", ["", "b=2&a=1", "flag"])
def test_what_the_sdk_signs_is_right(query: str) -> None:
    request, now = signed(query=query)
    check_signature(request, SECRET, now)


def header(name: str, value: str | None) -> Callable[[RawRequest], RawRequest]:
    def change(request: RawRequest) -> RawRequest:
        headers = {known: text for known, text in request.headers.items() if known != name}
        return replace(request, headers=headers | ({} if value is None else {name: value}))

    return change


def authorization(old: str, new: str) -> Callable[[RawRequest], RawRequest]:
    def change(request: RawRequest) -> RawRequest:
        return header("authorization", request.headers["authorization"].replace(old, new))(request)

    return change


CHANGES: dict[str, Callable[[RawRequest], RawRequest]] = {
    "another body": lambda request: replace(request, body=request.body + b" "),
    "another method": lambda request: replace(request, method="PUT"),
    "another path": lambda request: replace(request, path="/other"),
    "a query": lambda request: replace(request, query="a=1"),
    "another operation": header("x-amz-target", "RekognitionService.DetectFaces"),
    "another host": header("host", "elsewhere.example"),
    "no host": header("host", None),
    "no date": header("x-amz-date", None),
    "a date that is none": header("x-amz-date", "yesterday"),
    "another day": header("x-amz-date", "20200101T000000Z"),
    "no signature": header("authorization", None),
    "another scheme": header("authorization", "Bearer token"),
    "another service": authorization("/rekognition/", "/s3/"),
    "another region": authorization("/eu-west-1/", "/us-east-1/"),
    "a header less": authorization("content-type;host;", "host;"),
    "the host not signed": authorization(";host;", ";"),
    "a header that is not there": authorization("content-type;", "content-md5;content-type;"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_is_changed_afterwards_is_wrong(change: Callable[[RawRequest], RawRequest]) -> None:
    request, now = signed()
    with pytest.raises(Problem) as raised:
        check_signature(change(request), SECRET, now)
    assert raised.value.kind is Kind.WRONG_SIGNATURE
    assert SECRET not in raised.value.detail


@pytest.mark.parametrize(("late", "right"), [(0.99, True), (-0.99, True), (1.01, False), (-1.01, False)])
def test_a_signature_lives_for_minutes(late: float, right: bool) -> None:
    request, now = signed()
    if right:
        check_signature(request, SECRET, now + late * MOST_SKEW)
    else:
        with pytest.raises(Problem):
            check_signature(request, SECRET, now + late * MOST_SKEW)


def test_the_dialect_lets_in_whom_the_operator_named() -> None:
    request, now = signed()
    clients = Clients(access_keys={"AKIDSHOP": AccessKey(Tenant("shop", is_client=True), SECRET)})
    call = RekognitionDialect(RekognitionOptions(clients=clients, now=lambda: now)).read(request)
    assert isinstance(call, Call)
    assert call.tenant == Tenant("shop", is_client=True)


@pytest.mark.parametrize(
    ("secret", "late", "kind"),
    [("guessed", timedelta(), Kind.WRONG_SIGNATURE), (SECRET, timedelta(hours=1), Kind.WRONG_SIGNATURE)],
)
def test_and_nobody_else(secret: str, late: timedelta, kind: Kind) -> None:
    request, now = signed(secret)
    clients = Clients(access_keys={"AKIDSHOP": AccessKey(Tenant("shop", is_client=True), SECRET)})
    with pytest.raises(Problem) as raised:
        RekognitionDialect(RekognitionOptions(clients=clients, now=lambda: now + late)).read(request)
    assert raised.value.kind is kind
