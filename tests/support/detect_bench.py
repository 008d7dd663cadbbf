"""Builders for the back half's tests: items wearing colours, a DetectWork over the provider that finds them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.clock import Clock, ManualClock
from app.core.accuracy import drops, table
from app.core.geometry import Size
from app.core.layout import GridRules
from app.core.model import Feature, GridMode, Inquiry, Item, Job, Lane, Layout, Outcome, Picture, Task
from app.errors import Kind
from app.providers.calling import Caller
from app.work.detect import DetectWork
from app.work.pixels import PixelPool
from app.work.sheets import SheetMaker
from tests.support.colours import LANDSCAPE, ColourProvider, painted

TWO_BY_TWO = (Layout(2, 1), Layout(1, 2), Layout(2, 2))


@dataclass(slots=True)
class Tally:
    """Every ledger in one: remembers what it was told."""

    sheets: list[tuple[str, str, int]] = field(default_factory=list)
    paid_kinds: list[str] = field(default_factory=list)
    errors: list[Kind] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    fates: dict[str, int] = field(default_factory=lambda: {"kept": 0, "seam": 0, "gutter": 0})
    groups: list[tuple[int, str]] = field(default_factory=list)
    verdicts: list[tuple[str, int]] = field(default_factory=list)
    answered_images: int = 0

    def sheet(self, layout: str, release: str, images: int) -> None:
        self.sheets.append((layout, release, images))

    def composed(self, seconds: float) -> None:
        assert seconds >= 0

    def boxes(self, *, kept: int = 0, seam: int = 0, gutter: int = 0) -> None:
        for fate, count in (("kept", kept), ("seam", seam), ("gutter", gutter)):
            self.fates[fate] += count

    def group_tested(self, images: int, result: str) -> None:
        self.groups.append((images, result))

    def moderated(self, verdict: str, rounds: int) -> None:
        self.verdicts.append((verdict, rounds))

    def answered(self, images: int, feature: str, task: str) -> None:
        self.answered_images += images

    def lease_event(self, event: str) -> None:
        self.events.append(event)

    def paid(self, kind: str, feature: str, task: str) -> None:
        self.paid_kinds.append(kind)

    def error(self, kind: Kind) -> None:
        self.errors.append(kind)

    def took(self, seconds: float) -> None:
        assert seconds >= 0


def job(colour: str, *, size: Size = LANDSCAPE, layouts: tuple[Layout, ...] = TWO_BY_TWO, image: bytes | None = None) -> Job:
    """A job whose id is its colour."""
    return Job(
        id=colour,
        request_id=f"request-{colour}",
        lane=Lane("tenant", "emulator", Task.DETECT, Feature.OBJECTS, "{}", layouts),
        inquiry=Inquiry(Feature.OBJECTS, min_score_unit=0.5),
        picture=Picture("png", size),
        image=painted(colour, size) if image is None else image,
        max_wait_s=0.1,
        time_left_s=30.0,
    )


def items(*colours: str, time_left_s: float = 30.0) -> tuple[Item, ...]:
    return tuple(Item(job(colour), waited_s=0.05, time_left_s=time_left_s) for colour in colours)


class WorkBench:
    """What any work needs: a caller of a looking provider, a maker of sheets, and everything that was delivered."""

    clock: Clock

    def __init__(self, provider: ColourProvider, pixels: PixelPool, clock: Clock) -> None:
        self.clock = clock
        self.tally = Tally()
        self.delivered: list[Outcome] = []
        self.caller = Caller(
            provider, clock=clock, rng=random.Random(1), attempt_timeout_s=5.0, meter=self.tally, wait=self._wait
        )
        self.sheets = SheetMaker(
            capabilities=provider.capabilities,
            rules=GridRules(mode=GridMode.KEPT, sheet_side_px=provider.capabilities.sheet_side_px),
            drops=drops(table("rekognition")),
            pixels=pixels,
            ledger=self.tally,
            clock=clock,
        )

    async def _wait(self, seconds: float) -> None:
        if isinstance(self.clock, ManualClock):
            self.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    async def deliver(self, outcomes: Sequence[Outcome]) -> None:
        self.delivered.extend(outcomes)

    def by_id(self) -> dict[str, Outcome]:
        """Delivered outcomes by job; fails when a job got two."""
        found = {outcome.job_id: outcome for outcome in self.delivered}
        assert len(found) == len(self.delivered), "a job was answered twice"
        return found


class Bench(WorkBench):
    """DetectWork with a looking provider and a clock moved by hand."""

    clock: ManualClock

    def __init__(self, provider: ColourProvider, pixels: PixelPool) -> None:
        self.provider = provider
        provider.clock = ManualClock(100.0)
        super().__init__(provider, pixels, provider.clock)
        self.work = DetectWork(caller=self.caller, sheets=self.sheets, ledger=self.tally, clock=self.clock)
