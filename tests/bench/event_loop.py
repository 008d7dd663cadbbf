"""How free an event loop is while its process works: how long GET /healthz takes. A stage of `bench_proxy`.

In: what keeps a process busy (`Load`). Out: a printed row for each. A probe of a busy machine also waits for the machine, so an
idle process is probed at the same time; and a busy loop has a queue, so the forwarder is probed under the same crowd, too.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.crowd import probing
from tests.bench.ways import Way

# Between two looks, seconds: a hundred and more during a run, and next to no load.
PROBE_EVERY_S = 0.01
# How long a loop is looked at that has nothing to do, seconds.
REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What keeps `probed` busy; `idle` has nothing to do meanwhile. Without a way, both have nothing to do."""

    name: str
    probed: str
    idle: str
    way: Way | None = None
    clients: int = 0
    images: int = 0


@dataclass(slots=True)
class _Row:
    per_second: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)


def look_at_event_loops(loads: Sequence[Load], rounds: int) -> None:
    """All loads in turn, `rounds` times; a row for each, over all its rounds."""
    print(
        f"\nEvent loop: GET /healthz every {1000 * PROBE_EVERY_S:.0f} ms, {rounds} rounds; beside it an idle process's, in ms"
    )
    rows = {load.name: _Row() for load in loads}
    for _ in range(rounds):
        for load in loads:
            _look(load, rows[load.name])
    print(f"  {'':26}{'images/s':>9}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'idle p50':>12}{'p95':>8}{'p99':>8}{'max':>8}")
    for name, row in rows.items():
        rate = f"{statistics.median(row.per_second):9.0f}" if row.per_second else f"{'':9}"
        print(f"  {name:26}{rate}{_spread(row.busy_ms)}    {_spread(row.idle_ms)}")


def _look(load: Load, row: _Row) -> None:
    with probing((load.probed, load.idle), PROBE_EVERY_S) as (busy_ms, idle_ms):
        if load.way is None:
            threading.Event().wait(REST_S)
        else:
            row.per_second.append(load.way.run(load.clients, load.images).per_second)
    row.busy_ms += busy_ms
    row.idle_ms += idle_ms


def _spread(latencies_ms: Sequence[float]) -> str:
    cuts = statistics.quantiles(latencies_ms, n=100, method="inclusive")
    return "".join(f"{value:8.1f}" for value in (cuts[49], cuts[94], cuts[98], max(latencies_ms)))
