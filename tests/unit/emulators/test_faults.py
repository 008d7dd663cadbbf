"""Faults in words: text and JSON become faults, and everything else is refused."""

from __future__ import annotations

import pytest

from app.emulators.faults import STALL_S, Fault, FaultKind, fault_as_json, fault_from_json, fault_from_text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kind=throttle", Fault(FaultKind.THROTTLE)),
        ("kind=stall,times=2,seconds=0.5", Fault(FaultKind.STALL, times=2, seconds=0.5)),
        ("kind=error500, share=0.25, operation=DetectLabels", Fault(FaultKind.ERROR500, "DetectLabels", share=0.25)),
    ],
)
def test_text_becomes_a_fault(text: str, wanted: Fault) -> None:
    assert fault_from_text(text) == wanted


@pytest.mark.parametrize("kind", FaultKind)
def test_json_goes_both_ways(kind: FaultKind) -> None:
    for fault in (Fault(kind), Fault(kind, "DetectFaces", times=3), Fault(kind, share=0.5, seconds=1.5)):
        assert fault_from_json(fault_as_json(fault)) == fault


def test_a_stall_has_a_length_of_its_own_accord() -> None:
    assert fault_from_json({"kind": "stall"}).seconds == STALL_S


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "stall",
        {},
        {"kind": "earthquake"},
        {"kind": "stall", "color": "red"},
        {"times": 1},
        {"kind": "stall", "times": 0},
        {"kind": "stall", "times": "two"},
        {"kind": "stall", "times": [1]},
        {"kind": "stall", "share": 1.5},
        {"kind": "stall", "share": -0.1},
        {"kind": "stall", "times": 1, "share": 0.5},
        {"kind": "stall", "seconds": -1},
        {"kind": "stall", "seconds": None},
    ],
)
def test_what_is_no_fault_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        fault_from_json(value)


@pytest.mark.parametrize("text", ["", "stall", "kind", "kind=stall;times=1", "kind=stall,,"])
def test_text_that_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        fault_from_text(text)
