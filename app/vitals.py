"""How this process is: what `/readyz`, `/metrics`, `/v1/stats` and the dashboard are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from app import __version__
from app.accumulator.contract import Accumulator
from app.errors import Problem
from app.metrics import CONTENT_TYPE, Metrics
from app.pipeline import Pipeline
from app.server.probes import SERVING, Readiness, Vitals
from app.settings import Settings, public_view
from app.work.worker import CLAIM_WAIT_S, Worker

# A claiming loop that has not turned for so long hangs: it turns at least every CLAIM_WAIT_S while it has a free slot.
STUCK_AFTER_S = 6 * CLAIM_WAIT_S


class ProcessVitals:
    """Looks at the parts when asked; keeps only where the process is in its life."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        accumulator: Accumulator,
        pipeline: Pipeline | None,
        worker: Worker | None,
        *,
        is_listening: Callable[[], bool],
        accuracy: Mapping[str, Any] | None = None,
        prevalence: Callable[[], float | None] = lambda: None,
        usage: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """`prevalence`: the estimated share of unsafe images, where any were seen.

        `is_listening`: whether answers for this process can come back from the accumulator at present.

        `usage`: what clients have used of their budgets, by the operator's names.

        `accuracy`: what the accuracy budget bought, in plain values; None in a process without a front door.
        """
        self._accuracy = accuracy
        self._prevalence = prevalence
        self._usage = usage
        self._settings = settings
        self._metrics = metrics
        self._accumulator = accumulator
        self._pipeline = pipeline
        self._worker = worker
        self._is_listening = is_listening
        self._stage = Readiness.STARTING

    def started(self) -> None:
        self._stage = Readiness.READY

    def drain(self) -> None:
        self._stage = Readiness.DRAINING

    def probes(self) -> Vitals:
        return Vitals(self.readiness, self._details, self._render, self._stats)

    def readiness(self) -> Readiness:
        """The stage of life first, then a hanging worker, then an accumulator that is away or failed when last tried."""
        if self._stage is not Readiness.READY:
            return self._stage
        worker = self._worker
        if worker is not None and worker.has_free_slot and worker.idle_for_s() > STUCK_AFTER_S:
            return Readiness.STUCK
        return Readiness.DEGRADED if self._is_degraded() else Readiness.READY

    def _is_degraded(self) -> bool:
        if self._worker is not None and self._worker.is_cut_off:
            return True
        return self._pipeline is not None and (self._pipeline.is_degraded or not self._is_listening())

    def _details(self) -> dict[str, Any]:
        return {"role": self._settings.role, "provider": self._settings.provider, "version": __version__}

    async def _refresh(self) -> None:
        """What is only known by asking. An accumulator that does not answer is a fact, too."""
        self._metrics.prevalence(self._prevalence())
        self._metrics.ready(serves=self.readiness() in SERVING)
        self._metrics.tasks(len(asyncio.all_tasks()))
        try:
            for task, images in (await self._accumulator.pending()).items():
                self._metrics.pending(task.value, images)
            self._metrics.accumulator(up=True)
        except Problem:
            self._metrics.accumulator(up=False)

    async def _render(self) -> tuple[bytes, str]:
        await self._refresh()
        return self._metrics.render(), CONTENT_TYPE

    async def _stats(self) -> dict[str, Any]:
        await self._refresh()
        status = {**self._details(), "status": self.readiness().value}
        accuracy = {"accuracy": dict(self._accuracy)} if self._accuracy else {}
        figures = self._metrics.snapshot()
        figures["quotas"] |= {"clients": dict(self._usage())}
        return {"process": status, **accuracy, **figures, "settings": public_view(self._settings)}
