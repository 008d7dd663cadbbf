"""Labels: beside their points, on nothing else as long as there is room."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calibration.report.placing import Anchor, distance_px, nearest_px, placed
from app.core.geometry import PixelBox

FRAME = PixelBox(0, 0, 1000, 600)


def covers(one: PixelBox, other: PixelBox) -> bool:
    common = one.intersection(other)
    return common is not None and common.area_px > 1e-6


def test_nothing_to_place() -> None:
    assert placed([], [], FRAME) == []


def test_a_lonely_label_stands_to_the_right_of_its_point() -> None:
    assert placed([Anchor(100, 100, 60, 10)], [], FRAME) == [PixelBox(109, 95, 169, 105)]


def test_a_label_keeps_off_obstacles_and_inside_the_frame() -> None:
    wall = PixelBox(105, 0, 200, 600)
    [box] = placed([Anchor(100, 100, 60, 10)], [wall], FRAME)
    assert not covers(box, wall)
    [box] = placed([Anchor(995, 595, 60, 10)], [], FRAME)
    assert (box.right_px <= 1000, box.bottom_px <= 600) == (True, True)


def test_a_crowd_of_twelve_finds_room() -> None:
    anchors = [Anchor(500, 200 + 6 * number, 90, 12) for number in range(12)]
    points = [PixelBox(one.x_px - 5, one.y_px - 5, one.x_px + 5, one.y_px + 5) for one in anchors]
    boxes = placed(anchors, points, FRAME)
    assert not any(covers(*pair) for pair in combinations(boxes, 2))
    assert not any(covers(box, point) for box in boxes for point in points)


@given(st.lists(st.builds(Anchor, st.floats(0, 1000), st.floats(0, 600), st.just(80.0), st.just(12.0)), max_size=25))
def test_every_anchor_gets_a_box_of_its_size_near_its_point(anchors: list[Anchor]) -> None:
    boxes = placed(anchors, [], FRAME)
    for anchor, box in zip(anchors, boxes, strict=True):
        assert box.right_px - box.left_px == pytest.approx(80)
        assert box.bottom_px - box.top_px == pytest.approx(12)
        assert distance_px(anchor, box) < 100


def test_the_nearest_place_of_a_box() -> None:
    box = PixelBox(10, 10, 20, 20)
    assert nearest_px(Anchor(0, 15, 1, 1), box) == (10, 15)
    assert distance_px(Anchor(15, 15, 1, 1), box) == 0
    assert distance_px(Anchor(7, 6, 1, 1), box) == 5
