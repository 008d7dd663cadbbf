"""What is wrong with one image is its own, and what goes to the vendor goes in the vendor's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.buckets import AllowedBuckets
from app.core.model import Feature, Inquiry, RawRequest
from app.providers.google.features import capabilities
from app.wire.contract import LinkedImage
from app.wire.google import GoogleDialect, GoogleOptions
from tests.support.google_wire import BEFORE_GOOGLE, answered, asked_image, calls_of, found, grpc_request, rest_request, written

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
    image = linked("gs://photos/a.jpg", "FACE_DETECTION", "WEB_DETECTION")
    raw = rest_request(image)
    body = json.loads(raw.body) | {"labels": {"team": "a"}, "parent": "projects/p"}
    calls = calls_of(RawRequest("POST", "//v1/images:annotate", "", {}, json.dumps(body).encode()), ALLOWING)
    assert calls.calls[0].source == LinkedImage("gs://photos/a.jpg")
    assert calls.rest is not None
    assert calls.rest.request.path == "/v1/images:annotate"
    assert json.loads(calls.rest.request.body) == {
        "requests": [linked("gs://photos/a.jpg", "WEB_DETECTION")],
        "labels": {"team": "a"},
        "parent": "projects/p",
    }


def test_a_feature_that_is_asked_for_twice_counts_once() -> None:
    asked = asked_image({"type": "LOGO_DETECTION", "maxResults": 3}, {"type": "LOGO_DETECTION", "maxResults": 5})
    (inquiry,) = calls_of(rest_request(asked)).calls[0].inquiries
    assert inquiry.max_results == 5
    assert json.loads(inquiry.own_request) == {"features": [{"type": "LOGO_DETECTION", "maxResults": 5}]}


def detecting(sheet_share: float = 0.25, group_share: float = 0.35) -> GoogleDialect:
    """Google is the provider, and labels are to come out of objects."""
    prices = capabilities().prices
    return GoogleDialect(GoogleOptions(prices, sheet_share, group_share, classify="detection"))


def parts(dialect: GoogleDialect, *features: str) -> tuple[list[str], set[str]]:
    """What is asked of the pipeline, and what goes to the vendor in one call, of one image."""
    calls = calls_of(grpc_request(asked_image(*features)), dialect)
    placed = [str(inquiry.feature) for call in calls.calls for inquiry in call.inquiries]
    return placed, set() if calls.rest is None else set(calls.rest.billed[0])


def test_unsafe_content_is_asked_of_groups_and_has_no_number_of_results() -> None:
    asked = asked_image({"type": "SAFE_SEARCH_DETECTION", "maxResults": 3, "model": "builtin/latest"})
    for dialect in (GoogleDialect(), BEFORE_GOOGLE, detecting()):
        ((inquiry,),) = (call.inquiries for call in calls_of(rest_request(asked), dialect).calls)
        assert inquiry == Inquiry(
            Feature.MODERATION,
            parameters='{"model":"builtin/latest"}',
            min_score_unit=0.5,
            own_vendor="google",
            own_request='{"features":[{"maxResults":3,"model":"builtin/latest","type":"SAFE_SEARCH_DETECTION"}]}',
            categories=("adult", "spoof", "medical", "violence", "gore", "racy"),
        )


def test_labels_are_asked_of_the_pipeline_where_they_come_of_objects_or_of_another_vendor() -> None:
    asked = rest_request(asked_image("LABEL_DETECTION"), asked_image({"type": "LABEL_DETECTION", "maxResults": 3}))
    for dialect in (GoogleDialect(), detecting()):
        first, second = (call.inquiries[0] for call in calls_of(asked, dialect).calls)
        assert (first.feature, first.max_results, first.min_score_unit) == (Feature.LABELS, 10, None)
        assert (second.max_results, second.own_vendor) == (3, "google")
        assert second.own_request == '{"features":[{"maxResults":3,"type":"LABEL_DETECTION"}]}'


@pytest.mark.parametrize("classify", [None, "alone"])
def test_otherwise_google_is_asked_for_them_in_its_own_words(classify: str | None) -> None:
    dialect = GoogleDialect(GoogleOptions(capabilities().prices, classify=classify))
    assert parts(dialect, "OBJECT_LOCALIZATION", "LABEL_DETECTION") == (["objects"], {"LABEL_DETECTION"})


def test_who_stands_behind_is_remembered_for_the_answer() -> None:
    dialect = GoogleDialect(GoogleOptions(behind="azure"))
    calls = calls_of(rest_request(asked_image("SAFE_SEARCH_DETECTION")), dialect)
    (response,) = written(calls, [answered(found())])
    assert response == {"safeSearchAnnotation": dict.fromkeys(("adult", "violence", "racy"), "VERY_UNLIKELY")}


def test_a_provider_without_labels_or_unsafe_content_is_not_asked_for_them() -> None:
    dialect = GoogleDialect(GoogleOptions(offered=frozenset({Feature.OBJECTS})))
    wanted = ("OBJECT_LOCALIZATION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION")
    assert parts(dialect, *wanted) == (["objects"], {"LABEL_DETECTION", "SAFE_SEARCH_DETECTION"})


LABEL, SAFE, OBJECTS, COLOURS = "LABEL_DETECTION", "SAFE_SEARCH_DETECTION", "OBJECT_LOCALIZATION", "IMAGE_PROPERTIES"


@pytest.mark.parametrize(
    ("dialect", "features", "placed", "rest"),
    [
        (BEFORE_GOOGLE, (OBJECTS, SAFE, COLOURS), ["objects", "moderation"], {COLOURS}),
        # Free beside labels, which Google is asked for.
        (BEFORE_GOOGLE, (OBJECTS, SAFE, LABEL), ["objects"], {LABEL, SAFE}),
        (BEFORE_GOOGLE, (SAFE, LABEL), [], {LABEL, SAFE}),
        # Labels of a sheet are paid as objects (2.25), and nothing is free beside them: a quarter, and a third of 1.5.
        (detecting(), (SAFE, LABEL), ["labels", "moderation"], set()),
        (detecting(), (OBJECTS, SAFE, LABEL, COLOURS), ["objects", "labels", "moderation"], {COLOURS}),
        # Half of it, and a third of 1.5, are more than 1.5 for both.
        (detecting(0.5), (SAFE, LABEL), [], {LABEL, SAFE}),
        (detecting(0.5), (OBJECTS, SAFE, LABEL), ["objects"], {LABEL, SAFE}),
        (detecting(0.5, 0.2), (SAFE, LABEL), ["labels", "moderation"], set()),
        # Three quarters of objects are more than labels.
        (detecting(0.75), (LABEL,), [], {LABEL}),
        (detecting(0.5), (LABEL,), ["labels"], set()),
        (detecting(1.0), (OBJECTS, LABEL), ["objects"], {LABEL}),
    ],
)
def test_every_feature_goes_the_cheapest_way(
    dialect: GoogleDialect, features: tuple[str, ...], placed: list[str], rest: set[str]
) -> None:
    assert parts(dialect, *features) == (placed, rest)
