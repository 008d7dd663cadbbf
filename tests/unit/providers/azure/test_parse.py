"""Answers: sound ones are read with their model's version, anything else is garbled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.azure.features import VISUAL_FEATURES
from app.providers.azure.parse import parse
from tests.support.azure_answers import FULL, HEAD, OBJECTS


@pytest.mark.parametrize("feature", list(VISUAL_FEATURES))
def test_an_answer_is_read_whole(feature: Feature) -> None:
    body = json.dumps(FULL[feature]).encode()
    reading = parse(feature, body)
    assert (len(reading.detections), reading.broken, reading.truncated) == (2, 0, False)
    assert reading.verbatim == body
    assert reading.extra == {"modelVersion": FULL[feature]["modelVersion"]}


@pytest.mark.parametrize("feature", list(VISUAL_FEATURES))
def test_nothing_found_is_an_answer(feature: Feature) -> None:
    nothing: Any = []
    for member in reversed(VISUAL_FEATURES[feature].findings):
        nothing = {member: nothing}
    assert parse(feature, json.dumps(HEAD | nothing).encode()).detections == ()


def test_broken_findings_are_counted() -> None:
    reading = parse(Feature.OBJECTS, json.dumps({**HEAD, "objectsResult": {"values": [7, None]}}).encode())
    assert (reading.detections, reading.broken) == ((), 2)


@pytest.mark.parametrize("version", [None, 7, {}])
def test_a_version_that_is_none_is_left_out(version: Any) -> None:
    assert parse(Feature.OBJECTS, json.dumps({**OBJECTS, "modelVersion": version}).encode()).extra == {}


@pytest.mark.parametrize(
    "answer",
    [
        "text", [], None, {}, HEAD,
        {**HEAD, "objectsResult": None}, {**HEAD, "objectsResult": []}, {**HEAD, "objectsResult": {"values": {}}},
        {**HEAD, "peopleResult": {"values": []}},
        {"objectsResult": {"values": []}}, {"objectsResult": {"values": []}, "metadata": {"width": 0, "height": 1}},
        {"error": {"code": "x"}},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_garbled(answer: Any) -> None:
    with pytest.raises(Problem) as raised:
        parse(Feature.OBJECTS, json.dumps(answer).encode())
    assert raised.value.kind is Kind.PROVIDER_GARBLED
