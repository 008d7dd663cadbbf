"""Answers: sound ones are read with their model's version, anything else is garbled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.azure.features import VISUAL_FEATURES
from app.providers.azure.parse import parse
from tests.support.azure_answers import ADULT, FULL, HEAD, HEAD_32, OBJECTS


@pytest.mark.parametrize("feature", list(VISUAL_FEATURES))
def test_an_answer_is_read_whole(feature: Feature) -> None:
    body = json.dumps(FULL[feature]).encode()
    reading = parse(feature, body)
    assert (len(reading.detections), reading.broken, reading.truncated) == (3 if feature is Feature.MODERATION else 2, 0, False)
    assert reading.verbatim == body
    assert reading.extra == {"modelVersion": FULL[feature]["modelVersion"]}


@pytest.mark.parametrize("feature", sorted(VISUAL_FEATURES.keys() - {Feature.MODERATION}))
def test_nothing_found_is_an_answer(feature: Feature) -> None:
    nothing: Any = []
    for member in reversed(VISUAL_FEATURES[feature].findings):
        nothing = {member: nothing}
    assert parse(feature, json.dumps(HEAD | nothing).encode()).detections == ()


def test_broken_findings_are_counted() -> None:
    reading = parse(Feature.OBJECTS, json.dumps({**HEAD, "objectsResult": {"values": [7, None]}}).encode())
    assert (reading.detections, reading.broken) == ((), 2)


@pytest.mark.parametrize(
    "said", [{}, {"adult": None}, {"adult": []}, {"adult": [ADULT["adult"]]}, {"adult": "no"}, {"adult": True}, {"tags": []}]
)
def test_silence_about_unsafe_content_is_garbled_and_never_clean(said: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        parse(Feature.MODERATION, json.dumps({**HEAD_32, **said}).encode())
    assert raised.value.kind is Kind.PROVIDER_GARBLED


def test_what_adult_does_not_say_is_counted_as_broken() -> None:
    reading = parse(Feature.MODERATION, json.dumps({**HEAD_32, "adult": {"racyScore": 0.25}}).encode())
    assert ([each.label for each in reading.detections], reading.broken) == (["racy"], 2)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "x", "y", "adult"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(list(VISUAL_FEATURES)), st.data())
def test_an_answer_with_a_random_wound_is_read_or_garbled(feature: Feature, data: st.DataObject) -> None:
    """Any value, NaN and huge numbers among them, in place of any member on the way to the findings or inside of them."""
    answer: Any = json.loads(json.dumps(FULL[feature]))
    node, steps = answer, data.draw(st.integers(0, 3))
    for _ in range(steps):
        children = [
            child for child in (node.values() if isinstance(node, dict) else node) if child and isinstance(child, dict | list)
        ]
        node = data.draw(st.sampled_from(children)) if children else node
    key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
    node[key] = data.draw(json_values)
    assert_read_or_garbled(feature, json.dumps(answer).encode())


@given(st.sampled_from(list(VISUAL_FEATURES)), st.data())
def test_a_body_with_random_bytes_is_read_or_garbled(feature: Feature, data: st.DataObject) -> None:
    body = bytearray(json.dumps(FULL[feature]).encode())
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    assert_read_or_garbled(feature, bytes(body))


def assert_read_or_garbled(feature: Feature, body: bytes) -> None:
    try:
        reading = parse(feature, body)
    except Problem as problem:
        if problem.kind is not Kind.PROVIDER_GARBLED:
            raise
        return
    assert all(0.0 <= each.score_unit <= 1.0 for each in reading.detections)
    if feature is Feature.MODERATION:
        assert len(reading.detections) + reading.broken == 3


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
