"""Figures of a line, the table, and what is said at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.bench.findings import JUDGED_FROM, Line, heading, judgement, line_of, row, values
from app.bench.pictures import Shot
from app.bench.playing import Verdict
from app.core.group_cost import halving_optimum

GOOD = Line(
    prevalence=0.1,
    images=10_000,
    unsafe=1000,
    paid=5500,
    billed=5500.0,
    measured=0.55,
    warm=halving_optimum(0.1, 9) * 1.01,
    missed=0,
    false_alarms=0,
    unanswered=0,
    seconds=40.0,
    largest=9,
)


def line(*pairs: tuple[bool, bool | None, float], paid: int = 0, warm_up: int = 0) -> Line:
    """A line of (truly unsafe, called unsafe, inferences)."""
    shots = [Shot(b"", truth) for truth, _, _ in pairs]
    verdicts = [Verdict(called, inferences) for _, called, inferences in pairs]
    return line_of(0.1, shots, verdicts, paid=paid, largest=9, warm_up=warm_up, seconds=1.0)


def test_wrong_verdicts_are_told_apart() -> None:
    found = line((True, True, 1), (True, False, 1), (False, True, 1), (False, True, 1), (False, None, 1), (True, None, 1))
    assert (found.missed, found.false_alarms, found.unanswered) == (1, 2, 2)
    assert (found.images, found.unsafe) == (6, 3)


def test_all_is_what_the_vendor_counted_and_warm_what_the_answers_say_after_the_warm_up() -> None:
    found = line((False, False, 1.0), (False, False, 1.0), (False, False, 0.25), (False, False, 0.35), paid=3, warm_up=2)
    assert found.measured == pytest.approx(0.75)
    assert found.warm == pytest.approx(0.3)
    assert found.billed == pytest.approx(2.6)


def test_each_image_needs_its_verdict() -> None:
    with pytest.raises(ValueError, match="zip"):
        line_of(0.1, [Shot(b"", False)], [], paid=0, largest=9, warm_up=0, seconds=1.0)


def test_a_good_line_has_no_shortcomings() -> None:
    assert GOOD.shortcomings == []
    assert GOOD.ratio == pytest.approx(1.01)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(GOOD, warm=GOOD.optimum * 1.06), "prevalence 0.1: +6.0% from the halving optimum after the warm-up"),
        (replace(GOOD, measured=1.021), "prevalence 0.1: 1.021 inferences per image"),
        (replace(GOOD, missed=1), "prevalence 0.1: 1 unsafe images called clean"),
        (replace(GOOD, false_alarms=2), "prevalence 0.1: 2 clean images called unsafe"),
        (replace(GOOD, unanswered=3), "prevalence 0.1: 3 images without an answer"),
        (replace(GOOD, billed=5498.0), "prevalence 0.1: 5500 inferences paid, 5498.0 on the answers"),
    ],
)
def test_what_did_not_come_true_is_said(bad: Line, words: str) -> None:
    assert bad.shortcomings == [words]
    assert judgement([GOOD, bad]) == [f"NOT AS PROMISED: {words}"]


def test_cheaper_than_the_optimum_is_no_shortcoming() -> None:
    assert replace(GOOD, warm=GOOD.optimum * 0.9).shortcomings == []


def test_of_few_images_the_distance_from_the_optimum_is_told_and_not_judged() -> None:
    few = replace(GOOD, images=JUDGED_FROM - 1, warm=GOOD.optimum * 1.2)
    assert few.shortcomings == []
    assert "by chance" in judgement([few])[0]
    assert judgement([GOOD])[0] == "within 5% of the halving optimum after the warm-up (at most +1.0%)"


def test_the_columns_stand_under_their_names() -> None:
    titles, names = heading(1000).split("\n")
    bars = [place for place, letter in enumerate(names) if letter == "|"]
    for text in (titles, row(GOOD), row(replace(GOOD, prevalence=0.001, missed=10, largest=25))):
        assert [place for place, letter in enumerate(text) if letter == "|"] == bars
        assert len(text) == len(names)
    assert " ".join(row(GOOD).split()) == "0.1 | 0.5500 0.5457 | 0.5403 6 1.010 | 1 0.5939 0.4690 | 0 0 | 250"


def test_values_hold_figures_and_theory() -> None:
    found = values(GOOD)
    assert (found["prevalence"], found["paid"], found["best_group"]) == (0.1, 5500, 6)
    assert {"optimum", "dorfman", "entropy", "ratio", "warm", "measured"} <= {*found}
