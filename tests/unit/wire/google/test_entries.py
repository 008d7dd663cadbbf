"""A serialized request is counted before it is built, and what its own parser reads is never refused for its form."""

from __future__ import annotations

import tracemalloc

import pytest
from google.cloud import vision
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Kind, Problem
from app.wire.google.entries import MAX_FEATURES, MAX_IMAGES, check_entries
from app.wire.google.request import read_message

REQUEST = vision.BatchAnnotateImagesRequest
EMPTY_IMAGE, EMPTY_FEATURE, LABEL = b"\x0a\0", b"\x12\0", b"\x2a\0"


def image_of(entries: bytes) -> bytes:
    return b"\x0a" + bytes([len(entries) & 0x7F | 0x80, len(entries) >> 7]) + entries


def refused(data: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        check_entries(data)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EMPTY_IMAGE * MAX_IMAGES,
        image_of(EMPTY_FEATURE * MAX_FEATURES) * MAX_IMAGES,
        LABEL * 64,
        b"\x80\x01\x07" + b"\x89\x06" + b"8" * 8 + b"\x8d\x06" + b"4444",  # members of a later version, of every kind
    ],
    ids=["empty", "images", "features", "labels", "unknown"],
)
def test_what_a_client_may_send_passes(data: bytes) -> None:
    check_entries(data)
    REQUEST.pb().FromString(data)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (EMPTY_IMAGE * (MAX_IMAGES + 1), Kind.INVALID_PARAMETER, "Too many images per request."),
        (
            EMPTY_IMAGE + image_of(EMPTY_FEATURE * (MAX_FEATURES + 1)),
            Kind.INVALID_PARAMETER,
            r"'requests[1].features' has more",
        ),
        (LABEL * 201, Kind.MALFORMED_REQUEST, "far too many members"),
        (image_of(b"\x0a\0" * 201), Kind.MALFORMED_REQUEST, "requests[0] has far too many members"),
        (b"\x0a\x05abc", Kind.MALFORMED_REQUEST, "ends too early"),
        (b"\x0d12", Kind.MALFORMED_REQUEST, "ends too early"),
        (b"\x80", Kind.MALFORMED_REQUEST, "ends too early"),
        (b"\x80" * 11, Kind.MALFORMED_REQUEST, "ends too early"),
        (b"\x0b\x0c", Kind.MALFORMED_REQUEST, "unknown kind"),
    ],
)
def test_what_nobody_sends_is_refused(data: bytes, kind: Kind, words: str) -> None:
    problem = refused(data)
    assert problem.kind is kind
    assert words in problem.detail


FEATURES = st.lists(st.builds(vision.Feature, type_=st.integers(0, 11), max_results=st.integers(-1, 9)), max_size=4)
IMAGES = st.builds(vision.Image, content=st.binary(max_size=300))
ONES = st.builds(vision.AnnotateImageRequest, image=IMAGES, features=FEATURES)


@given(st.builds(REQUEST, requests=st.lists(ONES, max_size=MAX_IMAGES), parent=st.text(max_size=9)))
def test_every_request_that_the_vendors_package_writes_passes(request: vision.BatchAnnotateImagesRequest) -> None:
    check_entries(REQUEST.serialize(request))


@given(st.binary(max_size=60))
def test_what_passes_is_read_by_the_parser_and_what_is_refused_is_odd(data: bytes) -> None:
    """Whatever the parser takes passes, but for groups, which it skips."""
    try:
        check_entries(data)
    except Problem as problem:
        if "unknown kind" not in problem.detail:
            with pytest.raises(DecodeError):
                REQUEST.pb().FromString(data)


@pytest.mark.parametrize("data", [EMPTY_IMAGE * 500_000, image_of(EMPTY_FEATURE * 8_000) * 16], ids=["images", "features"])
def test_a_message_of_empty_entries_takes_no_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Problem):
            read_message(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000
