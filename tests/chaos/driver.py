"""One run: start everything, keep the load steady, play the faults, collect what happened. For the command and the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.gate import open_gate
from tests.chaos.history import History, Span
from tests.chaos.judge import judged
from tests.chaos.load import Load, Plan
from tests.chaos.playing import Pace, play
from tests.chaos.raw import pause
from tests.chaos.recovery import recovered_after_s, usual
from tests.chaos.report import Report, report
from tests.chaos.stage import Stage, open_stage
from tests.chaos.timeline import Fault, timeline
from tests.chaos.verdict import LONG, SHORT, Bounds, settled
from tests.support.cluster import until


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is made of. `settings` go to all processes; `bounds` say what it may show."""

    seed: int
    rate_per_s: float
    limit_s: float
    pace: Pace
    window_s: float
    settings: dict[str, str]
    faults: Sequence[Fault]
    bounds: Bounds
    seconds: float = 0.0


LATENCY_MS, JITTER_MS = 150, 50
COMMON = {"TESSERA_MIX_TENANTS": "true"}


def long_run(seed: int, seconds: float, only: Sequence[str]) -> Run:
    """With the time limits that Tessera has by itself. `seconds`: go on with further rounds of faults until then."""
    settings = {**COMMON, "TESSERA_REQUEST_TIMEOUT_MS": "30000"}
    faults = _chosen(timeline(short=False), only)
    return Run(seed, 12.0, 30.0, Pace(warm_s=8.0, settle_s=40.0, short=False), 2.0, settings, faults, LONG, seconds)


def short_run(seed: int, only: Sequence[str] = ()) -> Run:
    """All kinds of faults in half a minute: shorter limits, shorter faults, and little time to recover."""
    settings = {**COMMON, "TESSERA_REQUEST_TIMEOUT_MS": "10000", "TESSERA_PROVIDER_TIMEOUT_MS": "1500"}
    faults = _chosen(timeline(short=True), only)
    return Run(seed, 8.0, 10.0, Pace(warm_s=1.5, settle_s=0.25, short=True), 1.0, settings, faults, SHORT)


def _chosen(faults: Sequence[Fault], only: Sequence[str]) -> tuple[Fault, ...]:
    unknown = set(only) - {fault.name for fault in faults}
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)}; there are: {', '.join(fault.name for fault in faults)}")
    return tuple(fault for fault in faults if not only or fault.name in only)


def perform(run: Run, folder: Path, told: Callable[[str], None] = lambda _: None) -> Report:
    """Play it all and judge it."""
    emulator = ("--latency-ms", str(LATENCY_MS), "--jitter-ms", str(JITTER_MS), "--seed", str(run.seed))
    plan = Plan(run.rate_per_s, run.seed, run.limit_s)
    with open_stage(folder, run.settings, emulator) as stage, open_gate(stage.balancer, plan.patience_s) as gate:
        load = Load(stage.balancer, gate, plan).start()
        try:
            pause(run.pace.warm_s)
            warm_until_s = time.monotonic()
            spans = _faults(run, stage, load, warm_until_s, told)
            pause(run.window_s if run.pace.short else 0.0)
        finally:
            load.stop()
        stage.settle()
        until("the emulator is idle", lambda: stage.cluster.emulator.counters()["in_flight"] == 0)
        history = History(run.limit_s, load.requests(), spans, stage.payments(), stage.books(), load.left, stage.joined())
    return settled(report(history, warm_until_s=warm_until_s, window_s=run.window_s), run.bounds)


def _faults(run: Run, stage: Stage, load: Load, warm_until_s: float, told: Callable[[str], None]) -> list[Span]:
    usually = usual([request for request in load.requests() if request.sent_s < warm_until_s])

    def is_well(span: Span) -> bool:
        recent = [judged(one, run.limit_s) for one in load.requests() if one.sent_s >= span.ended_s]
        now_s = load.settled_until_s()
        return recovered_after_s(recent, span, window_s=run.window_s, usually=usually, now_s=now_s) is not None

    spans = play(stage, load, run.faults, run.pace, is_well, told)
    while time.monotonic() < warm_until_s + run.seconds:
        more = play(stage, load, run.faults, run.pace, is_well, told)
        spans = [*spans, *more]
    return spans
