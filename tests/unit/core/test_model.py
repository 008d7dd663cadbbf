"""The words of the product as types: what they refuse, and what they derive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.geometry import PixelBox, Size, UnitBox
from app.core.model import (
    ALONE,
    TASK_DIGITS,
    Detection,
    Feature,
    GridMode,
    Inquiry,
    Lane,
    Layout,
    Picture,
    Task,
    canonical_json,
)
from tests.support.jobs import job

LANE = Lane("tenant", "rekognition", Task.DETECT, Feature.OBJECTS, "{}", (ALONE, Layout(2, 1), Layout(2, 2)))


@pytest.mark.parametrize(("text", "layout"), [("1x1", ALONE), ("2x1", Layout(2, 1)), (" 3X12 ", Layout(3, 12))])
def test_a_layout_is_rows_x_columns(text: str, layout: Layout) -> None:
    assert Layout.parse(text) == layout


@pytest.mark.parametrize("text", ["", "x", "2", "2x", "x2", "2*2", "-1x2", "0x2", "2x0", "2x2x2", "²x2", "a x b"])
def test_anything_else_is_no_layout(text: str) -> None:
    with pytest.raises(ValueError):
        Layout.parse(text)


def test_a_layout_reads_as_it_is_written() -> None:
    assert str(Layout(2, 1)) == "2x1"
    assert Layout(3, 2).cells == 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_from_5_on_exchange_the_sides(orientation: int) -> None:
    picture = Picture("jpeg", Size(640, 480), orientation)
    assert picture.upright == (Size(480, 640) if orientation >= 5 else Size(640, 480))


@pytest.mark.parametrize(
    "wrong", [{"min_score_unit": -0.1}, {"min_score_unit": 1.1}, {"min_score_unit": float("nan")}, {"max_results": -1}]
)
def test_an_inquiry_refuses_impossible_filters(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Inquiry(Feature.OBJECTS, **wrong)  # type: ignore[arg-type]  # the table mixes the two filters


def test_an_inquiry_accepts_the_borders() -> None:
    assert Inquiry(Feature.FACES, min_score_unit=0.0, max_results=0).max_results == 0
    assert Inquiry(Feature.FACES, min_score_unit=1.0).min_score_unit == 1.0


def test_parameters_and_words_mean_nothing_to_another_vendor() -> None:
    own = Inquiry(Feature.TEXT, '{"a":1}', 0.5, 3, own_vendor="azure", own_request="a=1")
    assert own.heard_by("azure") == own
    assert own.heard_by("google") == Inquiry(Feature.TEXT, "{}", 0.5, 3)
    merged = Inquiry(Feature.TEXT, '{"a":1}')
    assert merged.heard_by("google") == merged


def test_a_lane_needs_a_layout() -> None:
    with pytest.raises(ValueError, match="at least one layout"):
        replace(LANE, layouts=())


def test_a_lanes_capacity_is_its_largest_layout() -> None:
    assert LANE.capacity == 4


def test_equal_lanes_have_equal_keys() -> None:
    assert replace(LANE).key == LANE.key


@pytest.mark.parametrize(
    "other",
    [
        replace(LANE, tenant="other"),
        replace(LANE, provider="google"),
        replace(LANE, task=Task.CLASSIFY),
        replace(LANE, feature=Feature.FACES),
        replace(LANE, parameters='{"a":1}'),
        replace(LANE, layouts=(ALONE, Layout(2, 2))),
        replace(LANE, mode=GridMode.PAPER),
    ],
)
def test_whatever_splits_lanes_changes_the_key(other: Lane) -> None:
    assert other.key != LANE.key


def test_a_lanes_key_is_hexadecimal_and_begins_with_a_digit_for_its_task() -> None:
    keys = {task: replace(LANE, task=task).key for task in Task}
    assert {task: key[0] for task, key in keys.items()} == dict(TASK_DIGITS) == dict(zip(Task, "012", strict=True))
    assert {len(key) for key in keys.values()} == {20}
    assert all(int(key, 16) >= 0 for key in keys.values())


def test_a_lanes_key_says_nothing_about_the_tenant() -> None:
    assert "tenant" not in LANE.key


@pytest.mark.parametrize("view", [None, PixelBox(0, 0, 480, 640), PixelBox(0, 0, 1, 1), PixelBox(479.0, 639.0, 480.0, 640.0)])
def test_a_view_is_any_part_of_the_upright_image(view: PixelBox | None) -> None:
    assert replace(job(), picture=Picture("jpeg", Size(640, 480), 6), view=view).view == view


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (PixelBox(-1, 0, 10, 10), "part of its image"),
        (PixelBox(0, -1, 10, 10), "part of its image"),
        (PixelBox(0, 0, 641, 10), "part of its image"),
        (PixelBox(0, 0, 10, 481), "part of its image"),
        (PixelBox(5, 0, 5, 10), "part of its image"),
        (PixelBox(0, 9, 10, 8), "part of its image"),
        (PixelBox(0, 0, 10.5, 10), "whole pixels"),
        (PixelBox(float("nan"), 0, 10, 10), "whole pixels"),
        (PixelBox(0, 0, float("inf"), 10), "whole pixels"),
    ],
)
def test_anything_else_is_no_view(view: PixelBox, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(job(), view=view)


def test_a_moved_detection_keeps_what_was_found() -> None:
    found = Detection(Feature.OBJECTS, "Dog", 0.9, UnitBox(0, 0, 1, 1), "rekognition", {"Name": "Dog"})
    moved = found.moved(UnitBox(0, 0, 0.5, 0.5), {"Name": "Dog", "At": UnitBox(0, 0, 0.5, 0.5)})
    assert (moved.feature, moved.label, moved.score_unit, moved.vendor) == (Feature.OBJECTS, "Dog", 0.9, "rekognition")
    assert moved.box == UnitBox(0, 0, 0.5, 0.5)


def test_canonical_json_does_not_depend_on_the_order_of_names() -> None:
    assert canonical_json({"b": [1, 2], "a": "ü"}) == canonical_json({"a": "ü", "b": [1, 2]}) == '{"a":"ü","b":[1,2]}'
