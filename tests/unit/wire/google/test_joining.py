"""One response per image, in order: parts of one image are merged, and what failed costs nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.model import Answer, Outcome
from app.core.prices import PriceList
from app.errors import Kind, Problem, VendorError
from app.wire.contract import RestReply
from app.wire.google import GoogleDialect, GoogleOptions
from tests.support.google_wire import (
    BEFORE_GOOGLE,
    alone,
    answered,
    asked_image,
    calls_of,
    failed,
    found,
    grpc_request,
    own_face,
    own_object,
    rest_reply,
    rest_request,
    written,
)

MIXED = asked_image("OBJECT_LOCALIZATION", "FACE_DETECTION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION")
OBJECTS = asked_image("OBJECT_LOCALIZATION")
CAT = {"localizedObjectAnnotations": [{"mid": "/m/1", "name": "Cat", "score": 0.5}]}
LABEL: dict[str, Any] = {
    "labelAnnotations": [{"description": "Cat", "score": 0.5}],
    "safeSearchAnnotation": {"adult": "UNLIKELY"},
}


@pytest.mark.parametrize("request_of", [rest_request, grpc_request], ids=["rest", "grpc"])
def test_findings_and_the_rest_are_one_answer(request_of: Any) -> None:
    """Two images of three have a rest; each gets its own."""
    labels_only = asked_image("LABEL_DETECTION")
    calls = calls_of(request_of(MIXED, OBJECTS, labels_only), BEFORE_GOOGLE)
    assert calls.rest is not None
    sent = json.loads(calls.rest.request.body)["requests"]
    assert [[feature["type"] for feature in one["features"]] for one in sent] == [
        ["LABEL_DETECTION", "SAFE_SEARCH_DETECTION"],
        ["LABEL_DETECTION"],
    ]
    other = {"labelAnnotations": [{"description": "Dog", "score": 0.5}]}
    answers = [answered(found(own_object()), found(own_face())), answered(alone(CAT))]
    first, second, third = written(calls, answers, rest_reply(LABEL, other))
    assert set(first) == {"localizedObjectAnnotations", "faceAnnotations", "labelAnnotations", "safeSearchAnnotation"}
    assert second == CAT
    assert third == other


def test_what_was_sent_alone_is_the_vendors_own_message() -> None:
    """Every field of it, also those that this package does not know."""
    (response,) = written(calls_of(grpc_request(OBJECTS)), [answered(alone(CAT))])
    assert response == CAT


def test_the_wrong_vendors_body_is_not_taken_for_the_answer() -> None:
    other = Outcome("job-1", Answer((own_object("Dog"),), b'{"Labels": []}', "rekognition"))
    (response,) = written(calls_of(rest_request(OBJECTS)), [answered(other)])
    assert [one["name"] for one in response["localizedObjectAnnotations"]] == ["Dog"]


def test_a_failed_part_stands_beside_what_was_found() -> None:
    calls = calls_of(rest_request(MIXED), BEFORE_GOOGLE)
    problem = Problem(Kind.UNKNOWN_OPERATION, "LABEL_DETECTION: not available through this provider")
    (response,) = written(calls, [answered(found(own_object()), failed(Problem(Kind.THROTTLED, "slow")))], problem)
    assert response["localizedObjectAnnotations"][0]["name"] == "Cat"
    assert response["error"]["code"] == 8, "the first failure is told"


def test_bad_images_cost_their_neighbours_nothing() -> None:
    calls = calls_of(rest_request(OBJECTS, OBJECTS, asked_image(), asked_image("OBJECT_LOCALIZATION", content=b"")))
    responses = written(calls, [Problem(Kind.INVALID_IMAGE, "the image is empty"), answered(alone(CAT))])
    assert responses[0]["error"] == {"code": 3, "message": "Bad image data. The image is empty."}
    assert responses[1] == CAT
    assert [one["error"]["message"] for one in responses[2:]] == ["Request must specify image and features."] * 2


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Kind.THROTTLED, 429), (Kind.PROVIDER_TIMEOUT, 504), (Kind.UNKNOWN_OPERATION, 400), (Kind.NO_WORKER, 503)],
)
def test_when_nothing_was_answered_the_request_is_refused(kind: Kind, status: int) -> None:
    """So that the vendor's client raises, and tries again where that helps."""
    calls = calls_of(rest_request(OBJECTS, OBJECTS))
    answers = [answered(failed(Problem(kind, "why"))), answered(failed(Problem(kind, "why")))]
    reply = GoogleDialect().write_calls(calls, answers, None, "request-1")
    assert reply.status == status


def test_an_address_that_cannot_be_reached_is_its_images_error() -> None:
    linked = {"image": {"source": {"imageUri": "https://photos.example/a.jpg"}}, "features": [{"type": "OBJECT_LOCALIZATION"}]}
    (response,) = written(calls_of(rest_request(linked)), [Problem(Kind.PROVIDER_UNAVAILABLE, "not now")])
    assert response["error"]["code"] == 14


def test_the_vendors_refusal_of_the_rest_is_told_in_its_words() -> None:
    body = json.dumps({"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}).encode()
    (response,) = written(calls_of(rest_request(MIXED), BEFORE_GOOGLE), [answered(found(), found())], RestReply(429, body))
    assert response["error"] == {"code": 8, "message": "Quota exceeded."}


@pytest.mark.parametrize(
    "rest", [RestReply(200, b"<html>"), RestReply(200, b'{"responses": 5}'), rest_reply(), rest_reply({}, {})]
)
def test_a_garbled_rest_is_an_internal_error_beside_the_findings(rest: RestReply) -> None:
    (response,) = written(calls_of(rest_request(MIXED), BEFORE_GOOGLE), [answered(alone(CAT), found())], rest)
    assert response["error"]["code"] == 13
    assert response["localizedObjectAnnotations"] == CAT["localizedObjectAnnotations"]


def test_a_verbatim_answer_that_is_no_message_is_an_internal_error() -> None:
    broken = Outcome("job-1", Answer((), b"\xff\xff", "google"))
    reply = GoogleDialect().write_calls(calls_of(rest_request(OBJECTS)), [answered(broken)], None, "request-1")
    assert (reply.status, json.loads(reply.body)["error"]["status"]) == (500, "INTERNAL")


def test_the_operators_account_is_not_told_to_clients() -> None:
    vendor = VendorError("google", 403, "PERMISSION_DENIED", "Vision API has not been used in project 1234", "")
    reply = GoogleDialect().refuse(Problem(Kind.REQUEST_REFUSED, "no", vendor=vendor), "request-1")
    assert (reply.status, b"1234" in reply.body) == (403, False)
    invalid_key = json.dumps({"error": {"message": "API key AIza1", "details": [{"reason": "API_KEY_INVALID"}]}})
    vendor = VendorError("google", 400, "INVALID_ARGUMENT", "API key AIza1 not valid", invalid_key)
    assert b"AIza1" not in GoogleDialect().refuse(Problem(Kind.REQUEST_REFUSED, "no", vendor=vendor), "request-1").body


def test_splitting_that_costs_more_is_not_done() -> None:
    """Objects would be free beside labels: then all of it goes to the vendor at once."""
    free = PriceList(otherwise=1.5, free_beside={"OBJECT_LOCALIZATION": "LABEL_DETECTION"})
    asked = asked_image("OBJECT_LOCALIZATION", "LABEL_DETECTION")
    split = calls_of(rest_request(OBJECTS, asked), BEFORE_GOOGLE)
    whole = calls_of(rest_request(OBJECTS, asked), GoogleDialect(GoogleOptions(prices=free)))
    assert (len(split.calls), len(whole.calls)) == (2, 1)
    assert split.rest is not None
    assert whole.rest is not None
    assert split.rest.billed == (frozenset({"LABEL_DETECTION"}),)
    assert whole.rest.billed == (frozenset({"OBJECT_LOCALIZATION", "LABEL_DETECTION"}),)


def test_formats_that_only_the_vendor_reads_go_to_the_vendor() -> None:
    gif = asked_image("OBJECT_LOCALIZATION", content=b"GIF89a...")
    read = calls_of(rest_request(OBJECTS, gif), BEFORE_GOOGLE)
    assert len(read.calls) == 1
    assert read.rest is not None
    assert json.loads(read.rest.request.body)["requests"] == [gif]
