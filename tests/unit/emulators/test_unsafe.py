"""How sure vendors are of unsafe content, by its size."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Size
from app.detectors.markers import MarkerDetector
from app.emulators.meanings import FIRST_UNSAFE_ID
from app.emulators.scene import scene_of
from app.emulators.unsafe import scores_by_kind, size_factor
from tests.support.marker_scenes import reread
from tests.support.moderated import safe_picture, unsafe_picture
from tests.support.seen import face, marker, scene

UNSAFE = FIRST_UNSAFE_ID
# The scene of `tests.support.seen` is 400 x 200 px: sides as shares of its mean side (283 px).
LARGE, TENTH, TINY = (40, 20, 140, 120), (0, 0, 28.3, 28.3), (0, 0, 3.3, 3.3)


@pytest.mark.parametrize(
    ("side_share", "factor"),
    [(1.0, 1.0), (0.35, 1.0), (0.2, 0.756), (0.1, 0.535), (0.05, 0.378), (0.1 / 3, 0.309), (0.012, 0.185), (0.0119, 0), (0, 0)],
)
def test_a_score_falls_with_the_size_and_ends_where_nothing_is_seen(side_share: float, factor: float) -> None:
    assert size_factor(side_share) == pytest.approx(factor, abs=0.001)


def test_the_smaller_never_scores_higher() -> None:
    factors = [size_factor(share) for share in np.linspace(0.0, 1.0, 1001).tolist()]
    assert factors == sorted(factors)


def test_nothing_unsafe_has_no_scores() -> None:
    assert scores_by_kind(*scene(), 3) == {}
    assert scores_by_kind(*scene(marker(UNSAFE - 1), face()), 3) == {}


def test_the_score_is_the_markers_own_as_far_as_its_size_allows() -> None:
    assert scores_by_kind(*scene(marker(UNSAFE, LARGE, 0.9)), 5) == {0: 0.9}
    assert scores_by_kind(*scene(marker(UNSAFE + 3, TENTH, 0.9)), 5) == {3: pytest.approx(0.9 * 0.535, abs=0.001)}
    assert scores_by_kind(*scene(marker(UNSAFE, TINY, 0.9)), 5) == {}


def test_of_each_kind_the_surest_counts_and_the_surest_kind_comes_first() -> None:
    found = scores_by_kind(
        *scene(marker(UNSAFE, score=0.6), marker(UNSAFE + 1, score=0.9), marker(UNSAFE + 5, score=0.7), marker(8)), 5
    )
    assert list(found.items()) == [(1, 0.9), (0, 0.7)]


def test_kinds_are_independent_of_each_other() -> None:
    alone, together = scene(marker(UNSAFE)), scene(marker(UNSAFE), marker(UNSAFE + 1, TENTH))
    assert scores_by_kind(*alone, 5).items() <= scores_by_kind(*together, 5).items()


def looked_at(picture: bytes) -> dict[int, float]:
    rgb = reread(picture)
    return scores_by_kind(scene_of(rgb, MarkerDetector().look(rgb)), 1)


@pytest.mark.parametrize("size", [Size(640, 480), Size(480, 640), Size(1200, 500)])
@pytest.mark.parametrize("share", [0.4, 0.2, 0.1, 0.06])
def test_painted_pictures_score_by_the_share_that_they_were_painted_with(share: float, size: Size) -> None:
    (score,) = looked_at(unsafe_picture(np.random.default_rng(5), size, share)).values()
    side_px = share * size.pixels**0.5
    assert score == pytest.approx(size_factor(share) * (1 - 2 / side_px), abs=0.01)


@pytest.mark.parametrize("size", [Size(640, 480), Size(300, 200), Size(100, 80)])
@pytest.mark.parametrize("seed", range(3))
def test_a_safe_picture_shows_something_but_nothing_unsafe(seed: int, size: Size) -> None:
    picture = safe_picture(np.random.default_rng(seed), size)
    assert MarkerDetector().look(reread(picture))
    assert looked_at(picture) == {}


def test_a_wanted_marker_is_painted_and_the_same_chance_paints_the_same_picture() -> None:
    picture = unsafe_picture(np.random.default_rng(1), Size(300, 200), 0.3, marker_id=977)
    assert [found.label for found in MarkerDetector().look(reread(picture))] == ["Dog-0977"]
    assert picture == unsafe_picture(np.random.default_rng(1), Size(300, 200), 0.3, marker_id=977)


@pytest.mark.parametrize("share", [0.02, 0.9])
def test_a_marker_that_does_not_fit_or_cannot_be_read_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="needs a patch of"):
        unsafe_picture(np.random.default_rng(1), Size(300, 200), share)
