"""What is declared about Cloud Vision holds together."""

from __future__ import annotations

import pytest
from google.cloud import vision

from app.core.accuracy import table
from app.core.model import Feature
from app.providers.google.features import DOCUMENT_TEXT, capabilities


def test_what_the_provider_declares_is_whole() -> None:
    declared = capabilities()
    assert (declared.provider, declared.vendor) == ("google", "google")
    assert declared.features == set(declared.max_image_bytes)
    assert declared.formats <= {"jpeg", "png", "webp"}
    assert 1 <= declared.min_side_px <= declared.sheet_side_px <= declared.max_side_px
    assert declared.max_side_px**2 <= 75_000_000
    assert table(declared.accuracy_table)


def test_every_name_is_the_protocols_own() -> None:
    prices = capabilities().prices
    names = {*capabilities().names.values(), DOCUMENT_TEXT, *prices.each, *prices.free_beside, *prices.free_beside.values()}
    assert names <= set(vision.Feature.Type.__members__)


@pytest.mark.parametrize(
    ("names", "dollars"),
    [
        ([], 0.0),
        (["OBJECT_LOCALIZATION"], 0.00225),
        (["FACE_DETECTION"], 0.0015),
        (["SAFE_SEARCH_DETECTION"], 0.0015),
        (["SAFE_SEARCH_DETECTION", "LABEL_DETECTION"], 0.0015),
        (["CROP_HINTS", "IMAGE_PROPERTIES"], 0.0015),
        (["CROP_HINTS", "LABEL_DETECTION"], 0.003),
        (["TEXT_DETECTION", DOCUMENT_TEXT], 0.0015),
        (["WEB_DETECTION", "FACE_DETECTION"], 0.005),
    ],
)
def test_prices_are_the_lists(names: list[str], dollars: float) -> None:
    """Per image; what is free beside something else is free only there."""
    assert capabilities().prices.of(names) == pytest.approx(dollars)


def test_a_feature_costs_what_its_name_costs() -> None:
    assert capabilities().dollars(Feature.OBJECTS) == 0.00225
    assert capabilities().dollars(Feature.TEXT) == 0.0015
    assert capabilities().dollars(Feature.LABELS) == capabilities().dollars(Feature.MODERATION) == 0.0015
