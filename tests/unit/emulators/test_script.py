"""Scripted behaviour: what strikes which call, when throttling begins, and that chance is repeatable."""

from __future__ import annotations

import pytest

from app.emulators.faults import Fault, FaultKind
from app.emulators.options import EmulatorOptions
from app.emulators.script import Behaviour, Brake, Script, behaviour_as_json, behaviour_of, changed

STALL, CLOSE = FaultKind.STALL, FaultKind.CLOSE


def kinds(script: Script, *operations: str) -> list[FaultKind | None]:
    struck = (script.fault(operation) for operation in operations)
    return [fault.kind if fault else None for fault in struck]


def test_without_a_script_nothing_happens() -> None:
    script = Script(Behaviour(), 0)
    assert script.fault("DetectLabels") is None
    assert script.brake(0.0) is None
    assert script.latency_s() == 0.0


@pytest.mark.parametrize(
    ("faults", "operations", "wanted"),
    [
        ((Fault(STALL),), ("A", "A", "B"), [STALL, STALL, STALL]),
        ((Fault(STALL, times=2),), ("A", "B", "A"), [STALL, STALL, None]),
        ((Fault(STALL, "A", times=1),), ("B", "A", "A"), [None, STALL, None]),
        ((Fault(STALL, times=1), Fault(CLOSE, times=1)), ("A", "A", "A"), [STALL, CLOSE, None]),
        ((Fault(STALL, "B"), Fault(CLOSE, "A")), ("A", "B"), [CLOSE, STALL]),
        ((Fault(STALL, share=0.0),), ("A", "A"), [None, None]),
        ((Fault(STALL, share=1.0),), ("A", "A"), [STALL, STALL]),
    ],
)
def test_the_first_fault_in_order_that_wants_a_call_strikes_it(
    faults: tuple[Fault, ...], operations: tuple[str, ...], wanted: list[FaultKind | None]
) -> None:
    assert kinds(Script(Behaviour(faults=faults), 0), *operations) == wanted


def test_a_share_strikes_about_as_often_as_it_says_and_the_same_calls_each_time() -> None:
    script = Script(Behaviour(faults=(Fault(STALL, share=0.3),)), 7)
    first = kinds(script, *"A" * 1000)
    assert 250 < first.count(STALL) < 350
    script.reset()
    assert kinds(script, *"A" * 1000) == first


def test_an_added_fault_leaves_the_others_as_they_are() -> None:
    script = Script(Behaviour(faults=(Fault(STALL, times=2),)), 0)
    assert kinds(script, "A") == [STALL]
    script.add(Fault(CLOSE, times=1))
    assert kinds(script, "A", "A", "A") == [STALL, CLOSE, None]


def test_reset_brings_the_start_back() -> None:
    script = Script(Behaviour(latency_ms=5, faults=(Fault(STALL, times=1),)), 0)
    kinds(script, "A")
    script.become(Behaviour())
    script.reset()
    assert script.behaviour.latency_ms == 5
    assert kinds(script, "A", "A") == [STALL, None]


@pytest.mark.parametrize(
    ("rate_per_s", "times_s", "wanted"),
    [
        (2.0, (0, 0, 0, 0), [True, True, False, False]),  # two at once, then no more
        (2.0, (0, 0, 0.5, 0.5, 1.0), [True, True, True, False, True]),  # one comes back every half second
        (2.0, (0, 100, 100, 100), [True, True, True, False]),  # what is not used is not saved up
        (0.5, (0, 1, 2, 3), [True, False, True, False]),
    ],
)
def test_a_rate_lets_through_its_number_per_second(rate_per_s: float, times_s: tuple[float, ...], wanted: list[bool]) -> None:
    script = Script(Behaviour(rate_per_s=rate_per_s), 0)
    assert [script.brake(now_s) is None for now_s in times_s] == wanted


def test_throttling_says_why() -> None:
    assert Script(Behaviour(throttle_share=1.0), 0).brake(0.0) is Brake.SHARE
    slow = Script(Behaviour(rate_per_s=1.0), 0)
    assert [slow.brake(0.0), slow.brake(0.0)] == [None, Brake.RATE]


def test_latency_stays_within_its_jitter_and_is_never_negative() -> None:
    script = Script(Behaviour(latency_ms=80, jitter_ms=20), 3)
    drawn = [script.latency_s() for _ in range(500)]
    assert 0.06 <= min(drawn) < 0.065
    assert 0.095 < max(drawn) <= 0.1
    assert min(Script(Behaviour(latency_ms=1, jitter_ms=50), 3).latency_s() for _ in range(50)) == 0.0


def test_a_change_replaces_its_fields_and_keeps_the_rest() -> None:
    before = Behaviour(latency_ms=5, rate_per_s=3.0)
    change = {"rate_per_s": None, "poison": [3, 4], "faults": [{"kind": "stall", "times": 1}]}
    assert changed(before, change) == Behaviour(
        latency_ms=5, rate_per_s=None, poison=frozenset({3, 4}), faults=(Fault(STALL, times=1),)
    )
    assert changed(before, {}) == before


def test_a_behaviour_goes_to_json_and_back() -> None:
    behaviour = Behaviour(1, 2, 3.0, 0.5, frozenset({9, 1}), (Fault(CLOSE, "A", share=0.5),))
    assert changed(Behaviour(), behaviour_as_json(behaviour)) == behaviour


@pytest.mark.parametrize(
    "change",
    [
        None,
        [],
        {"speed": 1},
        {"latency_ms": -1},
        {"jitter_ms": -1},
        {"latency_ms": "slow"},
        {"rate_per_s": 0},
        {"throttle_share": 2},
        {"poison": 5},
        {"poison": ["x"]},
        {"faults": {"kind": "stall"}},
        {"faults": [{"kind": "none"}]},
    ],
)
def test_what_is_no_behaviour_is_refused(change: object) -> None:
    with pytest.raises(ValueError):
        changed(Behaviour(), change)


def test_options_say_how_an_emulator_starts() -> None:
    options = EmulatorOptions(
        latency_ms=1, jitter_ms=2, rate_per_s=3, throttle_share=0.5, poison=frozenset({6}), faults=(Fault(CLOSE),)
    )
    assert behaviour_of(options) == Behaviour(1, 2, 3, 0.5, frozenset({6}), (Fault(CLOSE),))
