"""From the answer message to a reading."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.geometry import Size
from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.contract import Reading
from app.providers.google.features import MOST_RESULTS
from app.providers.google.parse import frame_of, parse
from tests.support.google_answers import FULL, IMAGE, LABEL, LOGO, text, word
from tests.support.google_upstream import batch
from tests.support.images import encoded, painted


def parsed(feature: Feature, *responses: dict[str, Any], image: bytes = IMAGE) -> Reading:
    answer = image_annotator.BatchAnnotateImagesResponse.wrap(batch(*responses))
    return parse(feature, image, answer)


@pytest.mark.parametrize("feature", list(FULL))
def test_the_verbatim_is_the_one_response_as_bytes(feature: Feature) -> None:
    """Everything in it, also what was not asked for."""
    response = {"safeSearchAnnotation": {"adult": "LIKELY"}, **FULL[feature]}
    reading = parsed(feature, response)
    assert reading.verbatim == batch(response).responses[0].SerializeToString()
    assert reading.detections
    assert (reading.broken, reading.truncated) == (0, False)


def test_nothing_found_is_an_answer() -> None:
    assert parsed(Feature.OBJECTS, {}) == Reading((), b"")


def test_broken_findings_are_counted() -> None:
    reading = parsed(Feature.LOGOS, {"logoAnnotations": [LOGO, LOGO | {"description": ""}]})
    assert (len(reading.detections), reading.broken) == (1, 1)


@pytest.mark.parametrize("response", [{}, {"labelAnnotations": [LABEL]}])
def test_silence_about_unsafe_content_is_garbled_and_never_clean(response: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        parsed(Feature.MODERATION, response)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


def test_a_likelihood_that_nobody_knows_yet_is_broken_and_its_neighbours_stand() -> None:
    reading = parsed(Feature.MODERATION, {"safeSearchAnnotation": {"adult": 17, "racy": "LIKELY"}})
    assert (len(reading.detections), reading.broken, reading.truncated) == (4, 1, False)


@pytest.mark.parametrize(("count", "truncated"), [(MOST_RESULTS - 1, False), (MOST_RESULTS, True)])
def test_as_many_labels_as_were_asked_for_may_not_be_all(count: int, truncated: bool) -> None:
    assert parsed(Feature.LABELS, {"labelAnnotations": [LABEL] * count}).truncated is truncated


@settings(deadline=None)
@given(st.sampled_from(list(FULL)), st.sampled_from([*FULL.values()]), st.data())
def test_whatever_the_message_says_is_read_or_garbled_or_the_vendors_error(
    feature: Feature, response: dict[str, Any], data: st.DataObject
) -> None:
    """Random bytes in a random place, as far as the vendor's own types take them at all."""
    body = bytearray(batch(response).SerializeToString())
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        answer = image_annotator.BatchAnnotateImagesResponse.deserialize(bytes(body))
    except DecodeError:
        return
    try:
        reading = parse(feature, IMAGE, answer)
    except Problem as problem:
        if problem.kind is not Kind.PROVIDER_GARBLED and problem.vendor is None:
            raise
        return
    assert all(0.0 <= each.score_unit <= 1.0 for each in reading.detections)
    if feature is Feature.MODERATION:
        assert len(reading.detections) + reading.broken == 5


def test_a_page_full_of_words_is_not_cut_off() -> None:
    """There is no cap on them."""
    reading = parsed(Feature.TEXT, text([[word("a", 0) for _ in range(500)]]))
    assert (len(reading.detections), reading.truncated) == (500, False)


@pytest.mark.parametrize("count", [0, 2])
def test_one_image_has_one_response(count: int) -> None:
    with pytest.raises(Problem) as raised:
        parsed(Feature.OBJECTS, *[{}] * count)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


def test_an_error_counts_even_beside_findings() -> None:
    with pytest.raises(Problem) as raised:
        parsed(Feature.OBJECTS, {**FULL[Feature.OBJECTS], "error": {"code": 13, "message": "half way"}})
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize(
    ("kind", "orientation", "frame"),
    [
        ("jpeg", 1, Size(60, 20)),
        ("jpeg", 6, Size(60, 20)),
        ("png", 1, Size(60, 20)),
        ("webp", 1, Size(60, 20)),
        ("webp", 6, Size(20, 60)),
    ],
)
def test_pixels_count_in_the_image_as_the_vendor_sees_it(kind: str, orientation: int, frame: Size) -> None:
    """Of a turned file, JPEG only is taken to be turned."""
    assert frame_of(encoded(painted(Size(60, 20), (0, 0, 9, 9)), kind, orientation)) == frame


@pytest.mark.parametrize("image", [b"", b"GIF89a", IMAGE[:8]])
def test_what_we_cannot_read_has_no_size(image: bytes) -> None:
    assert frame_of(image) is None
