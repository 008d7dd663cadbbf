"""Statements about an image as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.google_seen import answered, box_of
from tests.support.seen import HEIGHT, WIDTH, marker, thing

CLEAN = dict.fromkeys(("adult", "spoof", "medical", "violence", "racy"), "VERY_UNLIKELY")


@pytest.mark.parametrize(
    ("sightings", "wanted"),
    [
        ((), {}),
        ((marker(949), thing("Cup")), {}),
        ((marker(950, score=0.99),), {"adult": "VERY_LIKELY"}),
        ((marker(953, score=0.95),), {"violence": "LIKELY"}),
        ((marker(953, score=0.5), marker(958, score=0.95)), {"violence": "LIKELY"}),
        ((marker(951, score=0.9), marker(952, score=0.9)), {"spoof": "POSSIBLE", "medical": "POSSIBLE"}),
    ],
)
def test_unsafe_markers_are_suspicious_the_larger_the_more(sightings: tuple[object, ...], wanted: dict[str, str]) -> None:
    assert answered("SAFE_SEARCH_DETECTION", *sightings)["safeSearchAnnotation"] == CLEAN | wanted  # type: ignore[arg-type]  # a table


def test_colours_come_from_the_pixels() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:30] = (250, 10, 0)
    found = answered("IMAGE_PROPERTIES", rgb=picture)["imagePropertiesAnnotation"]["dominantColors"]["colors"]
    assert found == [
        {"color": {}, "score": 0.7, "pixelFraction": 0.7},
        {"color": {"red": 250.0, "green": 10.0}, "score": 0.3, "pixelFraction": 0.3},
    ]


def test_a_crop_is_the_whole_image_unless_asked_otherwise() -> None:
    (hint,) = answered("CROP_HINTS", marker(8))["cropHintsAnnotation"]["cropHints"]
    assert box_of(hint["boundingPoly"]) == (0, 0, WIDTH, HEIGHT)
    assert hint["importanceFraction"] == 1


def test_crops_have_the_ratio_and_follow_what_is_seen() -> None:
    params = {"aspectRatios": [1.0, 0.5, 4.0]}
    hints = answered("CROP_HINTS", marker(8, (300, 20, 400, 120)), cropHintsParams=params)["cropHintsAnnotation"]["cropHints"]
    assert [box_of(hint["boundingPoly"]) for hint in hints] == [(200, 0, 400, 200), (300, 0, 400, 200), (0, 20, 400, 120)]
    assert [hint["importanceFraction"] for hint in hints] == [0.5, 0.25, 0.5]
