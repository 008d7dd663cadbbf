"""Tables for the terminal."""

from __future__ import annotations

import pytest

from app.calibration.report.files import full_text
from app.calibration.report.text import class_table, dollars, signed, size_table, skipped_text, table
from tests.support.calibrated import BARE, FULL, HOSTILE


def test_the_table_is_the_papers_with_cost_and_interval() -> None:
    lines = table(FULL).splitlines()
    assert lines[0].split() == ["layout", "inf/image", "saved", "mAP@0.5", "drop", "95", "%", "interval"]
    assert lines[2].split() == ["1x1", "1.000", "0.0", "%", "0.700", "-", "-"]
    assert lines[4].split() == ["2x1", "0.500", "50.0", "%", "0.640", "0.060", "0.040", "..", "0.080"]
    assert [line.split()[1] for line in lines if line.startswith(">")] == ["scout"]
    assert lines[8].split()[-4:] == ["-0.010", "-0.030", "..", "0.010"]


def test_columns_stand_under_their_heads() -> None:
    lines = table(FULL).splitlines()
    ends = {line.index(text) + len(text) for line, text in ((lines[0], "mAP@0.5"), (lines[2], "0.700"), (lines[5], "0.550"))}
    assert len(ends) == 1


def test_sizes_and_classes_have_tables_of_their_own_with_their_counts() -> None:
    assert size_table(FULL).splitlines()[0].split() == ["layout", "small", "(12)", "large"]
    assert size_table(FULL).splitlines()[2].split() == ["1x1", "0.500", "0.900"]
    assert class_table(FULL).splitlines()[2].split()[:4] == ["cat", "61", "0.800", "0.700"]


def test_what_is_not_known_has_no_table() -> None:
    assert (size_table(BARE), class_table(BARE), skipped_text(BARE.skipped)) == ("", "", "")
    assert full_text(BARE).endswith("-\n")


def test_what_was_left_out_is_counted_with_the_first_names() -> None:
    assert skipped_text(FULL.skipped) == f"5 x image is missing: a, b, {HOSTILE}, and 2 more"


@pytest.mark.parametrize(("value", "text"), [(0.0304, "0.030"), (-0.03, "-0.030"), (-0.0004, "0.000"), (0.0, "0.000")])
def test_a_gain_has_a_minus_and_nothing_has_none(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0.00"), (3.5, "$3.50"), (1234.5, "$1,234.50"), (0.001, "$0.001"), (0.0125, "$0.013")]
)
def test_small_amounts_still_say_something(amount: float, text: str) -> None:
    assert dollars(amount) == text
