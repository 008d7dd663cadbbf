"""What is wrong with one image is its own, and what goes to the vendor goes in the vendor's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.buckets import AllowedBuckets
from app.core.model import Feature, RawRequest
from app.wire.contract import LinkedImage
from app.wire.google import GoogleDialect, GoogleOptions
from tests.support.google_wire import asked_image, calls_of, rest_request, written

ALLOWING = GoogleDialect(GoogleOptions(buckets=AllowedBuckets(("photos",))))


def linked(uri: str, *features: str) -> dict[str, Any]:
    return asked_image(*features) | {"image": {"source": {"imageUri": uri}}}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (asked_image(), "Request must specify image and features."),
        (asked_image("FACE_DETECTION", content=b""), "Request must specify image and features."),
        (asked_image({"type": 99}), "Unsupported feature type: 99."),
        (asked_image({}), "Unsupported feature type: TYPE_UNSPECIFIED."),
        (asked_image({"type": "FACE_DETECTION", "maxResults": -1}), "The number of results cannot be negative."),
    ],
)
def test_what_cannot_be_asked_is_the_images_error(image: dict[str, Any], message: str) -> None:
    (response,) = written(calls_of(rest_request(image)), [])
    assert response == {"error": {"code": 3, "message": message}}


def test_what_the_provider_does_not_find_is_left_to_the_rest() -> None:
    """So that what it does find is not lost with it."""
    only_faces = GoogleDialect(GoogleOptions(offered=frozenset({Feature.FACES})))
    calls = calls_of(rest_request(asked_image("FACE_DETECTION", "TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION")), only_faces)
    assert [inquiry.feature for call in calls.calls for inquiry in call.inquiries] == [Feature.FACES]
    assert calls.rest is not None
    assert calls.rest.billed == (frozenset({"TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"}),)


def test_buckets_that_nobody_allowed_are_refused_for_all_features() -> None:
    calls = calls_of(rest_request(linked("gs://secret/a.jpg", "FACE_DETECTION", "LABEL_DETECTION")), ALLOWING)
    assert (calls.calls, calls.rest) == ((), None)
    (response,) = written(calls, [])
    assert response["error"]["code"] == 7


def test_links_stay_links() -> None:
    """For the pipeline, which fetches them where that is allowed, and in the vendor's own request."""
    image = linked("gs://photos/a.jpg", "FACE_DETECTION", "LABEL_DETECTION")
    raw = rest_request(image)
    body = json.loads(raw.body) | {"labels": {"team": "a"}, "parent": "projects/p"}
    calls = calls_of(RawRequest("POST", "//v1/images:annotate", "", {}, json.dumps(body).encode()), ALLOWING)
    assert calls.calls[0].source == LinkedImage("gs://photos/a.jpg")
    assert calls.rest is not None
    assert calls.rest.request.path == "/v1/images:annotate"
    assert json.loads(calls.rest.request.body) == {
        "requests": [linked("gs://photos/a.jpg", "LABEL_DETECTION")],
        "labels": {"team": "a"},
        "parent": "projects/p",
    }


def test_a_feature_that_is_asked_for_twice_counts_once() -> None:
    asked = asked_image({"type": "LOGO_DETECTION", "maxResults": 3}, {"type": "LOGO_DETECTION", "maxResults": 5})
    (inquiry,) = calls_of(rest_request(asked)).calls[0].inquiries
    assert inquiry.max_results == 5
    assert json.loads(inquiry.own_request) == {"features": [{"type": "LOGO_DETECTION", "maxResults": 5}]}
