"""What a request says, and how the vendor says that it says nothing."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Kind, Problem
from app.wire.google.request import MAX_JSON_BYTES, Asked, read_json, read_message


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        read_json(body)
    return caught.value


def body_of(content: Any) -> bytes:
    return json.dumps({"requests": [{"image": {"content": content}}]}).encode()


@given(st.binary(max_size=60))
def test_every_spelling_of_base64_is_read(data: bytes) -> None:
    """Both alphabets, padded or not, with line breaks."""
    plain, safe = b64encode(data).decode(), urlsafe_b64encode(data).decode()
    for text in (plain, safe, plain.rstrip("="), safe.rstrip("="), "\n".join(plain)):
        assert read_json(body_of(text)).images[0].content == data


@pytest.mark.parametrize("content", ["a", "====", "ä", "a*bc", 5, [], {}, True])
def test_what_is_no_base64_is_refused(content: Any) -> None:
    assert "Base64 decoding failed" in refused(body_of(content)).detail


NAMES = st.sampled_from(["requests", "image", "content", "source", "features", "type", "maxResults", "parent"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


def kind_of(read: Callable[[bytes], Asked], body: bytes) -> Kind | None:
    """None where it is read. Anything but a Problem fails the test."""
    try:
        read(body)
    except Problem as problem:
        return problem.kind
    return None


@given(TREES)
def test_no_json_is_more_than_a_problem(value: Any) -> None:
    """Wrong types anywhere are the vendor's clear error, never another exception."""
    assert kind_of(read_json, json.dumps(value).encode()) in {None, Kind.MALFORMED_REQUEST, Kind.INVALID_PARAMETER}


@given(st.binary(max_size=60))
def test_no_message_is_more_than_a_problem(data: bytes) -> None:
    assert kind_of(read_message, data) in {None, Kind.MALFORMED_REQUEST, Kind.INVALID_PARAMETER}


def test_bodies_have_a_size() -> None:
    assert refused(b" " * (MAX_JSON_BYTES + 1)).kind is Kind.BODY_TOO_LARGE


def test_words_about_one_image_have_a_size() -> None:
    hints = {"languageHints": ["x" * 70_000]}
    assert "larger than" in refused(json.dumps({"requests": [{"imageContext": hints}]}).encode()).detail


def test_image_uri_wins_over_its_old_spelling() -> None:
    source = {"imageUri": "https://a.example/", "gcsImageUri": "gs://b/c"}
    assert read_json(json.dumps({"requests": [{"image": {"source": source}}]}).encode()).images[0].uri == "https://a.example/"
    old = {"gcsImageUri": "gs://b/c"}
    assert read_json(json.dumps({"requests": [{"image": {"source": old}}]}).encode()).images[0].uri == "gs://b/c"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "No request is given"),
        (b"{", "Invalid JSON payload received."),
        (b"[]", "Its root is not an object"),
        (b'{"requests": [' + b"{}," * 20_000 + b"{}]}", "far too many values"),
        (b'{"requests": [' + b"{}," * 16 + b"{}]}", "Too many images per request."),
        (b'{"requests": [{}, {"features": [' + b"{}," * 50 + b"{}]}]}", "'requests[1].features' has more than 50 entries."),
        (b'{"requests": [{"picture": {}}]}', "Unknown name \"picture\" at 'requests[0]': Cannot find field."),
        (b'{"requests": [{"features": [{"type": "OBJEKTE"}]}]}', "'requests[0].features[0].type' (type.googleapis.com/"),
        (b'{"requests": [{"imageContext": {"latLongRect": {"minLatLng": {"latitude": {}}}}}]}', "Invalid value at 'requests"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_as_the_vendor_says_it(body: bytes, words: str) -> None:
    assert words in refused(body).detail
