"""Reading: what a marker says, and which words stand in one line."""

from __future__ import annotations

import pytest

from app.detectors.contract import Sighting
from app.emulators.azure.lines import box_around, corners_of, lines_in, text_of, word_of
from tests.support.seen import Box, face, marker, scene


def texts(*sightings: Sighting) -> list[str]:
    return [text_of(line) for line in lines_in(*scene(*sightings))]


def test_nothing_but_markers_is_read() -> None:
    assert texts() == texts(face()) == []
    assert texts(face(), marker(8)) == [word_of(8)] == ["M0008"]


FIRST: Box = (10, 10, 50, 50)


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        ((60, 10, 100, 50), True),  # beside it
        ((50, 10, 90, 50), True),  # touching it
        ((110, 10, 150, 50), True),  # as far as words of a line can be
        ((111, 10, 151, 50), False),  # a little further
        ((49, 10, 89, 50), False),  # over it
        ((60, 30, 100, 70), True),  # half a line lower
        ((60, 31, 100, 71), False),
        ((60, 10, 80, 30), True),  # half as high
        ((60, 10, 79, 29), False),
        ((10, 60, 50, 100), False),  # below it
    ],
)
def test_words_on_one_baseline_and_close_to_each_other_are_one_line(second: Box, joined: bool) -> None:
    assert texts(marker(2, second), marker(1, FIRST)) == (["M0001 M0002"] if joined else ["M0001", "M0002"])


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turned_words_stand_alone(turn: int) -> None:
    assert texts(marker(1, FIRST), marker(2, (60, 10, 100, 50), turn=turn)) == ["M0001", "M0002"]


def test_lines_come_from_top_to_bottom_and_words_from_left_to_right() -> None:
    below, above = marker(5, (10, 100, 50, 140)), [marker(i, (10 + 45 * i, 10, 50 + 45 * i, 50)) for i in (2, 0, 1)]
    assert texts(below, *above) == ["M0000 M0001 M0002", "M0005"]


def test_of_two_lines_the_nearer_one_goes_on() -> None:
    far, near, word = marker(1, (0, 10, 40, 50)), marker(2, (30, 35, 70, 75)), marker(3, (75, 25, 115, 65))
    assert texts(far, near, word) == ["M0001", "M0002 M0003"]


def test_a_turned_word_alone_keeps_its_corners_and_a_line_has_the_box_around_it() -> None:
    (alone,) = lines_in(*scene(marker(1, FIRST, turn=1)))
    assert corners_of(alone) == ((50, 10), (50, 50), (10, 50), (10, 10))
    (two,) = lines_in(*scene(marker(1, FIRST), marker(2, (60, 12, 100, 52))))
    assert box_around(two) == (10, 10, 100, 52)
    assert corners_of(two) == ((10, 10), (100, 10), (100, 52), (10, 52))
