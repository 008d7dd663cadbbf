"""Figures about labels against plain counting, and what counts neither way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calibration.dataset import Photo, Truth
from app.calibration.labelling import (
    Judge,
    best_threshold,
    by_class,
    figures_at,
    never_named,
    scores_of,
    truths_of,
)
from app.core.geometry import Size
from app.core.model import Detection, Feature, Picture
from tests.support.scored import BOX

CLASSES = ("cat", "dog", "tvmonitor")
WORDS = {"cat": "Cat", "dog": "Dog", "tvmonitor": "TV"}
ROUNDS = 50
Found = Mapping[str, Sequence[Detection]]


def photo(name: str, present: Sequence[str], difficult: Sequence[str] = ()) -> Photo:
    truths = (*(Truth(label, BOX) for label in present), *(Truth(label, BOX, is_difficult=True) for label in difficult))
    return Photo(name, Path(f"{name}.jpg"), Picture("jpeg", Size(64, 48)), truths)


def label(name: str, score_unit: float) -> Detection:
    return Detection(Feature.LABELS, WORDS.get(name, name), score_unit, None)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[Photo], dict[str, list[Detection]]]:
    """Scores are distinct: among equal ones the order is nobody's business."""
    count = draw(st.integers(1, 6))
    some = st.lists(st.sampled_from(CLASSES), unique=True, max_size=3)
    photos = [photo(str(number), draw(some), draw(some)) for number in range(count)]
    found: dict[str, list[Detection]] = {one.id: [] for one in photos}
    for score in draw(st.lists(st.integers(1, 1000), unique=True, max_size=24)):
        name = draw(st.sampled_from((*CLASSES, "Bird")))
        found[str(draw(st.integers(0, count - 1)))].append(label(name, score / 1000))
    return photos, found


class Plain:
    """The same figures, counted one by one."""

    def __init__(self, photos: Sequence[Photo], found: Found) -> None:
        self.photos = photos
        self.rows: list[tuple[Photo, dict[str, float], set[str]]] = []
        for one in photos:
            present = {truth.label for truth in one.truths if not truth.is_difficult}
            ignored = {truth.label for truth in one.truths} - present
            best: dict[str, float] = {}
            for detection in found[one.id]:
                names = [name for name, word in WORDS.items() if word == detection.label]
                for name in names:
                    if name in self.classes() and name not in ignored:
                        best[name] = max(best.get(name, 0.0), detection.score_unit)
            self.rows.append((one, best, present))

    def classes(self) -> set[str]:
        return {truth.label for one in self.photos for truth in one.truths}

    def micro(self, least: float) -> tuple[float, float]:
        named = [(name in present) for _, best, present in self.rows for name, score in best.items() if score >= least]
        there = sum(len(present) for _, _, present in self.rows)
        return (sum(named) / len(named) if named else math.nan), (sum(named) / there if there else math.nan)

    def top(self, count: int) -> float:
        full = [(best, present) for _, best, present in self.rows if present]
        hits = [any(name in present for name in sorted(best, key=lambda name: -best[name])[:count]) for best, present in full]
        return sum(hits) / len(full) if full else math.nan

    def mean_ap(self) -> float:
        areas = [area for name in self.classes() if (area := self._area(name)) is not None]
        return sum(areas) / len(areas) if areas else math.nan

    def _area(self, name: str) -> float | None:
        there = sum(name in present for _, _, present in self.rows)
        if not there:
            return None
        ranked = sorted(((best[name], name in present) for _, best, present in self.rows if name in best), reverse=True)
        points = []
        for place in range(1, len(ranked) + 1):
            right = sum(is_right for _, is_right in ranked[:place])
            points.append((right / there, right / place))
        recalls = sorted({recall for recall, _ in points if recall > 0})
        steps = [recall - before for recall, before in zip(recalls, [0.0, *recalls], strict=False)]
        return sum(
            step * max(precision for reached, precision in points if reached >= recall)
            for step, recall in zip(steps, recalls, strict=True)
        )


@given(labelled(), st.sampled_from((0.1, 0.5, 0.9)))
@settings(max_examples=200, deadline=None)
def test_all_figures_are_those_of_plain_counting(run: tuple[list[Photo], dict[str, list[Detection]]], least: float) -> None:
    photos, found = run
    truths, plain = truths_of(photos), Plain(photos, found)
    scores, once = scores_of(truths, found), np.ones((len(photos), 1))
    measured = {name: float(figure(truths, scores, once)[0]) for name, figure in figures_at(least).items()}
    (half_precision, half_recall), (precision, recall) = plain.micro(0.5), plain.micro(least)
    expected = {
        "mAP": plain.mean_ap(),
        "precision@0.5": half_precision,
        "recall@0.5": half_recall,
        "precision@best": precision,
        "recall@best": recall,
        **{f"top-{count}": plain.top(count) for count in (1, 3, 5)},
    }
    assert measured == pytest.approx(expected, nan_ok=True)


@given(labelled(), st.lists(st.integers(0, 3), min_size=6, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_weight_is_as_good_as_so_many_copies(run: tuple[list[Photo], dict[str, list[Detection]]], weights: list[int]) -> None:
    photos, found = run
    truths = truths_of(photos)
    copies = [
        (photo_of(one, f"{one.id} {number}"), found[one.id])
        for one, weight in zip(photos, weights, strict=False)
        for number in range(weight)
    ]
    again = truths_of([one for one, _ in copies])
    if again.classes != truths.classes:
        return  # a class that was not drawn is no class of the copies
    drawn = np.array([weights[: len(photos)]], dtype=np.float64).T
    scores, scores_again = scores_of(truths, found), scores_of(again, {one.id: some for one, some in copies})
    for name, figure in figures_at(0.3).items():
        [weighted] = figure(truths, scores, drawn)
        [copied] = figure(again, scores_again, np.ones((len(copies), 1)))
        assert weighted == pytest.approx(copied, nan_ok=True), name


def photo_of(one: Photo, name: str) -> Photo:
    return Photo(name, one.path, one.picture, one.truths)


@given(labelled())
@settings(max_examples=200, deadline=None)
def test_no_threshold_does_better_than_the_best(run: tuple[list[Photo], dict[str, list[Detection]]]) -> None:
    photos, found = run
    truths, plain = truths_of(photos), Plain(photos, found)
    best = best_threshold(truths, scores_of(truths, found))

    def f1(least: float) -> float:
        precision, recall = plain.micro(least)
        return 2 * precision * recall / (precision + recall) if precision and recall and precision == precision else 0.0

    scores = {score for _, named, _ in plain.rows for score in named.values()}
    assert f1(best) == pytest.approx(max(map(f1, scores), default=0.0))


def test_what_is_difficult_counts_neither_way_and_unknown_labels_not_at_all() -> None:
    photos = [photo("a", ["cat"], ["dog"]), photo("b", ["dog"])]
    found = {"a": [label("dog", 0.9), label("cat", 0.8), label("Bird", 0.99)], "b": [label("dog", 0.7)]}
    truths = truths_of(photos)
    figures = {
        name: float(figure(truths, scores_of(truths, found), np.ones((2, 1)))[0]) for name, figure in figures_at(0.5).items()
    }
    assert figures == dict.fromkeys(figures, 1.0)


def test_a_class_has_its_own_figures() -> None:
    photos = [photo("a", ["cat"]), photo("b", ["cat", "dog"]), photo("c", [], ["tvmonitor"])]
    found = {"a": [label("cat", 0.9)], "b": [label("cat", 0.3)], "c": [label("cat", 0.6)]}
    truths = truths_of(photos)
    classes = by_class(truths, scores_of(truths, found), 0.5)
    assert set(classes) == {"cat", "dog"}  # the third is nowhere for certain
    assert (classes["cat"].images, classes["cat"].precision, classes["cat"].recall) == (2, 0.5, 0.5)
    assert classes["cat"].average_precision == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert (classes["dog"].precision, classes["dog"].recall, classes["dog"].average_precision) == (None, 0.0, 0.0)


def test_classes_that_nobody_ever_names_are_found() -> None:
    photos = [photo("a", ["cat", "dog"]), photo("b", ["dog"])]
    ways = [{"a": [label("cat", 0.2)], "b": []}, {"a": [], "b": [label("cat", 0.1)]}]
    assert never_named(photos, ways) == {"dog": 2}
    assert list(truths_of(photos, without=["dog"]).classes) == ["cat"]


def test_equal_answers_differ_by_nothing_and_worse_ones_by_what_is_in_the_interval() -> None:
    photos = [photo(str(number), ["cat"] if number % 2 else ["dog"]) for number in range(40)]
    right = {one.id: [label(one.truths[0].label, 0.9)] for one in photos}
    half = {one.id: right[one.id] if int(one.id) < 20 else [label("Bird", 0.9)] for one in photos}
    judge = Judge(truths_of(photos), right, seed=1, rounds=ROUNDS)
    same, worse = judge.row("same", 1.0, right), judge.row("worse", 0.5, half)
    assert judge.row("first", 1.0, right, is_first=True).drops == {}
    assert {one.drop for one in same.drops.values()} == {0.0}
    top = worse.drops["top-1"]
    assert top.drop == pytest.approx(0.5)
    assert top.interval.low <= 0.5 <= top.interval.high
    assert 0 < top.interval.high - top.interval.low < 0.5


def test_a_figure_of_nothing_has_no_interval() -> None:
    photos = [photo("a", ["cat"])]
    row = Judge(truths_of(photos), {"a": []}, seed=1, rounds=ROUNDS).row("none", 1.0, {"a": []})
    assert math.isnan(row.figures["precision@0.5"])
    assert math.isnan(row.drops["precision@0.5"].interval.low)
    assert row.figures["recall@0.5"] == 0.0
