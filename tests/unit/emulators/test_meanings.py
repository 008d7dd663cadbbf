"""What markers stand for besides everyday objects."""

from __future__ import annotations

from app.detectors.markers import MARKER_COUNT
from app.emulators.meanings import FIRST_UNSAFE_ID, is_landmark, is_logo, is_unsafe


def test_the_last_fifty_are_unsafe() -> None:
    assert [number for number in range(MARKER_COUNT) if is_unsafe(number)] == list(range(FIRST_UNSAFE_ID, MARKER_COUNT))


def test_there_are_logos_landmarks_both_and_neither() -> None:
    assert {(is_logo(number), is_landmark(number)) for number in range(20)} == {(a, b) for a in (0, 1) for b in (0, 1)}
