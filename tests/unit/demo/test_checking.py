"""The judge of the demo: it must catch what clients fear (somebody else's box) and not cry wolf."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core.geometry import UnitBox
from app.demo.checking import Fate, Verdict, judge_alike, judge_exact
from app.demo.truth import Seen, TrueObject

LEFT, RIGHT = UnitBox(0.1, 0.1, 0.3, 0.3), UnitBox(0.6, 0.1, 0.8, 0.3)
NUDGED = UnitBox(0.105, 0.105, 0.305, 0.305)  # overlaps LEFT by 0.91
MOVED = UnitBox(0.15, 0.1, 0.35, 0.3)  # overlaps LEFT by 0.6
CAR = TrueObject("Car-0000", LEFT, ("Car", "Vehicle"))
OTHER_CAR = TrueObject("Car-0008", RIGHT, ("Car", "Vehicle"))
CUP = TrueObject("Cup-0007", RIGHT, ("Cup",))


def seen(label: str, box: UnitBox | None = LEFT, score_unit: float = 0.9) -> Seen:
    return Seen(label, score_unit, box)


def counts(verdict: Verdict) -> tuple[int, int, int]:
    """Right, missing, wrong."""
    return verdict.count(Fate.RIGHT), verdict.count(Fate.MISSING), verdict.count(Fate.WRONG)


@pytest.mark.parametrize(
    ("objects", "answer", "expected"),
    [
        ([], [], (0, 0, 0)),
        ([CAR], [], (0, 1, 0)),
        ([CAR], [seen("Car-0000")], (1, 0, 0)),
        ([CAR], [seen("Car-0000", NUDGED)], (1, 0, 0)),
        ([CAR], [seen("Car-0000", MOVED)], (0, 1, 0)),
        ([CAR], [seen("Car-0000", None)], (0, 1, 0)),
        ([CAR], [seen("Car-0000"), seen("Car-0000", RIGHT)], (1, 0, 1)),
        ([CAR], [seen("Car-0000", RIGHT), seen("Car-0000")], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Car"), seen("Vehicle", None)], (1, 0, 0)),
        ([CAR], [seen("Car-0000"), seen("Car", RIGHT)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Car"), seen("Car")], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Vehicle", LEFT)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Cup", RIGHT)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Cup", None)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Cup-0007", RIGHT)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Cup-0007", None)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Dog", None)], (1, 0, 1)),
        ([CAR], [seen("Car-0000"), seen("Outdoors", None)], (1, 0, 0)),
        ([CAR], [seen("Car-0000"), seen("Outdoors", RIGHT)], (1, 0, 1)),
        ([], [seen("Car-0000")], (0, 0, 1)),
        ([CAR, OTHER_CAR], [seen("Car", RIGHT), seen("Car", LEFT), seen("Car-0008", RIGHT)], (1, 1, 0)),
        ([CAR, CUP], [seen("Car-0000"), seen("Cup-0007", RIGHT)], (2, 0, 0)),
    ],
    ids=[
        "nothing there, nothing said",
        "not found",
        "found",
        "a little off",
        "far off",
        "named without a box",
        "a second box with the same identity",
        "the same, the wrong one first",
        "with its class and ancestor",
        "a class box where nothing of the class is",
        "one object, two class boxes",
        "a box for an ancestor",
        "a class box of another class",
        "another class without a box",
        "somebody else's identity",
        "somebody else's identity without a box",
        "somebody else's class",
        "a label of the whole image",
        "a label of nothing here, with a box",
        "an empty image gets a box",
        "class boxes in any order",
        "two objects",
    ],
)
def test_identities_decide(objects: Sequence[TrueObject], answer: Sequence[Seen], expected: tuple[int, int, int]) -> None:
    verdict = judge_exact(objects, answer)
    assert counts(verdict) == expected
    assert verdict.expected == len(objects)


def test_two_answers_exchanged_are_caught_even_where_class_and_place_agree() -> None:
    """The worst mix-up: two clients, the same kind of object in the same place."""
    mine, theirs = [TrueObject("Car-0000", LEFT, ("Car",))], [TrueObject("Car-0008", LEFT, ("Car",))]
    my_answer, their_answer = [seen("Car-0000"), seen("Car")], [seen("Car-0008"), seen("Car")]
    assert counts(judge_exact(mine, my_answer)) == (1, 0, 0)
    assert counts(judge_exact(theirs, their_answer)) == (1, 0, 0)
    assert counts(judge_exact(mine, their_answer)) == (0, 1, 1)
    assert counts(judge_exact(theirs, my_answer)) == (0, 1, 1)


PHOTOGRAPHED = TrueObject("dog", LEFT)


@pytest.mark.parametrize(
    ("objects", "answer", "expected"),
    [
        ([], [], (0, 0, 0)),
        ([PHOTOGRAPHED], [seen("dog", MOVED)], (1, 0, 0)),
        ([PHOTOGRAPHED], [seen("cat")], (0, 1, 1)),
        ([PHOTOGRAPHED], [seen("dog", RIGHT)], (0, 1, 1)),
        ([PHOTOGRAPHED], [seen("dog", score_unit=0.4)], (0, 1, 0)),
        ([PHOTOGRAPHED], [seen("dog"), seen("dog", NUDGED, 0.6)], (1, 0, 1)),
        ([PHOTOGRAPHED], [seen("dog"), seen("mammal", None)], (1, 0, 0)),
    ],
    ids=[
        "nothing",
        "overlap of a half is enough",
        "other label",
        "other place",
        "not sure enough",
        "one object twice",
        "no box",
    ],
)
def test_photographs_are_compared_as_map_does(
    objects: Sequence[TrueObject], answer: Sequence[Seen], expected: tuple[int, int, int]
) -> None:
    verdict = judge_alike(objects, answer)
    assert counts(verdict) == expected
    assert verdict.expected == len(objects)
