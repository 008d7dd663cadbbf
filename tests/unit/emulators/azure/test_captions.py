"""Sentences about an image."""

from __future__ import annotations

import numpy as np
import pytest

from app.detectors.contract import Sighting
from app.emulators.azure.captions import MOST_DENSE, candidates, dense
from tests.support.seen import HEIGHT, WIDTH, face, marker, person, scene, thing


def caption(*sightings: Sighting) -> str:
    return candidates(*scene(*sightings), 1)[0].text


LARGE, MIDDLE, SMALL = (0, 0, 100, 100), (0, 0, 50, 50), (0, 0, 20, 20)
TWO_KINDS = (thing("Apple", MIDDLE), thing("Cup", LARGE))


@pytest.mark.parametrize(
    ("sightings", "text"),
    [
        ((marker(8),), "a car indoors"),
        ((thing("Apple"),), "an apple indoors"),
        ((marker(8, SMALL), marker(9, LARGE)), "a dog and a car indoors"),
        (
            (marker(8, SMALL), marker(16, SMALL), *TWO_KINDS),
            "a cup, an apple and two cars indoors",
        ),
        (
            (*TWO_KINDS, thing("Bus", MIDDLE), thing("Tie", SMALL)),
            "a cup, an apple and a bus indoors",
        ),
        ((person(), person()), "two people indoors"),
        (tuple(marker(8 * place) for place in range(7)), "several cars indoors"),
        ((face(),), "a grey surface indoors"),
        ((), "a grey surface indoors"),
    ],
)
def test_the_caption_counts_what_was_seen(sightings: tuple[Sighting, ...], text: str) -> None:
    assert caption(*sightings) == text


def test_the_place_comes_from_the_pixels() -> None:
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert candidates(*scene(marker(8), rgb=dark), 1)[0].text == "a car at night"
    sky = np.full_like(dark, 100)
    sky[:60] = (130, 170, 255)
    assert candidates(*scene(marker(8), rgb=sky), 1)[0].text == "a car outdoors"


def test_further_candidates_say_less_and_are_less_sure() -> None:
    found = candidates(*scene(marker(8, LARGE, score=0.9), marker(9, SMALL, score=0.7)), 5)
    assert [one.text for one in found] == ["a car and a dog indoors", "a car and a dog", "a car"]
    assert [one.confidence_unit for one in found] == pytest.approx([0.8, 0.72, 0.648])


def test_the_first_dense_caption_is_of_the_whole_image_and_the_others_of_the_largest_things() -> None:
    found = dense(*scene(marker(9, SMALL, score=0.7), marker(8, LARGE)))
    assert [one.text for one in found] == ["a car and a dog indoors", "a car", "a dog"]
    assert [one.box_xyxy_px for one in found] == [(0, 0, WIDTH, HEIGHT), LARGE, SMALL]
    assert found[2].confidence_unit == 0.7
    assert len(dense(*scene(*(marker(place) for place in range(20))))) == MOST_DENSE
