"""What is put into a request: the client's own words for an image alone, the lane's parameters for everything else."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.model import Feature, Inquiry, canonical_json
from app.errors import Kind, Problem
from app.providers.google.asking import request_of
from app.providers.google.features import MOST_RESULTS, TYPES

IMAGE = b"\xff\xd8image"


def asked(inquiry: Inquiry) -> dict[str, Any]:
    """The one request, without its image, which must be there."""
    (one,) = image_annotator.BatchAnnotateImagesRequest.pb(request_of(IMAGE, inquiry)).requests
    assert one.image.content == IMAGE
    assert not one.image.HasField("source")
    one.ClearField("image")
    told: dict[str, Any] = json_format.MessageToDict(one)
    return told


@pytest.mark.parametrize("feature", list(TYPES))
def test_a_sheet_is_asked_for_one_feature_and_enough_of_it(feature: Feature) -> None:
    """`max_results` of an inquiry only filters: a crowded image must not use up its neighbours' share."""
    most = {} if feature in {Feature.TEXT, Feature.MODERATION} else {"maxResults": MOST_RESULTS}
    assert asked(Inquiry(feature, max_results=3)) == {"features": [{"type": TYPES[feature], **most}], "imageContext": {}}


def test_the_lanes_parameters_are_asked_with() -> None:
    parameters = {"model": "builtin/latest", "document": True, "imageContext": {"languageHints": ["de"]}}
    assert asked(Inquiry(Feature.TEXT, canonical_json(parameters))) == {
        "features": [{"type": "DOCUMENT_TEXT_DETECTION", "model": "builtin/latest"}],
        "imageContext": {"languageHints": ["de"]},
    }


def test_the_clients_own_words_are_sent_as_they_are() -> None:
    """Enums by number or name, unknown members left out; whatever image they speak of is replaced."""
    own = (
        '{"image":{"source":{"imageUri":"gs://a/b"}},"features":[{"type":19,"maxResults":7},{"type":"FACE_DETECTION"}],"new":1}'
    )
    told = asked(Inquiry(Feature.OBJECTS, max_results=2, own_vendor="google", own_request=own))
    assert told == {"features": [{"type": "OBJECT_LOCALIZATION", "maxResults": 7}, {"type": "FACE_DETECTION"}]}


@pytest.mark.parametrize("parameters", ["{}", '{"model":"x","imageContext":{"languageHints":["de"]}}'])
def test_another_vendors_words_and_parameters_are_not_ours(parameters: str) -> None:
    told = asked(Inquiry(Feature.LOGOS, parameters, own_vendor="rekognition", own_request='{"features":[]}'))
    assert told == {"features": [{"type": "LOGO_DETECTION", "maxResults": MOST_RESULTS}], "imageContext": {}}


@pytest.mark.parametrize(
    "wrong",
    [
        Inquiry(Feature.FACES, own_vendor="google", own_request="{"),
        Inquiry(Feature.FACES, own_vendor="google", own_request="[]"),
        Inquiry(Feature.FACES, own_vendor="google", own_request='{"features":3}'),
        Inquiry(Feature.FACES, own_vendor="google", own_request='{"features":[{"type":[]}]}'),
        Inquiry(Feature.FACES, own_vendor="google", own_request='{"features":[{"maxResults":"many"}]}'),
        Inquiry(Feature.FACES, own_vendor="google", own_request="\ud800"),
        Inquiry(Feature.FACES, "{"),
        Inquiry(Feature.FACES, "[]"),
        Inquiry(Feature.FACES, '{"imageContext":3}'),
        Inquiry(Feature.FACES, '{"model":3}'),
    ],
    ids=repr,
)
def test_words_that_are_none_are_a_problem(wrong: Inquiry) -> None:
    with pytest.raises(Problem) as raised:
        request_of(IMAGE, wrong)
    assert raised.value.kind is Kind.INVALID_PARAMETER
