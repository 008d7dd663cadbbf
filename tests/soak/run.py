"""One soak run: the processes, the crowd, a look every few seconds, and what there is when everybody has gone home.

In: `Plan`. Out: `Findings`: samples, tally, trends, and what was left over. Called by `__main__`, and in short by the tests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.crowd import Crowd, Site, Tally
from tests.soak.fronts import Tenant
from tests.soak.sampling import CLIENTS, Sampler, Samples, Watched
from tests.soak.verdict import FEWEST_SAMPLES, Tolerance, Trend, trend_of
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.server import RunningServer

TENANTS = tuple(Tenant(name, f"{name}-key", f"AKID{name.upper()}", f"{name}-secret") for name in ("shop", "archive", "press"))
# What the emulated vendor takes, milliseconds: so that sheets gather and several are under way at once.
LATENCY = ("--latency-ms", "120", "--jitter-ms", "60")
SETTINGS = {"TESSERA_MAX_WAIT_MS": "150", "TESSERA_GRID_TEXT": "true", "TESSERA_CLASSIFY": "detection"}
# Growth over the judged time that is no leak, by kind of figure. Memory: what an allocator keeps back for the next peak.
# The others go up and down with the load; a leak of one per minute would be far outside.
JUDGED: Mapping[str, Tolerance] = {
    "memory": Tolerance(0.03, 3.0),
    "own memory": Tolerance(0.03, 3.0),
    "open files": Tolerance(0.10, 4.0),
    "threads": Tolerance(0.0, 1.0),
    "tasks": Tolerance(0.10, 5.0),
    "keys": Tolerance(0.10, 6.0),
    "used memory": Tolerance(0.10, 0.5),
    "clients": Tolerance(0.0, 1.0),
}
# After the last answer: so long may it take until nothing of a job is left in Redis, seconds. Longest is the answer of a client
# that has vanished, which is kept for its retry (joining.JoinTimes); and expired keys go when Redis comes to look.
EMPTY_WITHIN_S = 100.0
# Tasks that may live on after the last answer: for each tenant, one keeps the share of unsafe images in step with Redis for a
# while; and the looks themselves.
TASKS_KEPT = len(TENANTS) + 2
QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how much, and what is left out of the judgement at the start."""

    seconds: float
    rate_per_s: float
    every_s: float = 5.0
    warm_up_s: float = 240.0
    day_s: float = 300.0
    api: int = 2
    workers: int = 2
    seed: int = 1
    leaves: tuple[str, ...] = ()
    """Kinds of keys that go by themselves, later than a short run waits."""

    @property
    def is_judged(self) -> bool:
        """Whether trends mean anything: a short run only shows that answers are right, and that nothing is left over."""
        return self.seconds >= self.warm_up_s + FEWEST_SAMPLES * self.every_s


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run showed."""

    plan: Plan
    took_s: float
    tally: Tally
    samples: Samples
    trends: tuple[Trend, ...]
    left_over: Mapping[str, int]
    tasks: Mapping[str, tuple[float, float]]
    """By process: before the first request, and after the last answer."""
    paid: int
    answered: int
    errors_logged: tuple[str, ...] = field(default=())

    @property
    def mistakes(self) -> list[str]:
        """Why this run is no success; empty where it is one."""
        bad = [f"{fate}: {self.tally.fates[fate]}" for fate in ("wrong", "error", "lost") if self.tally.fates[fate]]
        bad += [f"{trend.name} grows by {trend.growth:.2f} {trend.unit}" for trend in self.trends if not trend.is_flat]
        bad += [f"left in Redis: {count} {kind}" for kind, count in self.left_over.items()]
        bad += [
            f"{name}: {after:.0f} tasks, {before:.0f} before"
            for name, (before, after) in self.tasks.items()
            if after > before + TASKS_KEPT
        ]
        return bad + [f"logged as an error: {line}" for line in self.errors_logged]


def soak(plan: Plan, folder: Path) -> Findings:
    """Run it. The processes are gone when it returns."""
    clients = folder / "clients.toml"
    clients.write_text("\n".join(tenant.toml() for tenant in TENANTS), encoding="utf-8")
    settings = {**SETTINGS, "TESSERA_CLIENTS": str(clients)}
    with running_cluster(folder, api=plan.api, workers=plan.workers, emulator=LATENCY, settings=settings) as cluster:
        sampler = Sampler(_watched(cluster), cluster.redis.url, cluster.redis.pid, cluster.emulator)
        try:
            return asyncio.run(_soak(plan, cluster, sampler))
        finally:
            sampler.close()


def _watched(cluster: Cluster) -> list[Watched]:
    named = [(f"api {n}", one) for n, one in enumerate(cluster.apis, 1)]
    named += [(f"worker {n}", one) for n, one in enumerate(cluster.workers, 1)]
    return [Watched(name, one.process.pid, one.url) for name, one in named]


async def _soak(plan: Plan, cluster: Cluster, sampler: Sampler) -> Findings:
    crowd = Crowd(
        [Site(one.url, one.grpc) for one in cluster.apis], TENANTS, rate_per_s=plan.rate_per_s, day_s=plan.day_s, seed=plan.seed
    )
    began_s = time.monotonic()
    await asyncio.to_thread(sampler.look, 0.0)
    looking = asyncio.create_task(_look_again(plan, crowd.tally, sampler, began_s), name="sampler")
    await crowd.run(plan.seconds)
    looking.cancel()
    await asyncio.wait({looking})
    took_s = time.monotonic() - began_s
    return await asyncio.to_thread(_found, plan, cluster, sampler, crowd.tally, took_s)


async def _look_again(plan: Plan, tally: Tally, sampler: Sampler, began_s: float) -> None:
    while True:
        await asyncio.sleep(plan.every_s)
        at_s = time.monotonic() - began_s
        await asyncio.to_thread(sampler.look, at_s)
        for name, value in quantiles(tally.take_seconds()).items():
            sampler.samples.add(at_s, name, "answer", 1000 * value, "ms")
        for fate in ("right", "wrong", "error", "lost", "refused", "vanished"):
            sampler.samples.add(at_s, fate, "pictures", tally.fates[fate])


def _found(plan: Plan, cluster: Cluster, sampler: Sampler, tally: Tally, took_s: float) -> Findings:
    """Everybody has gone: wait until the processes have noticed, and look once more."""

    def left_over() -> dict[str, int]:
        return {kind: count for kind, count in sampler.left_over().items() if kind not in plan.leaves}

    with suppress(AssertionError):  # what is left then is told as what it is
        until("no job is left in Redis", lambda: not left_over(), EMPTY_WITHIN_S)
    before = _tasks(sampler.samples)
    sampler.look(took_s + EMPTY_WITHIN_S)
    after = _tasks(sampler.samples, last=True)
    trends = [
        trend_of(series, tolerance, from_s=plan.warm_up_s, until_s=plan.seconds)
        for kind, tolerance in JUDGED.items()
        for series in sampler.samples.series(kind)
        if plan.is_judged and not series.name.startswith(CLIENTS)
    ]
    return Findings(
        plan,
        took_s,
        tally,
        sampler.samples,
        tuple(trends),
        left_over(),
        {name: (before[name], after[name]) for name in before},
        cluster.emulator.paid(),
        cluster.answered(),
        tuple(line for one in cluster.processes for line in _errors(one)),
    )


def _tasks(samples: Samples, *, last: bool = False) -> dict[str, float]:
    return {name: row[-1 if last else 0][1] for (name, kind), row in samples.rows.items() if kind == "tasks"}


def _errors(server: RunningServer) -> list[str]:
    """What the process itself calls an error. (Warnings tell of clients that have left.)"""
    return [f"{line['event']} {line.get('exception', '')[-300:]}" for line in server.logs() if line["level"] == "error"]


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Nearest rank; nothing of nothing."""
    ordered = sorted(seconds)
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share, name in QUANTILES if ordered}
