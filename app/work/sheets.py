"""From a group's images to the encoded sheet that is sent. Used by all tasks that ask about several images at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.clock import Clock
from app.core.layout import GridPlan, GridRules, plan_grid
from app.core.model import Job, Layout
from app.imaging.compose import Encoding, Sheet, Source, assemble, prepare
from app.providers.contract import Capabilities
from app.work.pixels import PixelPool


class SheetLedger(Protocol):
    """What is counted about sheets; the metrics module implements it."""

    def sheet(self, layout: str, release: str, images: int) -> None: ...
    def composed(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Composed:
    """A sheet, and how long it took to make it."""

    sheet: Sheet
    compose_s: float


@dataclass(frozen=True, slots=True)
class SheetMaker:
    """Plans, decodes, composes and encodes. The mode of `rules` gives way to the lane's."""

    capabilities: Capabilities
    rules: GridRules
    drops: Mapping[Layout, float]
    pixels: PixelPool
    ledger: SheetLedger
    clock: Clock
    sheet_format: str = "jpeg"

    async def compose(self, jobs: Sequence[Job]) -> Composed:
        """A sheet of these jobs, all of one lane. Raises SpoiledSheet naming those that do not decode; Problem where the sheet
        as a whole cannot be made.
        """
        started_s = self.clock.now_s()
        sources = {job.id: Source(job.image, job.picture) for job in jobs}
        plan = self._plan(jobs)
        async with asyncio.TaskGroup() as tasks:
            preparing = {
                place.job_id: tasks.create_task(
                    self.pixels.in_turn(prepare, place, sources[place.job_id]), name=f"cell {place.job_id}"
                )
                for place in plan.placements
            }
        cells = {job_id: task.result() for job_id, task in preparing.items()}
        sheet = await self.pixels.ahead(assemble, plan, cells, self._encoding(jobs[0]))
        compose_s = self.clock.now_s() - started_s
        self.ledger.composed(compose_s)
        return Composed(sheet, compose_s)

    def _plan(self, jobs: Sequence[Job]) -> GridPlan:
        lane = jobs[0].lane
        sizes = [(job.id, job.picture.upright) for job in jobs]
        views = {job.id: job.view for job in jobs if job.view is not None}
        return plan_grid(sizes, lane.layouts, replace(self.rules, mode=lane.mode), self.drops, views=views)

    def _encoding(self, job: Job) -> Encoding:
        return Encoding(format=self.sheet_format, max_bytes=self.capabilities.max_image_bytes[job.lane.feature.on_sheet])
