"""Partial responses: which members stay, and selectors that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.google.masks import MAX_DEPTH, MAX_NAMES, mask_of, prune
from tests.support.google_wire import answered, asked_image, calls_of, found, grpc_request, own_object, rest_request, written

BATCH: Any = image_annotator.BatchAnnotateImagesResponse.pb()
OBJECT = {"name": "Cat", "score": 0.5, "boundingPoly": {"normalizedVertices": [{"x": 0.5, "y": 0.25}, {"x": 1.0}]}}
LABEL = {"description": "Pet", "score": 0.5}
WHOLE = {"responses": [{"localizedObjectAnnotations": [OBJECT, OBJECT], "labelAnnotations": [LABEL], "error": {"code": 3}}]}


def left(selector: str) -> Any:
    """What a selector leaves of the answer."""
    message = json_format.ParseDict(WHOLE, BATCH())
    prune(message, mask_of(selector, BATCH.DESCRIPTOR))
    return json_format.MessageToDict(message)


NAMES = {"responses": [{"localizedObjectAnnotations": [{"name": "Cat"}, {"name": "Cat"}]}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("responses", WHOLE),
        ("*", WHOLE),
        ("responses/localizedObjectAnnotations/name", NAMES),
        ("responses.localized_object_annotations.name", NAMES),
        (" responses ( localizedObjectAnnotations ( name ) ) ", NAMES),
        ("responses(labelAnnotations,error)", {"responses": [{"labelAnnotations": [LABEL], "error": {"code": 3}}]}),
        (
            "responses/labelAnnotations,responses/error/code",
            {"responses": [{"labelAnnotations": [LABEL], "error": {"code": 3}}]},
        ),
        ("responses/labelAnnotations/score,responses(labelAnnotations)", {"responses": [{"labelAnnotations": [LABEL]}]}),
        (
            "responses/*/description",
            {
                "responses": [
                    {
                        "labelAnnotations": [{"description": "Pet"}],
                    }
                ]
            },
        ),
        (
            "responses/localizedObjectAnnotations/boundingPoly/normalizedVertices/x",
            {
                "responses": [
                    {"localizedObjectAnnotations": [{"boundingPoly": {"normalizedVertices": [{"x": 0.5}, {"x": 1.0}]}}] * 2}
                ]
            },
        ),
        ("responses/fullTextAnnotation", {"responses": [{}]}),
    ],
)
def test_what_stays(selector: str, expected: Any) -> None:
    assert left(selector) == expected


@pytest.mark.parametrize(
    "selector",
    [
        *("pets", "responses/pets", "responses/error/code/pets", "responses/*/pets", "responses(labelAnnotations,pets)"),
        *("responses/", "/responses", "responses,", "responses(", "responses()", "responses(error", "responses)"),
        *("responses(error)/code", "responses//error", "resp onses!", "responses;drop", ","),
        "/".join("*" * (MAX_DEPTH + 1)),
        ",".join(["responses"] * (MAX_NAMES + 1)),
    ],
)
def test_selectors_that_mean_nothing(selector: str) -> None:
    with pytest.raises(Problem) as caught:
        left(selector)
    assert caught.value.kind is Kind.INVALID_PARAMETER


SELECTOR = "responses/localizedObjectAnnotations/name"


@pytest.mark.parametrize(
    "raw",
    [
        rest_request(asked_image("OBJECT_LOCALIZATION"), query=f"fields={SELECTOR}"),
        rest_request(asked_image("OBJECT_LOCALIZATION"), query=f"%24fields={SELECTOR}&key=k"),
        rest_request(asked_image("OBJECT_LOCALIZATION"), x_goog_fieldmask=SELECTOR),
        replace(grpc_request(asked_image("OBJECT_LOCALIZATION")), headers={"x-goog-fieldmask": SELECTOR}),
    ],
    ids=["fields", "$fields", "header", "grpc"],
)
def test_wherever_it_stands(raw: RawRequest) -> None:
    assert written(calls_of(raw), [answered(found(own_object("Cat")))]) == [{"localizedObjectAnnotations": [{"name": "Cat"}]}]


def test_an_empty_one_leaves_everything() -> None:
    (response,) = written(
        calls_of(rest_request(asked_image("OBJECT_LOCALIZATION"), query="fields=")), [answered(found(own_object("Cat")))]
    )
    assert response["localizedObjectAnnotations"][0].keys() >= {"name", "score", "boundingPoly"}
