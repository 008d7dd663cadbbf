"""The way of a request through the dialect, on both carriers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.buckets import AllowedBuckets
from app.core.clients import Tenant
from app.core.model import Feature, Outcome, RawRequest
from app.core.prices import PriceList
from app.errors import Kind, Problem
from app.wire.contract import Answered, Call, Calls, InlineImage, Passthrough
from app.wire.google import GoogleDialect, GoogleOptions, NoMethod
from tests.support.google_wire import (
    BEFORE_GOOGLE,
    PICTURE,
    PIXELS,
    answered,
    asked_image,
    calls_of,
    failed,
    found,
    grpc_request,
    own_object,
    responses_of,
    rest_reply,
    rest_request,
    written,
)

DIALECT = GoogleDialect()
OBJECTS = asked_image("OBJECT_LOCALIZATION")


@pytest.mark.parametrize("request_of", [rest_request, grpc_request], ids=["rest", "grpc"])
def test_both_carriers_ask_the_same(request_of: Any) -> None:
    """Image, features, context: one call with an inquiry per feature, so that a linked image is fetched once for all."""
    context = {"languageHints": ["de"], "cropHintsParams": {"aspectRatios": [1.5]}}
    faces = {"type": "FACE_DETECTION", "maxResults": 3, "model": "builtin/latest"}
    read = calls_of(request_of(asked_image("OBJECT_LOCALIZATION", faces, "TEXT_DETECTION", imageContext=context)))
    assert read.rest is None
    (call,) = read.calls
    assert (call.source, call.alone) == (InlineImage(PIXELS), None)
    assert [inquiry.feature for inquiry in call.inquiries] == [Feature.OBJECTS, Feature.FACES, Feature.TEXT]
    assert [inquiry.max_results for inquiry in call.inquiries] == [10, 3, 10]
    text_only = '{"imageContext":{"languageHints":["de"]}}'
    assert [inquiry.parameters for inquiry in call.inquiries] == ["{}", '{"model":"builtin/latest"}', text_only]
    assert json.loads(call.inquiries[1].own_request) == {"features": [faces], "imageContext": context}


def test_of_both_kinds_of_text_detection_the_dense_one_is_applied() -> None:
    read = calls_of(rest_request(asked_image("TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION", "LOGO_DETECTION")))
    (call,) = read.calls
    assert [inquiry.feature for inquiry in call.inquiries] == [Feature.LOGOS, Feature.TEXT]
    assert call.inquiries[1].parameters == '{"document":true}'


def test_enums_may_be_numbers_and_names_may_have_underscores() -> None:
    read = calls_of(rest_request({**OBJECTS, "features": [{"type": 19, "max_results": 2}]}))
    assert (read.calls[0].inquiries[0].feature, read.calls[0].inquiries[0].max_results) == (Feature.OBJECTS, 2)


def test_content_wins_over_a_source() -> None:
    both = {**OBJECTS["image"], "source": {"imageUri": "gs://nobody/allowed"}}
    assert calls_of(rest_request({**OBJECTS, "image": both})).calls[0].source == InlineImage(PIXELS)


@pytest.mark.parametrize("path", ["/v1/files:annotate", "/v1/images:asyncBatchAnnotate", "/v1/projects/p/files:annotate"])
def test_what_is_no_batch_of_images_is_passed_through(path: str) -> None:
    read = DIALECT.read(RawRequest("POST", path, "", {}, b"{}"))
    assert read == Passthrough("google", path.rpartition("/")[2], Tenant("anonymous"), "google")


def test_operations_are_asked_for_by_name() -> None:
    read = DIALECT.read(RawRequest("GET", "/v1/projects/p/locations/eu/operations/7", "", {}, b""))
    assert read == Passthrough("google", "operations", Tenant("anonymous"), "google")


PARENT = "/v1/projects/p/locations/l"
PRODUCT_CALLS = [
    ("GET", f"{PARENT}/productSets"),
    ("POST", f"{PARENT}/products"),
    ("PATCH", f"{PARENT}/products/x"),
    ("DELETE", f"{PARENT}/productSets/x"),
    ("POST", f"{PARENT}/products/x/referenceImages"),
    ("GET", f"{PARENT}/products/x/referenceImages/y"),
    ("POST", f"{PARENT}/productSets/x:addProduct"),
    ("GET", f"{PARENT}/productSets/x/products"),
    ("POST", f"{PARENT}/productSets:import"),
    ("POST", f"{PARENT}/products:purge"),
]


@pytest.mark.parametrize(("method", "path"), PRODUCT_CALLS)
def test_products_are_googles_own_and_nobody_elses(method: str, path: str) -> None:
    raw = RawRequest(method, path, "", {}, b"")
    behind_google = GoogleDialect(GoogleOptions(prices=PriceList(otherwise=0.001)))
    assert behind_google.read(raw) == Passthrough("google", "products", Tenant("anonymous"), "google")
    with pytest.raises(NoMethod):
        DIALECT.read(raw)


def test_buckets_that_an_import_of_products_names_are_the_operators_to_allow() -> None:
    dialect = GoogleDialect(GoogleOptions(prices=PriceList(otherwise=0.001)))
    body = b'{"inputConfig": {"gcsSource": {"csvFileUri": "gs://someones/list.csv"}}}'
    with pytest.raises(Problem) as raised:
        dialect.read(RawRequest("POST", f"{PARENT}/productSets:import", "", {}, body))
    assert raised.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/images:annotate"),
        ("PUT", "/v1/projects/p/locations/l/products/x"),
        ("DELETE", "/v1/projects/p/locations/l/products"),
        ("GET", "/v1/projects/p/locations/l/productSets:import"),
        ("GET", "/v1/projects/p/products"),
        ("POST", "/v1/projects/p/locations/images:annotate"),
        ("GET", "/v1/operations"),
        ("POST", "/v1/images:paint"),
        ("POST", "/v1/projects/p/models"),
    ],
)
def test_there_is_nothing_else(method: str, path: str) -> None:
    dialect = GoogleDialect(GoogleOptions(prices=PriceList(otherwise=0.001)))
    with pytest.raises(NoMethod) as caught:
        dialect.read(RawRequest(method, path, "", {}, b""))
    refusal = dialect.refuse(caught.value, "request-1")
    assert (refusal.status, json.loads(refusal.body)["error"]["status"]) == (404, "NOT_FOUND")


def test_a_request_that_can_share_nothing_is_passed_through_whole() -> None:
    raw = rest_request(asked_image("LABEL_DETECTION", "SAFE_SEARCH_DETECTION"), asked_image("WEB_DETECTION"))
    billed = (frozenset({"LABEL_DETECTION", "SAFE_SEARCH_DETECTION"}), frozenset({"WEB_DETECTION"}))
    operation = "images:annotate with LABEL_DETECTION, SAFE_SEARCH_DETECTION, WEB_DETECTION"
    assert BEFORE_GOOGLE.read(raw) == Passthrough("google", operation, Tenant("anonymous"), "google", billed)


def test_over_grpc_it_is_asked_for_over_rest() -> None:
    read = calls_of(grpc_request(asked_image("LABEL_DETECTION"), parent="projects/p/locations/eu"), BEFORE_GOOGLE)
    assert read.calls == ()
    assert read.rest is not None
    assert (read.rest.request.method, read.rest.request.path) == ("POST", "/v1/images:annotate")
    assert json.loads(read.rest.request.body) == {
        "requests": [asked_image("LABEL_DETECTION")],
        "parent": "projects/p/locations/eu",
    }
    label = {"labelAnnotations": [{"description": "Cat", "score": 0.5}]}
    reply = DIALECT.write_calls(read, [], rest_reply(label), "request-1")
    assert responses_of(reply) == [label]


@pytest.mark.parametrize(
    "body", [b'{"a": ["gs://secret/x"]}', b'{"a": "\\u0067s://secret/x"}', b'{"a": "GS:\\/\\/secret/x", "a": 1}']
)
def test_buckets_that_are_named_in_what_is_passed_through_must_be_allowed(body: bytes) -> None:
    raw = RawRequest("POST", "/v1/files:asyncBatchAnnotate", "", {}, body)
    with pytest.raises(Problem) as caught:
        DIALECT.read(raw)
    assert caught.value.kind is Kind.FORBIDDEN
    allowing = GoogleDialect(GoogleOptions(buckets=AllowedBuckets(("secret",))))
    assert isinstance(allowing.read(raw), Passthrough)


def test_compressed_bodies_are_not_understood() -> None:
    for path in ("/v1/images:annotate", "/v1/files:annotate"):
        with pytest.raises(Problem) as caught:
            DIALECT.read(RawRequest("POST", path, "", {"content-encoding": "gzip"}, b"\x1f\x8b"))
        assert caught.value.kind is Kind.MALFORMED_REQUEST


def test_enums_by_number_where_asked_for() -> None:
    face = {"faceAnnotations": [{"joyLikelihood": "VERY_LIKELY"}]}
    for query, joy in (("", "VERY_LIKELY"), ("$alt=json;enum-encoding=int", 5), ("%24alt=json%3Benum-encoding%3Dint", 5)):
        calls = calls_of(rest_request(asked_image("FACE_DETECTION", "WEB_DETECTION"), query=query))
        (response,) = written(calls, [answered(found())], rest_reply(face))
        assert response["faceAnnotations"][0]["joyLikelihood"] == joy


def test_counts_are_compared_and_nothing_is_matched_by_luck() -> None:
    calls = calls_of(rest_request(OBJECTS))
    wrong: list[list[Answered | Problem]] = [[], [answered()], [answered(found(), found())], [answered(found())] * 2]
    for answers in wrong:
        reply = DIALECT.write_calls(calls, answers, None, "request-1")
        assert (reply.status, json.loads(reply.body)["error"]["status"]) == (500, "INTERNAL")


def test_a_single_call_is_never_written_alone() -> None:
    (call,) = calls_of(rest_request(OBJECTS)).calls
    assert isinstance(call, Call)
    with pytest.raises(Problem):
        DIALECT.write(call, PICTURE, [found()], "request-1")
    with pytest.raises(Problem):
        DIALECT.write_calls(Calls((call,)), [answered(found())], None, "request-1")


def test_a_rest_that_nobody_answered_is_our_own_failure() -> None:
    calls = calls_of(grpc_request(asked_image("WEB_DETECTION")))
    reply = DIALECT.write_calls(calls, [], None, "request-1")
    assert (reply.status, json.loads(reply.body)["error"]["status"]) == (500, "INTERNAL")


def test_a_refused_request_still_tells_its_bill() -> None:
    reply = DIALECT.write_calls(
        calls_of(rest_request(OBJECTS)), [answered(failed(Problem(Kind.THROTTLED, "x")))], None, "request-1"
    )
    assert reply.status == 429
    assert reply.headers["X-Tessera-Inferences"] == "0"


def test_what_was_filtered_is_counted() -> None:
    calls = calls_of(rest_request(asked_image({"type": "OBJECT_LOCALIZATION", "maxResults": 1})))
    outcome: Outcome = found(own_object("Cat", 0.4), own_object("Dog", 0.8))
    reply = DIALECT.write_calls(calls, [answered(outcome)], None, "request-1")
    assert [one["name"] for one in responses_of(reply)[0]["localizedObjectAnnotations"]] == ["Dog"]
    assert reply.filtered == 1
