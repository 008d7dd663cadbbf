"""Faults in what the eyes saw."""

from __future__ import annotations

import pytest

from app.emulators.disturbing import DISTURBED_KINDS, MANY_BOXES, MANY_LABEL, OUTSIDE_LABEL, disturbances
from app.emulators.faults import FaultKind

WIDTH, HEIGHT = 400, 300
ABOUT_BOXES = {FaultKind.OUTSIDE_BOXES, FaultKind.MANY_BOXES}


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - ABOUT_BOXES))
def test_other_faults_add_nothing(kind: FaultKind) -> None:
    assert disturbances(kind, WIDTH, HEIGHT, 0) == []


def test_outside_boxes_lie_wholly_outside_beyond_each_edge_and_of_each_kind() -> None:
    found = disturbances(FaultKind.OUTSIDE_BOXES, WIDTH, HEIGHT, 0)
    beyond = set()
    for sighting in found:
        left, top, right, bottom = sighting.box_xyxy_px
        assert sighting.label == OUTSIDE_LABEL
        assert (right - left, bottom - top) == pytest.approx((80, 60))
        beyond.add((sighting.kind, right < 0, left > WIDTH, bottom < 0, top > HEIGHT))
    assert len(beyond) == len(found) == 4 * len(DISTURBED_KINDS)
    assert all(sum(sides) == 1 for _, *sides in beyond)


def test_many_boxes_are_tiny_inside_and_the_same_for_the_same_seed() -> None:
    found = disturbances(FaultKind.MANY_BOXES, WIDTH, HEIGHT, 5)
    assert len(found) == MANY_BOXES * len(DISTURBED_KINDS)
    for sighting in found:
        left, top, right, bottom = sighting.box_xyxy_px
        assert sighting.label == MANY_LABEL
        assert 0 <= left < right <= WIDTH
        assert 0 <= top < bottom <= HEIGHT
        assert (right - left, bottom - top) == pytest.approx((4, 3))
    assert disturbances(FaultKind.MANY_BOXES, WIDTH, HEIGHT, 5) == found
    assert disturbances(FaultKind.MANY_BOXES, WIDTH, HEIGHT, 6) != found
