"""Adult, racy and gory content."""

from __future__ import annotations

import numpy as np
import pytest

from app.emulators.azure.adult import KINDS, adult
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


def test_unsure_unsafe_markers_are_scored_and_not_flagged() -> None:
    found = adult(*scene(marker(FIRST_UNSAFE_ID, score=0.4)))
    assert not any(found[flag] for flag in FLAGS)
    assert max(found[score] for _, score in KINDS) == 0.4


@pytest.mark.parametrize(("rgb", "scores"), [((220, 170, 140), (0.1, 0.2, 0)), ((120, 10, 10), (0, 0, 0.2))])
def test_colours_alone_give_low_scores(rgb: tuple[int, int, int], scores: tuple[float, ...]) -> None:
    found = adult(*scene(rgb=np.full((HEIGHT, WIDTH, 3), rgb, np.uint8)))
    assert tuple(found[score] for _, score in KINDS) == scores
    assert not any(found[flag] for flag in FLAGS)
