"""What an answered image costs."""

from __future__ import annotations

import pytest

from app.emulators.google.asked import Feature
from app.emulators.google.billing import charges


@pytest.mark.parametrize(
    ("features", "paid"),
    [
        ("", ""),
        ("OBJECT_LOCALIZATION FACE_DETECTION", "OBJECT_LOCALIZATION FACE_DETECTION"),
        ("SAFE_SEARCH_DETECTION", "SAFE_SEARCH_DETECTION"),
        ("SAFE_SEARCH_DETECTION LABEL_DETECTION", "LABEL_DETECTION"),
        ("CROP_HINTS", "CROP_HINTS"),
        ("IMAGE_PROPERTIES CROP_HINTS", "IMAGE_PROPERTIES"),
        ("LABEL_DETECTION CROP_HINTS", "LABEL_DETECTION CROP_HINTS"),
        ("TEXT_DETECTION DOCUMENT_TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"),
        ("TEXT_DETECTION", "TEXT_DETECTION"),
    ],
)
def test_each_feature_is_a_unit_and_some_are_free_beside_others(features: str, paid: str) -> None:
    assert list(charges([Feature(name) for name in features.split()])) == paid.split()
