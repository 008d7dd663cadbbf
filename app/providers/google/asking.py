"""From an inquiry and an image to the request message. Pure; called by `provider`, off the event loop.

Two ways of asking. An image that is sent alone and whose client spoke Google's language is asked with the client's own words
(proto3 JSON of an AnnotateImageRequest without its image). Everything else is asked with the lane's parameters, canonical
JSON of an object with these members, all optional:

    "model"         Feature.model
    "imageContext"  ImageContext, as proto3 JSON
    "document"      true: DOCUMENT_TEXT_DETECTION instead of TEXT_DETECTION

Another vendor's parameters and words mean nothing here.

One image per call: a batch costs as much as its images one by one, and one bad neighbour less.
"""

from __future__ import annotations

from typing import Any

import orjson
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.model import Feature, Inquiry
from app.errors import Kind, Problem
from app.providers.google.features import DOCUMENT_TEXT, MOST_RESULTS, TYPES, UNCAPPED, VENDOR

_BATCH = image_annotator.BatchAnnotateImagesRequest


def request_of(image: bytes, inquiry: Inquiry) -> image_annotator.BatchAnnotateImagesRequest:
    """The request for `inquiry`. Raises Problem(INVALID_PARAMETER) for words that are none of an AnnotateImageRequest."""
    batch = _BATCH.pb()()
    try:
        one = json_format.ParseDict(_asked(inquiry.heard_by(VENDOR)), batch.requests.add(), ignore_unknown_fields=True)
    except (ValueError, json_format.ParseError, RecursionError) as error:  # of JSON, of the message, of an attacker
        raise Problem(Kind.INVALID_PARAMETER, "The parameters of the request cannot be understood") from error
    one.image.Clear()
    one.image.content = image
    request: image_annotator.BatchAnnotateImagesRequest = _BATCH.wrap(batch)
    return request


def _asked(inquiry: Inquiry) -> dict[str, Any]:
    if inquiry.own_request:
        return _object(inquiry.own_request)
    parameters = _object(inquiry.parameters)
    feature = {"type": _type(inquiry.feature, parameters)}
    if inquiry.feature not in UNCAPPED:
        feature["maxResults"] = MOST_RESULTS
    if parameters.get("model"):
        feature["model"] = parameters["model"]
    return {"features": [feature], "imageContext": parameters.get("imageContext", {})}


def _type(feature: Feature, parameters: dict[str, Any]) -> Any:
    is_dense = feature is Feature.TEXT and parameters.get("document") is True
    return DOCUMENT_TEXT if is_dense else TYPES[feature]


def _object(text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
