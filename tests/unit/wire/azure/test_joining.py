"""All answers about one image and the rest become one: the vendor's own members untouched, findings in this image's pixels."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.geometry import UnitBox
from app.core.model import Answer, Detection, Feature, Inquiry
from app.errors import Kind, Problem
from app.wire.azure.analysis32 import API_32
from app.wire.azure.analysis40 import API_40
from app.wire.azure.api import Api
from app.wire.azure.joining import Found, join, rest_members
from app.wire.contract import RestReply
from tests.support.wire import PICTURE, detection

OWN_BODY = b'{"modelVersion":"2025-01-01", "objectsResult":{"values":[]},"metadata":{"width":640,"height":480}}'
ALONE = Answer((), OWN_BODY, "azure", {"modelVersion": "2025-01-01"})
DOG = detection("Dog", 0.9, UnitBox(0, 0, 0.5, 0.5), vendor="rekognition")
SHARED = Answer((DOG,), extra={"modelVersion": "2024-12-12"})
METADATA = {"width": 640, "height": 480}
DOG_ITEM = {"boundingBox": {"x": 0, "y": 0, "w": 320, "h": 240}, "tags": [{"name": "dog", "confidence": 0.9}]}


def found(feature: Feature, answer: Answer) -> Found:
    return Found(Inquiry(feature), answer, PICTURE)


def joined(*answers: Found, rest: dict[str, Any] | None = None, api: Api = API_40) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(join(api, answers, rest, "request-1"))
    return body


def test_the_vendors_own_body_is_untouched() -> None:
    assert join(API_40, [found(Feature.OBJECTS, ALONE)], None, "r") == OWN_BODY


def test_findings_are_written_in_pixels_of_the_image() -> None:
    assert joined(found(Feature.OBJECTS, SHARED)) == {
        "objectsResult": {"values": [DOG_ITEM]},
        "modelVersion": "2024-12-12",
        "metadata": METADATA,
    }


def test_own_members_findings_and_rest_are_one_answer() -> None:
    rest = {"tagsResult": {"values": [1]}, "modelVersion": "old", "metadata": {"width": 1, "height": 1}}
    assert joined(found(Feature.PEOPLE, SHARED), found(Feature.OBJECTS, ALONE), rest=rest) == {
        "tagsResult": {"values": [1]},
        "peopleResult": {"values": [{"boundingBox": DOG_ITEM["boundingBox"], "confidence": 0.9}]},
        "objectsResult": {"values": []},
        "modelVersion": "2025-01-01",
        "metadata": METADATA,
    }


@pytest.mark.parametrize(
    "answer",
    [
        Answer((DOG,), OWN_BODY, "rekognition"),
        Answer((DOG,), b"<html>", "azure"),
        Answer((DOG,), b"[]", "azure"),
        Answer((DOG,), b'{"peopleResult":{}}', "azure"),
    ],
)
def test_another_body_is_not_the_vendors_answer(answer: Answer) -> None:
    assert joined(found(Feature.OBJECTS, answer))["objectsResult"] == {"values": [DOG_ITEM]}


def test_objects_of_3_2_are_always_rebuilt() -> None:
    body = joined(
        found(Feature.OBJECTS, Answer((DOG,), OWN_BODY, "azure")), rest={"adult": {}, "requestId": "theirs"}, api=API_32
    )
    assert body == {
        "adult": {},
        "objects": [{"rectangle": DOG_ITEM["boundingBox"], "object": "dog", "confidence": 0.9}],
        "requestId": "request-1",
        "metadata": METADATA | {"format": "Jpeg"},
        "modelVersion": "2021-05-01",
    }


OWN_ADULT = (
    b'{"adult": {"isAdultContent":false,"adultScore":0.1,"isNew":1}, "requestId":"theirs","metadata":{"width":1,"height":1},'
    b'"modelVersion":"2021-05-01"}'
)
RACY = Detection(Feature.MODERATION, "racy", 0.75, None, "azure", {"flagged": False})


def test_3_2_keeps_its_own_member_of_unsafe_content() -> None:
    """An image alone was asked of 3.2 itself; the ids and the image are those of the client's request."""
    body = joined(found(Feature.MODERATION, Answer((RACY,), OWN_ADULT, "azure")), api=API_32)
    assert body["adult"] == {"isAdultContent": False, "adultScore": 0.1, "isNew": 1}
    assert (body["requestId"], body["metadata"]) == ("request-1", METADATA | {"format": "Jpeg"})


def test_what_was_cleared_with_its_group_has_no_flags() -> None:
    body = joined(found(Feature.MODERATION, Answer((), extra={"modelVersion": "2021-04-01"})), api=API_32)
    assert body["adult"] == {
        "isAdultContent": False,
        "isRacyContent": False,
        "isGoryContent": False,
        "adultScore": 0.0,
        "racyScore": 0.0,
        "goreScore": 0.0,
    }
    assert body["modelVersion"] == "2021-04-01"


def test_tags_are_the_vendors_own_body_or_made_of_labels() -> None:
    own = b'{"tagsResult":{"values":[{"name":"dog","confidence":0.99}]},"modelVersion":"2023-10-01","metadata":{}}'
    label = Detection(Feature.LABELS, "Dog", 0.9, None, "rekognition", {"count": 2})
    assert join(API_40, [found(Feature.LABELS, Answer((label,), own, "azure"))], None, "r") == own
    assert joined(found(Feature.LABELS, Answer((label,))))["tagsResult"] == {"values": [{"name": "dog", "confidence": 0.9}]}
    of_4_0 = Answer((label,), own, "azure")
    assert joined(found(Feature.LABELS, of_4_0), api=API_32)["tags"] == [{"name": "dog", "confidence": 0.9}]


@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        (RestReply(400, b'{"error":{"code":"InvalidRequest","message":"m"}}'), Kind.REQUEST_REFUSED, 400),
        (RestReply(429, b"slow"), Kind.THROTTLED, 429),
        (RestReply(503, b'{"error":7}'), Kind.PROVIDER_UNAVAILABLE, 503),
        (RestReply(401, b"[]"), Kind.REQUEST_REFUSED, 401),
    ],
)
def test_a_refused_rest_is_the_vendors_own_error(reply: RestReply, kind: Kind, status: int) -> None:
    with pytest.raises(Problem) as caught:
        rest_members(reply)
    assert caught.value.kind is kind
    assert caught.value.vendor is not None
    assert (caught.value.vendor.vendor, caught.value.vendor.status) == ("azure", status)


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_garbled_rest(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        rest_members(RestReply(200, body))
    assert caught.value.kind is Kind.PROVIDER_GARBLED
    assert rest_members(RestReply(200, b'{"a":1}')) == {"a": 1}
