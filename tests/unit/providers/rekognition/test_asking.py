"""Request bodies: the client's own words copied as text, or the lane's parameters with the loosest filters."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from app.core.model import Feature, Inquiry
from app.errors import Kind, Problem
from app.providers.rekognition.asking import request_body

IMAGE = b"\xff\xd8 not a real one \x00\xff"
BYTES = base64.b64encode(IMAGE).decode()


def asked(inquiry: Inquiry) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request_body(IMAGE, inquiry))
    assert body.pop("Image") == {"Bytes": BYTES}
    return body


@pytest.mark.parametrize(
    ("inquiry", "members"),
    [
        (Inquiry(Feature.OBJECTS), {}),
        (Inquiry(Feature.OBJECTS, min_score_unit=0.55), {"MinConfidence": 55.0}),
        (Inquiry(Feature.OBJECTS, min_score_unit=0.0), {"MinConfidence": 0.0}),
        (Inquiry(Feature.OBJECTS, min_score_unit=0.123456789), {"MinConfidence": 12.3457}),
        # A limit counts boxes; AWS's counts labels, those without boxes, too: it would cost boxes that are within the limit.
        (Inquiry(Feature.OBJECTS, max_results=7), {}),
        (
            Inquiry(Feature.OBJECTS, '{"Settings":{"GeneralLabels":{"LabelInclusionFilters":["Cat"]}}}', 0.5),
            {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Cat"]}}, "MinConfidence": 50.0},
        ),
        (Inquiry(Feature.FACES, '{"Attributes":["ALL"]}', 0.5, 3), {"Attributes": ["ALL"]}),
        (Inquiry(Feature.LABELS, "{}", 0.5, 3), {"MinConfidence": 50.0}),
        (Inquiry(Feature.MODERATION), {}),
        (Inquiry(Feature.MODERATION, "{}", 0.15, categories=("adult",)), {"MinConfidence": 15.0}),
        (Inquiry(Feature.MODERATION, '{"ProjectVersion":"arn"}', 0.01), {"ProjectVersion": "arn", "MinConfidence": 1.0}),
        (Inquiry(Feature.CELEBRITIES, "{}", 0.5, 3), {}),
        (
            Inquiry(Feature.PROTECTIVE_EQUIPMENT, '{"SummarizationAttributes":{"MinConfidence":80}}', 0.5, 3),
            {"SummarizationAttributes": {"MinConfidence": 80}},
        ),
        (
            Inquiry(Feature.CUSTOM_OBJECTS, '{"MinConfidenceGiven":true,"ProjectVersionArn":"arn"}', 0.3, 5),
            {"ProjectVersionArn": "arn", "MinConfidence": 30.0},
        ),
        (
            Inquiry(Feature.CUSTOM_OBJECTS, '{"MinConfidenceGiven":false,"ProjectVersionArn":"arn"}', 0.3),
            {"ProjectVersionArn": "arn"},
        ),
        (Inquiry(Feature.CUSTOM_OBJECTS, '{"ProjectVersionArn":"arn"}', 0.3), {"ProjectVersionArn": "arn"}),
    ],
)
def test_a_merged_inquiry_is_asked_with_the_lanes_parameters(inquiry: Inquiry, members: dict[str, Any]) -> None:
    assert asked(inquiry) == members


@pytest.mark.parametrize(
    ("own_request", "body"),
    [
        ("{}", '{"Image":{"Bytes":"%s"}}'),
        ("{ }", '{"Image":{"Bytes":"%s"}}'),
        (' {"MaxLabels":3} ', '{"MaxLabels":3,"Image":{"Bytes":"%s"}}'),
        (
            '{"Big":123456789012345678901234567890,"F":1.10}',
            '{"Big":123456789012345678901234567890,"F":1.10,"Image":{"Bytes":"%s"}}',
        ),
        ('{"Named":"Zoë"}', '{"Named":"Zoë","Image":{"Bytes":"%s"}}'),
    ],
)
def test_a_clients_own_words_are_copied_as_text(own_request: str, body: str) -> None:
    inquiry = Inquiry(Feature.OBJECTS, "{}", 0.9, 1, own_vendor="rekognition", own_request=own_request)
    assert request_body(IMAGE, inquiry).decode() == body % BYTES


def test_the_image_that_was_given_wins_over_one_in_the_words() -> None:
    inquiry = Inquiry(Feature.OBJECTS, own_vendor="rekognition", own_request='{"Image":{"S3Object":{"Bucket":"b"}}}')
    assert asked(inquiry) == {}


@pytest.mark.parametrize(
    "foreign",
    [
        Inquiry(Feature.FACES, own_vendor="google", own_request='{"features":[]}'),
        Inquiry(
            Feature.TEXT, '{"language":"de","model-version":"2023-10-01"}', own_vendor="azure", own_request="features=read"
        ),
        Inquiry(Feature.TEXT, '{"document":true,"imageContext":{"languageHints":["de"]}}', own_vendor="google"),
    ],
)
def test_another_vendors_words_and_parameters_are_not_used(foreign: Inquiry) -> None:
    """AWS refuses members that it does not know."""
    assert asked(foreign) == {}


@pytest.mark.parametrize(
    "inquiry",
    [
        Inquiry(Feature.FACES, parameters="[]"),
        Inquiry(Feature.FACES, parameters="{"),
        Inquiry(Feature.FACES, parameters='{"a":"\ud800"}'),
        Inquiry(Feature.FACES, own_vendor="rekognition", own_request="[]"),
        Inquiry(Feature.FACES, own_vendor="rekognition", own_request='{"a":"\ud800"}'),
    ],
)
def test_words_that_are_no_json_object_are_refused_before_anything_is_paid(inquiry: Inquiry) -> None:
    with pytest.raises(Problem) as raised:
        request_body(IMAGE, inquiry)
    assert raised.value.kind is Kind.INVALID_PARAMETER
