"""The images of the bench: as many unsafe ones as was said, and markers that can be read."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from app.bench.pictures import SAFE, UNSAFE, Album, Shot, paint_album
from app.detectors.markers import MarkerDetector, marker_id_of
from app.emulators.meanings import is_unsafe


@pytest.fixture(scope="module")
def album() -> Album:
    return paint_album(3)


def markers_in(shot: Shot) -> list[int]:
    seen = MarkerDetector().look(np.asarray(Image.open(io.BytesIO(shot.data)).convert("RGB")))
    return [marker for one in seen if (marker := marker_id_of(one.label)) is not None]


def test_each_image_shows_one_marker_that_is_what_the_truth_says(album: Album) -> None:
    assert (len(album.safe), len(album.unsafe)) == (SAFE, UNSAFE)
    for shot in [*album.safe, *album.unsafe]:
        assert [is_unsafe(marker) for marker in markers_in(shot)] == [shot.is_unsafe]


def test_images_differ_and_the_same_seed_paints_the_same(album: Album) -> None:
    shots = [*album.safe, *album.unsafe]
    assert len({shot.data for shot in shots}) == len(shots)
    assert paint_album(3) == album
    assert paint_album(4) != album


@pytest.mark.parametrize(
    ("images", "prevalence", "unsafe"),
    [(1000, 0.001, 1), (1000, 0.0, 0), (1000, 0.3, 300), (10, 1.0, 10), (7, 0.5, 4), (1, 0.1, 0)],
)
def test_a_line_has_exactly_as_many_unsafe_images_as_its_prevalence_says(
    album: Album, images: int, prevalence: float, unsafe: int
) -> None:
    line = album.line(images, prevalence, seed=1)
    assert len(line) == images
    assert sum(shot.is_unsafe for shot in line) == unsafe


def test_the_order_is_random_and_the_seeds(album: Album) -> None:
    line = album.line(200, 0.5, seed=1)
    assert line == album.line(200, 0.5, seed=1)
    assert line != album.line(200, 0.5, seed=2)
    runs = sum(one.is_unsafe != other.is_unsafe for one, other in pairwise(line))
    assert 70 < runs < 130
