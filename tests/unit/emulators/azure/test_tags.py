"""Tags of the whole image."""

from __future__ import annotations

import numpy as np

from app.emulators.azure.tags import tags_in
from tests.support.seen import marker, scene, thing


def test_each_word_comes_once_as_sure_as_the_surest_thing() -> None:
    tags = {tag.name: tag.confidence_unit for tag in tags_in(*scene(marker(8, score=0.9), marker(16, score=0.7), thing("Cup")))}
    assert tags["car"] == tags["vehicle"] == tags["Car-0008"] == 0.9
    assert tags["Car-0016"] == 0.7
    assert tags["cup"] == 0.6


def test_the_surest_comes_first() -> None:
    found = [tag.confidence_unit for tag in tags_in(*scene(marker(8), thing("Cup", score=0.3)))]
    assert found == sorted(found, reverse=True)


def test_the_place_is_told_by_the_pixels() -> None:
    dark = np.zeros((60, 80, 3), np.uint8)
    sky = dark.copy()
    sky[:20] = (120, 160, 255)
    assert {tag.name for tag in tags_in(*scene(rgb=dark))} == {"indoor", "night", "nature", "outdoor"}
    assert {tag.name for tag in tags_in(*scene(rgb=sky))} == {"outdoor", "night", "nature"}
    sky[20:] = 90
    assert {tag.name for tag in tags_in(*scene(rgb=sky))} == {"outdoor", "nature"}
