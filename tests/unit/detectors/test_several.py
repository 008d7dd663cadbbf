"""Several eyes as one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.detectors.several import FirstToSee, Together

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Fixed:
    """Sees the same everywhere, and counts how often it looks."""

    def __init__(self, *labels: str) -> None:
        self.found = [Sighting("object", label, 0.5, (0, 0, 1, 1)) for label in labels]
        self.looks = 0

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        assert rgb is PICTURE
        self.looks += 1
        return list(self.found)


def labels(found: list[Sighting]) -> list[str]:
    return [sighting.label for sighting in found]


def test_no_eyes_see_nothing() -> None:
    assert Together().look(PICTURE) == FirstToSee().look(PICTURE) == []


def test_together_sees_what_any_sees_in_order() -> None:
    assert labels(Together(Fixed("a", "b"), Fixed(), Fixed("c")).look(PICTURE)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("eyes", "wanted", "looks"),
    [
        ([("a",), ("b",)], ["a"], [1, 0]),
        ([(), ("b", "c")], ["b", "c"], [1, 1]),
        ([(), (), ()], [], [1, 1, 1]),
    ],
)
def test_the_first_to_see_anything_is_the_last_to_look(
    eyes: list[tuple[str, ...]], wanted: list[str], looks: list[int]
) -> None:
    each = [Fixed(*found) for found in eyes]
    assert labels(FirstToSee(*each).look(PICTURE)) == wanted
    assert [eye.looks for eye in each] == looks
