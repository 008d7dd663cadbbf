"""Adult, racy and gory content."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.azure.adult import COLOUR_WEIGHT, KINDS, adult
from app.emulators.meanings import FIRST_UNSAFE_ID
from tests.support.seen import HEIGHT, WIDTH, marker, scene, thing

FLAGS = [flag for flag, _ in KINDS]


@pytest.mark.parametrize("marker_id", range(FIRST_UNSAFE_ID, FIRST_UNSAFE_ID + 3))
def test_an_unsafe_marker_is_flagged_as_one_kind_with_its_own_score(marker_id: int) -> None:
    found = adult(*scene(marker(marker_id, score=0.8), marker(1)))
    flag, score = KINDS[marker_id % 3]
    assert [name for name in FLAGS if found[name]] == [flag]
    assert found[score] == 0.8


def test_safe_markers_and_other_things_are_not_flagged() -> None:
    found = adult(*scene(marker(FIRST_UNSAFE_ID - 1), thing("Knife")))
    assert not any(found[flag] for flag in FLAGS)
    assert found["adultScore"] == found["racyScore"] == found["goreScore"] == 0


@pytest.mark.parametrize(("sureness", "flags"), [(0.4, 0), (0.5, 0), (0.51, 1)])
def test_markers_are_scored_and_flagged_only_above_the_border(sureness: float, flags: int) -> None:
    found = adult(*scene(marker(FIRST_UNSAFE_ID, score=sureness)))
    assert sum(found[flag] for flag in FLAGS) == flags
    assert max(found[score] for _, score in KINDS) == sureness


def test_the_smaller_the_lower() -> None:
    small = adult(*scene(marker(FIRST_UNSAFE_ID, (40, 20, 68.3, 48.3), score=0.8)))
    assert max(small[score] for _, score in KINDS) == pytest.approx(0.8 * 0.535, abs=0.001)


def test_kinds_are_scored_independently() -> None:
    found = adult(*scene(marker(951, score=0.8), marker(952, score=0.6), marker(954, score=0.7)))
    assert (found["adultScore"], found["racyScore"], found["goreScore"]) == (0.8, 0.6, 0.0)


@pytest.mark.parametrize(("rgb", "scores"), [((220, 170, 140), (0.04, 0.08, 0)), ((120, 10, 10), (0, 0, 0.08))])
def test_colours_alone_give_scores_that_no_sheet_is_judged_by(rgb: tuple[int, int, int], scores: tuple[float, ...]) -> None:
    """A sheet may be asked at 0.15: an ordinary picture must not come near."""
    found = adult(*scene(rgb=np.full((HEIGHT, WIDTH, 3), rgb, np.uint8)))
    assert tuple(found[score] for _, score in KINDS) == scores
    assert not any(found[flag] for flag in FLAGS)
    assert COLOUR_WEIGHT < 0.1
