"""Watches live what grids cost in accuracy: some images of grids are asked alone as well, and the answers compared.

In: jobs with their outcomes from grids. Out: agreement for the metrics, and a limit on the cells of further jobs where the
operator wants one (`core.density`). Called by the pipeline, one per API process; nobody waits for anything here.

    outcome of a grid --chosen? (its share; in a trial of a denser limit: all)--> a task: asked alone, compared, counted
                              `- too many under way, or the vendor throttles: skipped

A shadow is paid and answers nobody, so it counts against the savings. It never takes a client's turn or slot: it gives way as
soon as the vendor throttles, has slots of its own, and none begins while the process goes down. It asks what its sheet was
asked, for one image: a client's own limits only filter, and are not yet applied to the grid's answer either.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.clock import Clock
from app.core.agreement import SCORE_FLOOR, Interval, Window, agreement
from app.core.density import Change, Density, Direction, Patience
from app.core.inquiry import loosest
from app.core.model import Answer, Bill, Failure, Job, Layout, Outcome, Task
from app.log import get_logger
from app.providers.calling import MOST_SHADOWS, Caller, LeaseLost, PaidKind
from app.providers.contract import Capabilities
from app.work.alone import ask_alone
from app.work.pixels import PixelPool

# Longest that one shadow may take, retries included, seconds. Nobody waits for it, but it holds its image in memory.
SHADOW_S = 30.0

log = get_logger(__name__)


class ShadowLedger(Protocol):
    """What is counted and shown; the metrics module implements it."""

    def shadow(self, task: str, outcome: str) -> None:
        """compared, failed or skipped."""
        ...

    def agreement(self, task: str, layout: str, mean: float, low: float, high: float) -> None: ...

    def density(self, task: str, cells: int | None, direction: str) -> None:
        """The limit on cells that is in force from now on, and what the change was."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """What the operator chose: which share of the images, and the least agreement (None: only look)."""

    share_unit: float
    least_agreement: float | None = None
    patience: Patience = field(default_factory=Patience)


class Shadow:
    """Belongs to one event loop. `close` ends what is under way."""

    def __init__(
        self,
        watch: Watch,
        caller: Caller,
        capabilities: Capabilities,
        pixels: PixelPool,
        *,
        ledger: ShadowLedger,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._watch = watch
        self._caller = caller
        self._capabilities = capabilities
        self._pixels = pixels
        self._ledger = ledger
        self._clock = clock
        self._rng = rng
        self._windows: defaultdict[tuple[Task, Layout], Window] = defaultdict(Window)
        self._densities: dict[Task, Density] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    def limited(self, job: Job) -> Job:
        """The job in a lane within the present limit."""
        density = self._density(job.lane.task)
        if density is None:
            return job
        self._tell(density.turn(self._clock.now_s()), job.lane.task)
        layouts = density.allowed(job.lane.layouts)
        return job if layouts == job.lane.layouts else replace(job, lane=replace(job.lane, layouts=layouts))

    def consider(self, job: Job, outcome: Outcome) -> None:
        """Begin to compare, where this image is one of those; returns at once."""
        answer, layout = outcome.result, outcome.bill.layout
        if self._draining or isinstance(answer, Failure) or layout.cells < 2 or not self._is_chosen(job, layout):
            return
        if len(self._tasks) >= MOST_SHADOWS or not self._is_calm(job):
            self._ledger.shadow(job.lane.task.value, "skipped")
            return
        task = asyncio.create_task(self._watched(job, answer, layout), name=f"shadow {job.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drain(self) -> None:
        """Begin no more."""
        self._draining = True

    async def close(self) -> None:
        """What is under way ends now; nobody waits for it."""
        self._draining = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _is_chosen(self, job: Job, layout: Layout) -> bool:
        density = self._density(job.lane.task)
        return (density is not None and density.is_tried(layout)) or self._rng.random() < self._watch.share_unit

    def _is_calm(self, job: Job) -> bool:
        return self._caller.throttled_for_s(job.lane.feature.on_sheet) <= 0

    async def _watched(self, job: Job, answer: Answer, layout: Layout) -> None:
        """Whatever happens in here ends here."""
        try:
            async with asyncio.timeout(SHADOW_S):
                alone = await self._ask(job)
            if isinstance(alone, Answer):
                self._compared(job, layout, agreement(answer.detections, alone.detections, floor_unit=_floor_unit(job)))
            else:
                self._ledger.shadow(job.lane.task.value, "failed")
        except LeaseLost:
            self._ledger.shadow(job.lane.task.value, "skipped")
        except TimeoutError:
            self._ledger.shadow(job.lane.task.value, "failed")
        except Exception:
            log.error("shadow failed", request_id=job.request_id, exc_info=True)
            self._ledger.shadow(job.lane.task.value, "failed")

    async def _ask(self, job: Job) -> Answer | Failure:
        async def permit(_lease_s: float) -> bool:
            return not self._draining and self._is_calm(job)

        outcome = await ask_alone(
            replace(job, inquiry=loosest([job.inquiry])),
            Bill(),
            self._caller,
            self._capabilities,
            self._pixels,
            time_left_s=SHADOW_S,
            permit=permit,
            kind=PaidKind.SHADOW,
        )
        return outcome.result

    def _compared(self, job: Job, layout: Layout, value: float) -> None:
        task = job.lane.task
        window = self._windows[task, layout]
        window.add(value)
        found = window.interval()
        self._ledger.shadow(task.value, "compared")
        self._ledger.agreement(task.value, str(layout), found.mean, found.low, found.high)
        log.info("shadow compared", request_id=job.request_id, layout=str(layout), agreement=round(value, 3))
        density = self._density(task)
        if density is not None:
            self._tell(density.saw(layout, value, self._clock.now_s()), task)

    def _density(self, task: Task) -> Density | None:
        least = self._watch.least_agreement
        return None if least is None else self._densities.setdefault(task, Density(least, self._watch.patience))

    def _tell(self, change: Change | None, task: Task) -> None:
        if change is None:
            return
        self._ledger.density(task.value, change.cells, change.direction.value)
        say = log.warning if change.direction is Direction.SPARSER else log.info
        say(
            "grid density",
            change=change.direction.value,
            task=task.value,
            stage=change.stage.value,
            most_cells=change.cells,
            before=change.before,
            **_evidence(change.because, change.layout),
        )


def _floor_unit(job: Job) -> float:
    """What the client would see, and never guesses."""
    return max(SCORE_FLOOR, job.inquiry.min_score_unit or 0.0)


def _evidence(found: Interval | None, layout: Layout | None) -> dict[str, object]:
    if found is None:
        return {}
    rounded = {"agreement": round(found.mean, 3), "low": round(found.low, 3), "high": round(found.high, 3)}
    return {"layout": str(layout), **rounded, "samples": found.samples}
