"""Counting: by operation, in total, in flight."""

from __future__ import annotations

from app.emulators.counters import Counters, Fate

NONE = {"requests": 0, "inferences": 0, "refused": 0, "throttled": 0, "failed": 0}


def test_a_new_emulator_has_counted_nothing() -> None:
    assert Counters().as_json() == {
        "requests": {},
        "inferences": {},
        "refused": {},
        "throttled": {},
        "failed": {},
        "totals": NONE,
        "struck": {},
        "in_flight": 0,
        "in_flight_peak": 0,
    }


def test_each_count_goes_to_its_operation_and_to_the_total() -> None:
    counters = Counters()
    for operation in ("A", "A", "B"):
        counters.arrived(operation)
    counters.paid("A")
    counters.ended("A", Fate.THROTTLED)
    counters.ended("B", Fate.FAILED)
    counters.struck("stall")
    counters.left()
    found = counters.as_json()
    assert (found["requests"], found["struck"]) == ({"A": 2, "B": 1}, {"stall": 1})
    assert (found["inferences"], found["throttled"], found["failed"]) == ({"A": 1}, {"A": 1}, {"B": 1})
    assert found["totals"] == NONE | {"requests": 3, "inferences": 1, "throttled": 1, "failed": 1}
    assert (found["in_flight"], found["in_flight_peak"]) == (2, 3)


def test_a_reset_keeps_what_is_under_way() -> None:
    counters = Counters()
    for _ in range(3):
        counters.arrived("A")
    counters.left()
    counters.reset()
    found = counters.as_json()
    assert (found["in_flight"], found["in_flight_peak"], found["totals"]) == (2, 2, NONE)
    counters.left()
    counters.left()
    assert counters.as_json()["in_flight"] == 0


def test_payments_are_remembered_one_by_one() -> None:
    counters = Counters()
    counters.paid("A", [5, 3, 5])
    counters.paid("B")
    assert [(one["item"], one["markers"]) for one in counters.payments()] == [("A", [3, 5]), ("B", [])]
    first_s, second_s = (one["at_s"] for one in counters.payments())
    assert first_s <= second_s  # type: ignore[operator]  # numbers both
    counters.reset()
    assert counters.payments() == []
