"""OBJECT_LOCALIZATION."""

from __future__ import annotations

import pytest

from tests.support.google_seen import answered, box_of
from tests.support.seen import face, marker, person, thing


def test_nothing_seen_is_an_empty_answer() -> None:
    assert answered("OBJECT_LOCALIZATION", face()) == {}


def test_objects_come_by_score_with_ratios_and_without_faces() -> None:
    seen = (thing("Cup", (0, 0, 40, 100), 0.6), face(), marker(8, (100, 50, 200, 150), 0.98), person((0, 0, 400, 200), 0.7))
    found = answered("OBJECT_LOCALIZATION", *seen)["localizedObjectAnnotations"]
    assert [(one["name"], one["score"]) for one in found] == [("Car-0008", 0.98), ("Person", 0.7), ("Cup", 0.6)]
    assert box_of(found[0]["boundingPoly"]) == (0.25, 0.25, 0.5, 0.75)
    assert found[2]["boundingPoly"]["normalizedVertices"] == [{}, {"x": 0.1}, {"x": 0.1, "y": 0.5}, {"y": 0.5}]
    assert found[1]["mid"] == "/m/01g317"


@pytest.mark.parametrize(("most", "count"), [(0, 10), (3, 3), (20, 15)])
def test_the_number_of_results(most: int, count: int) -> None:
    seen = [marker(number, score=1 - number / 100) for number in range(15)]
    found = answered("OBJECT_LOCALIZATION", *seen, most=most)["localizedObjectAnnotations"]
    assert [one["score"] for one in found] == pytest.approx([1 - number / 100 for number in range(count)])
