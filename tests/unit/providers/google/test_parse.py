"""From the answer message to a reading."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator

from app.core.geometry import Size
from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.contract import Reading
from app.providers.google.parse import frame_of, parse
from tests.support.google_answers import FULL, IMAGE, LOGO, text, word
from tests.support.google_upstream import batch
from tests.support.images import encoded, painted


def parsed(feature: Feature, *responses: dict[str, Any], image: bytes = IMAGE) -> Reading:
    answer = image_annotator.BatchAnnotateImagesResponse.wrap(batch(*responses))
    return parse(feature, image, answer)


@pytest.mark.parametrize("feature", list(FULL))
def test_the_verbatim_is_the_one_response_as_bytes(feature: Feature) -> None:
    """Everything in it, also what was not asked for."""
    response = {**FULL[feature], "safeSearchAnnotation": {"adult": "LIKELY"}}
    reading = parsed(feature, response)
    assert reading.verbatim == batch(response).responses[0].SerializeToString()
    assert reading.detections
    assert (reading.broken, reading.truncated) == (0, False)


def test_nothing_found_is_an_answer() -> None:
    assert parsed(Feature.OBJECTS, {}) == Reading((), b"")


def test_broken_findings_are_counted() -> None:
    reading = parsed(Feature.LOGOS, {"logoAnnotations": [LOGO, LOGO | {"description": ""}]})
    assert (len(reading.detections), reading.broken) == (1, 1)


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
