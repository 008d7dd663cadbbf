"""How unsure a grid was, and how many may be asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.doubt import Cap, doubt
from app.core.geometry import UnitBox
from app.core.model import Detection, Feature


def found(side: float, score: float = 0.9) -> Detection:
    return Detection(Feature.OBJECTS, "Dog", score, UnitBox(0.0, 0.0, side, side))


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ((), 1.0),
        ((found(0.1, score=0.2),), 1.2),  # hardly seen
        ((found(0.1, score=0.2), found(0.9, score=0.01)), 1.2),
        ((found(1.0),), 0.0),
        ((found(2.0),), 0.0),
        ((found(0.75),), 0.25),
        ((found(0.75), found(0.25)), 0.75),
        ((found(0.75), found(0.25, score=0.1)), 0.25),
        ((Detection(Feature.OBJECTS, "Scene", 0.9, None),), 1.9),
    ],
)
def test_the_smallest_thing_that_was_seen_decides(detections: tuple[Detection, ...], expected: float) -> None:
    assert doubt(detections) == pytest.approx(expected)


@given(st.floats(0, 1), st.lists(st.booleans(), max_size=300))
def test_the_share_stays_below_the_cap(max_share: float, wishes: list[bool]) -> None:
    cap = Cap(max_share)
    admitted = 0
    for number, wanted in enumerate(wishes, start=1):
        admitted += cap.admit(wanted=wanted)
        assert cap.again <= max_share * cap.images
        assert admitted <= max_share * number + 1e-9 or number > 100  # older images count less, in both


def test_who_is_not_unsure_is_never_asked_again() -> None:
    cap = Cap(1.0)
    assert [cap.admit(wanted=wanted) for wanted in (False, True, True)] == [False, True, True]


def test_the_share_is_used() -> None:
    cap = Cap(0.25)
    assert sum(cap.admit(wanted=True) for _ in range(400)) in range(95, 101)
