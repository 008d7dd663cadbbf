"""The faults are played: one after the other under load, each with time to recover.

In: the table of `timeline`, the stage and the load. Out: the spans of the faults.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.chaos.history import Span
from tests.chaos.load import Load
from tests.chaos.raw import pause
from tests.chaos.stage import Stage
from tests.chaos.timeline import Fault

LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """`warm_s`: before the first fault. After each, until `is_well` says so, but not longer than `settle_s`."""

    warm_s: float
    settle_s: float
    short: bool


def play(
    stage: Stage,
    load: Load,
    faults: Sequence[Fault],
    pace: Pace,
    is_well: Callable[[Span], bool],
    told: Callable[[str], None],
) -> list[Span]:
    """One fault after the other, each with time to recover."""
    spans: list[Span] = []
    for fault in faults:
        began_s = time.monotonic()
        if spans:
            spans[-1] = replace(spans[-1], until_s=began_s)
        told(f"{fault.name}: {fault.words}")
        facts = [fault.begin(stage, load)]
        if fault.end is not None:
            pause(fault.short_s if pace.short else fault.hold_s)
            facts.append(fault.end(stage, load))
        span = _span(fault, began_s, facts)
        spans.append(span)
        _settle(span, pace.settle_s, is_well)
    if spans:
        spans[-1] = replace(spans[-1], until_s=time.monotonic())
    return spans


def _span(fault: Fault, began_s: float, facts: Sequence[object]) -> Span:
    """Until now; the next fault is not known yet."""
    now_s, never_s = time.monotonic(), float("inf")
    return Span(fault.name, fault.words, began_s, now_s, never_s, _told(facts), fault.errors, fault.pays_again)


def _told(facts: Sequence[object]) -> str:
    return "; ".join(dict.fromkeys(fact for fact in facts if isinstance(fact, str)))


def _settle(span: Span, most_s: float, is_well: Callable[[Span], bool]) -> None:
    until_s = time.monotonic() + most_s
    while time.monotonic() < until_s and not is_well(span):
        pause(LOOK_S)
