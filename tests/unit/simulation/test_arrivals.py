"""What a log of arrivals may look like, and what is said of one that cannot be used."""

from __future__ import annotations

import math

import pytest

from app.simulation.arrivals import Arrival, LogRefused, Skipped, poisson, read_log

LOGS: dict[str, tuple[list[str], list[Arrival]]] = {
    "seconds from any origin": (["1700000000.5", "1700000001"], [Arrival(0.0), Arrival(0.5)]),
    "one line": (["7"], [Arrival(0.0)]),
    "two at once": (["3", "3"], [Arrival(0.0), Arrival(0.0)]),
    "lanes after a space": (["1 a", "2 b"], [Arrival(0.0, "a"), Arrival(1.0, "b")]),
    "lanes after a comma": (["1, a", "2,b c"], [Arrival(0.0, "a"), Arrival(1.0, "b c")]),
    "lanes after a tab": (["1\ta", "2\tb"], [Arrival(0.0, "a"), Arrival(1.0, "b")]),
    "a lane that only some name": (["1", "2 b"], [Arrival(0.0), Arrival(1.0, "b")]),
    "empty lines and comments": (["# made up", "", "1", "   ", "2\n"], [Arrival(0.0), Arrival(1.0)]),
    "timestamps": (["2026-03-01T12:00:00Z", "2026-03-01T12:00:01.25Z"], [Arrival(0.0), Arrival(1.25)]),
    "timestamps of two zones": (["2026-03-01T12:00:00Z", "2026-03-01T14:00:01+02:00"], [Arrival(0.0), Arrival(1.0)]),
    "timestamps without a zone": (["2026-03-01T23:59:59", "2026-03-02T00:00:00"], [Arrival(0.0), Arrival(1.0)]),
    "date and time of day as two words": (
        ["2026-03-01 12:00:00.5 a", "2026-03-01 12:00:01, b"],
        [Arrival(0.0, "a"), Arrival(0.5, "b")],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), LOGS.values(), ids=LOGS)
def test_a_log_is_read(lines: list[str], expected: list[Arrival]) -> None:
    log = read_log(lines)
    assert [arrival.lane for arrival in log.arrivals] == [arrival.lane for arrival in expected]
    assert [arrival.at_s for arrival in log.arrivals] == pytest.approx([arrival.at_s for arrival in expected])
    assert log.skipped == ()


SKIPPED: dict[str, tuple[list[str], list[Skipped]]] = {
    "a head": (["time,lane", "1,a"], [Skipped(1, "'time' is neither seconds nor an ISO timestamp")]),
    "no number": (["1", "nan", "2"], [Skipped(2, "'nan' is no time")]),
    "an endless one": (["1", "2", "inf"], [Skipped(3, "'inf' is no time")]),
    "another kind of time": (
        ["1", "2026-03-01T12:00:00Z"],
        [Skipped(2, "a timestamp with a zone, but line 1 holds seconds")],
    ),
    "a zone that only some have": (
        ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00"],
        [Skipped(2, "a timestamp without a zone, but line 1 holds a timestamp with a zone")],
    ),
    "no such day": (
        ["1", "2026-02-30T12:00:00"],
        [Skipped(2, "'2026-02-30T12:00:00' is neither seconds nor an ISO timestamp")],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), SKIPPED.values(), ids=SKIPPED)
def test_a_bad_line_is_named_and_the_others_count(lines: list[str], expected: list[Skipped]) -> None:
    log = read_log(lines)
    assert list(log.skipped) == expected
    assert len(log.arrivals) == len(lines) - len(expected)


REFUSED = {
    "nothing": ([], "no arrival in the log"),
    "comments only": (["# 1"], "no arrival in the log"),
    "bad lines only": (["", "x"], "no arrival in the log; line 2: 'x' is neither seconds nor an ISO timestamp"),
    "back in time": (["1", "3", "", "2.5"], "line 4 is earlier than line 2; --sort puts the log in order"),
}


@pytest.mark.parametrize(("lines", "said"), REFUSED.values(), ids=REFUSED)
def test_a_log_that_cannot_be_played_is_refused_by_line(lines: list[str], said: str) -> None:
    with pytest.raises(LogRefused) as refused:
        read_log(lines)
    assert str(refused.value) == said


def test_a_log_is_put_in_order_where_that_is_asked_for() -> None:
    log = read_log(["3 c", "1 a", "2 b"], sort=True)
    assert log.arrivals == (Arrival(0.0, "a"), Arrival(1.0, "b"), Arrival(2.0, "c"))


def test_random_arrivals_have_the_rate_that_was_asked_for_and_are_the_same_each_time() -> None:
    log = poisson(4000, 20.0, seed=3)
    assert log.arrivals == poisson(4000, 20.0, seed=3).arrivals != poisson(4000, 20.0, seed=4).arrivals
    assert len(log.arrivals) == 4000
    assert 3999 / log.seconds == pytest.approx(20.0, rel=4 / math.sqrt(3999))
    assert poisson(1, 20.0, seed=3).arrivals == (Arrival(0.0),)
