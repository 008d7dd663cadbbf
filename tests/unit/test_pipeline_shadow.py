"""The pipeline with a shadow behind it: answers leave as before, and lanes follow the limit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.clock import ManualClock
from app.core.density import Patience
from app.core.model import Bypass
from app.pipeline import Pipeline
from app.providers.calling import Caller
from app.work.pixels import PixelPool
from app.work.shadow import Shadow, Watch
from tests.support.colours import ColourProvider
from tests.support.front_half import POLICY, FrontTally, call, label_of, only
from tests.support.intakes import FakeIntake


@dataclass(slots=True)
class FullTally(FrontTally):
    """Everything that pipeline and shadow tell."""

    limits: list[tuple[int | None, str]] = field(default_factory=list)
    compared: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def shadow(self, task: str, outcome: str) -> None:
        assert (task, outcome) == ("detect", "compared")

    def agreement(self, task: str, layout: str, mean: float, low: float, high: float) -> None:
        assert (task, layout) == ("detect", "2x1")
        self.compared.release()

    def density(self, task: str, cells: int | None, direction: str) -> None:
        assert task == "detect"
        self.limits.append((cells, direction))


@dataclass(slots=True)
class Front:
    pipeline: Pipeline
    shadow: Shadow
    provider: ColourProvider
    intake: FakeIntake
    tally: FullTally


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


@asynccontextmanager
async def front(pixels: PixelPool, provider: ColourProvider) -> AsyncIterator[Front]:
    """Grids that see a "Thing" in every image, and a vendor that alone sees colours: they never agree."""
    tally, clock, intake = FullTally(), ManualClock(100.0), FakeIntake(answers=True)
    caller = Caller(provider, clock=clock, rng=random.Random(1), attempt_timeout_s=5.0, meter=tally)
    watch, known = Watch(1.0, 0.9, Patience(samples=2)), provider.capabilities
    shadow = Shadow(watch, caller, known, pixels, ledger=tally, clock=clock, rng=random.Random(1))
    pipeline = Pipeline(intake, caller, known, POLICY, store=None, pixels=pixels, ledger=tally, clock=clock, shadow=shadow)
    try:
        yield Front(pipeline, shadow, provider, intake, tally)
    finally:
        await shadow.close()


async def label(here: Front) -> str:
    return label_of(only((await here.pipeline.answer(call(), "request")).outcomes))


async def test_nobody_waits_for_a_shadow(pixels: PixelPool) -> None:
    """The vendor answers no shadow at all, and the client has its answer, at the grid's price."""
    async with front(pixels, ColourProvider(gate=asyncio.Event())) as here:
        (outcome,) = (await here.pipeline.answer(call(), "request")).outcomes
        assert outcome.bill.inferences == 0.5
        while not here.provider.images:
            await asyncio.sleep(0)


async def test_a_lane_follows_the_limit(pixels: PixelPool) -> None:
    """Two images whose answers disagree, and the third goes alone, for the budget's reason."""
    async with front(pixels, ColourProvider()) as here:
        for _ in range(2):
            assert await label(here) == "Thing"
            await here.tally.compared.acquire()
        assert await label(here) == "red"
    assert here.tally.limits == [(1, "sparser")]
    assert here.tally.bypasses == [Bypass.BUDGET]
    assert [job.lane.capacity for job in here.intake.jobs.values()] == [2, 2]
    assert here.tally.paid_kinds == ["shadow", "shadow", "single"]


async def test_a_draining_pipeline_begins_no_shadow(pixels: PixelPool) -> None:
    async with front(pixels, ColourProvider()) as here:
        here.pipeline.drain()
        assert await label(here) == "red"
    assert here.tally.paid_kinds == ["single"]
