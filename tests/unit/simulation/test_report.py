"""The table and the JSON of a simulation."""

from __future__ import annotations

from collections import Counter

import pytest

from app.core.model import Bypass, Layout, Release
from app.simulation.arrivals import Arrival, ArrivalLog, Skipped
from app.simulation.replay import Tally
from app.simulation.report import Row, about, heading, quantile, table, values

TALLY = Tally(4, 3, 0, [0.02, 0.06, 0.1, 0.2], Counter({Release.FULL: 1}), Counter({Bypass.LATE: 2}))
ROW = Row(200.0, Layout(2, 1), TALLY)
LOG = ArrivalLog((Arrival(0.0, "a"), Arrival(0.5, "b"), Arrival(2.0, "a")), (Skipped(2, "why"),))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.25, 1.0), (0.26, 2.0), (0.5, 2.0), (0.95, 4.0), (1.0, 4.0)])
def test_a_quantile_is_one_of_the_values(share: float, expected: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], share) == expected


def test_the_arrivals_in_figures() -> None:
    assert about(LOG) == {"images": 3, "seconds": 2.0, "per_second": 1.0, "lanes": 2, "skipped_lines": 1}
    assert heading(LOG) == "3 images in 2.0 s (1.0 a second), 2 lanes"


def test_a_single_arrival_has_no_rate() -> None:
    log = ArrivalLog((Arrival(0.0),))
    assert about(log)["per_second"] is None
    assert heading(log) == "1 image in 0.0 s (all at once), 1 lane"


def test_one_row_in_figures() -> None:
    assert values(ROW) == {
        "window_ms": 200.0,
        "layout": "2x1",
        "images": 4,
        "answered": 4,
        "inferences": 3,
        "saved_percent": 25.0,
        "added_ms": {"p50": 60.0, "p95": 200.0},
        "sheets_by_release": {"full": 1},
        "alone_by_reason": {"late": 2},
        "refused": 0,
    }


def test_a_table_has_a_line_per_row_and_stands_in_columns() -> None:
    lines = table([ROW, Row(50.0, Layout(2, 2), Tally(1, 0, 1))]).splitlines()
    ends = {line.index(word) + len(word) for line, word in zip(lines, ("layout", "2x1", "2x2"), strict=True)}
    assert len(ends) == 1
    assert lines[0].split()[:3] == ["window", "layout", "saved"]
    assert lines[1].split()[:8] == ["200", "ms", "2x1", "25.0", "%", "3", "1.33", "60"]
    assert lines[2].split() == ["50", "ms", "2x2", "0.0", "%", "0", "-", "-", "-", "0/0/0", "0", "1"]
