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
        ((marker(950, score=0.9),), {"adult": "VERY_LIKELY"}),
        ((marker(951, score=0.89),), {"spoof": "LIKELY"}),
        ((marker(952, score=0.7),), {"medical": "LIKELY"}),
        ((marker(953, score=0.69),), {"violence": "POSSIBLE"}),
        ((marker(953, score=0.5),), {"violence": "POSSIBLE"}),
        ((marker(954, score=0.49),), {"racy": "UNLIKELY"}),
        ((marker(954, score=0.2),), {"racy": "UNLIKELY"}),
        ((marker(954, score=0.19),), {}),
        ((marker(953, score=0.5), marker(958, score=0.95)), {"violence": "VERY_LIKELY"}),
        ((marker(951, score=0.75), marker(952, score=0.6)), {"spoof": "LIKELY", "medical": "POSSIBLE"}),
    ],
)
def test_each_kind_is_as_likely_as_its_surest_marker_is_sure(sightings: tuple[object, ...], wanted: dict[str, str]) -> None:
    assert answered("SAFE_SEARCH_DETECTION", *sightings)["safeSearchAnnotation"] == CLEAN | wanted  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize(("side_px", "likelihood"), [(100, "VERY_LIKELY"), (60, "LIKELY"), (30, "POSSIBLE"), (12, "UNLIKELY")])
def test_the_smaller_the_less_likely(side_px: int, likelihood: str) -> None:
    found = answered("SAFE_SEARCH_DETECTION", marker(950, (40, 20, 40 + side_px, 20 + side_px)))["safeSearchAnnotation"]
    assert found["adult"] == likelihood


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
