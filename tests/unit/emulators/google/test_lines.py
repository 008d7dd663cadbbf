"""Reading: which words make a line, and which lines a paragraph."""

from __future__ import annotations

import pytest

from app.detectors.contract import Sighting
from app.emulators.google.lines import Word, paragraphs_in
from tests.support.seen import face, marker, scene, thing


def read(*sightings: Sighting) -> list[list[str]]:
    """Paragraphs of lines."""
    (seen,) = scene(*sightings)
    return [[" ".join(word.text for word in line) for line in paragraph] for paragraph in paragraphs_in(seen)]


def at(marker_id: int, left: float, top: float, side: float = 50) -> Sighting:
    return marker(marker_id, (left, top, left + side, top + side))


def test_only_markers_are_words() -> None:
    assert read(face(), thing("Cup")) == []
    assert read(at(7, 0, 0)) == [["M0007"]]


@pytest.mark.parametrize(
    ("second", "lines"),
    [
        (at(2, 60, 0), [["M0001 M0002"]]),
        (at(2, 100, 19), [["M0001 M0002"]]),
        (at(2, 101, 0), [["M0001"], ["M0002"]]),  # too far to the right
        (at(2, 60, 21), [["M0001"], ["M0002"]]),  # another baseline
        (at(2, 41, 0), [["M0001 M0002"]]),  # a little into each other
        (at(2, 60, 30, 20), [["M0001 M0002"]]),  # smaller, on the same baseline
        (at(2, 75, 30, 20), [["M0001"], ["M0002"]]),  # and too far for its size
        (at(2, 0, 60), [["M0001", "M0002"]]),  # below
        (at(2, 30, 60), [["M0001", "M0002"]]),
        (at(2, 60, 60), [["M0001"], ["M0002"]]),  # below, but beside
        (at(2, 0, 95), [["M0001"], ["M0002"]]),  # too far below
    ],
)
def test_two_words(second: Sighting, lines: list[list[str]]) -> None:
    assert read(at(1, 0, 0), second) == lines
    assert read(second, at(1, 0, 0)) == lines


def test_lines_run_across_as_many_words_as_stand_close() -> None:
    assert read(*(at(number, 60 * number, 0) for number in (2, 0, 3, 1))) == [["M0000 M0001 M0002 M0003"]]


def test_a_turned_word_stands_alone() -> None:
    turned = marker(2, (60, 0, 110, 50), turn=1)
    assert read(at(1, 0, 0), turned, at(3, 60, 60)) == [["M0001"], ["M0002"], ["M0003"]]


def test_corners_and_symbols_turn_with_the_word() -> None:
    word, turned = (Word(scene(marker(42, (0, 0, 50, 50), turn=turn))[0].seen[0]) for turn in (0, 1))
    assert word.text == "M0042"
    assert word.corners == [(0, 0), (50, 0), (50, 50), (0, 50)]
    assert word.symbol_corners(1) == [(10, 0), (20, 0), (20, 50), (10, 50)]
    assert turned.corners == [(50, 0), (50, 50), (0, 50), (0, 0)]
    assert turned.symbol_corners(0) == [(50, 0), (50, 10), (0, 10), (0, 0)]
