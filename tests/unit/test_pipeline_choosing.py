"""Admission with a calibration: each image in its own tier's lane, and unsure answers asked again alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.clock import SystemClock
from app.core.calibration import Calibration, Foresight
from app.core.forest import Forest
from app.core.geometry import PixelBox, Size, UnitBox
from app.core.mix import ALONE_TIER, Escalation, Expected, Means, Mix, Tier
from app.core.model import ALONE, Bypass, Feature, Inquiry, Layout, Picture
from app.core.scouting import figures
from app.detectors.contract import Sighting
from app.pipeline import Policy
from app.wire.contract import InlineImage, Wishes
from app.work.choosing import Chooser
from app.work.pixels import PixelPool
from app.work.scout import Scout, look
from tests.support.colours import painted
from tests.support.front_half import Front, call, front, label_of, only, with_budget
from tests.support.intakes import FakeIntake

PAIRS = Tier((Layout(2, 1), Layout(1, 2)), crops=True)
FOURS = Tier((Layout(2, 2),))
FIXED = Mix("pairs", (Tier((Layout(2, 1),)),), Expected(0.5, 0.01))
SCOUTED = Mix("scouted", (ALONE_TIER, PAIRS, FOURS), Expected(0.4, 0.02), trade=1.0)
AGAIN = Mix("again", (Tier((Layout(2, 1),)),), Expected(0.4, 0.02), escalation=Escalation(doubt=0.5, max_share=1.0))


PICTURE = Picture("png", Size(160, 120))


@dataclass(slots=True)
class Eyes:
    """Sees what it was told to; may fail, or wait until it is let go."""

    found: list[Sighting] = field(default_factory=list)
    error: Exception | None = None
    held: threading.Event | None = None

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        if self.held is not None:
            assert self.held.wait(10)
        if self.error is not None:
            raise self.error
        return self.found


@dataclass(slots=True)
class Looks:
    """Counts looks by their outcome."""

    outcomes: list[str] = field(default_factory=list)

    def scouted(self, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.outcomes.append(outcome)


def forest(*losses: float) -> Forest:
    """Foresees the same for every image."""
    width = len(figures(look(Eyes(), painted("red"), PICTURE)))
    return Forest.from_json(
        {
            "features": width,
            "roots": [0],
            "feature": [-1],
            "threshold": [0],
            "left": [0],
            "right": [0],
            "values": [list(losses)],
        }
    )


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


def calibrated(*mixes: Mix, foresight: Foresight | None = None, max_map_drop: float = 0.03) -> Policy:
    known = Calibration("colours", Feature.OBJECTS, mixes, foresight)
    return with_budget(calibration=known, means=frozenset(Means), max_map_drop=max_map_drop)


@pytest.fixture
def eyes() -> Eyes:
    return Eyes()


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def scout(eyes: Eyes, looks: Looks) -> Iterator[Scout]:
    scout = Scout(eyes, looks, SystemClock(), threads=1)
    yield scout
    scout.close()


def scouted_front(pixels: PixelPool, scout: Scout, *losses: float) -> Front:
    foresight = Foresight("eyes", SCOUTED.tiers, forest(*losses))
    policy = calibrated(FIXED, SCOUTED, foresight=foresight)
    return front(pixels, policy=policy, chooser=Chooser(scout, foresight))


@pytest.mark.parametrize(
    ("losses", "layouts"),
    [((0.0, 0.1, 0.9), PAIRS.layouts), ((0.0, 0.1, 0.1), FOURS.layouts), ((0.0, 0.9, 0.9), None)],
)
async def test_an_image_joins_the_lane_of_its_own_tier(
    pixels: PixelPool, scout: Scout, looks: Looks, losses: tuple[float, ...], layouts: tuple[Layout, ...] | None
) -> None:
    here = scouted_front(pixels, scout, *losses)
    outcome = only((await here.pipeline.answer(call(), "request")).outcomes)
    assert looks.outcomes == ["looked"]
    if layouts is None:
        assert (outcome.bill.layout, here.tally.bypasses, here.intake.tries) == (ALONE, [Bypass.BUDGET], 0)
    else:
        assert [job.lane.layouts for job in here.intake.jobs.values()] == [layouts]


async def test_what_the_scout_saw_is_what_is_shown(pixels: PixelPool, scout: Scout, eyes: Eyes) -> None:
    eyes.found = [Sighting("object", "Dog", 0.9, (160.0, 120.0, 320.0, 360.0))]
    here = scouted_front(pixels, scout, 0.0, 0.1, 0.9)
    await here.pipeline.answer(call(source=InlineImage(painted("red", Size(640, 480)))), "request")
    (job,) = here.intake.jobs.values()
    assert job.view == PixelBox(128, 88, 352, 392)


@pytest.mark.parametrize(("error", "outcome"), [(RuntimeError("no memory"), "failed")])
async def test_a_scout_that_fails_costs_nothing_but_the_choice(
    pixels: PixelPool, scout: Scout, eyes: Eyes, looks: Looks, error: Exception, outcome: str
) -> None:
    eyes.error = error
    here = scouted_front(pixels, scout, 0.0, 0.1, 0.1)
    await here.pipeline.answer(call(), "request")
    assert [job.lane.layouts for job in here.intake.jobs.values()] == [FIXED.tiers[0].layouts]
    assert looks.outcomes == [outcome]


async def test_a_scout_that_is_slow_is_not_waited_for(pixels: PixelPool, scout: Scout, eyes: Eyes, looks: Looks) -> None:
    eyes.held = threading.Event()
    here = scouted_front(pixels, scout, 0.0, 0.1, 0.1)
    await here.pipeline.answer(call(), "request")
    eyes.held.set()
    assert [job.lane.layouts for job in here.intake.jobs.values()] == [FIXED.tiers[0].layouts]
    assert looks.outcomes == ["late"]


async def test_a_scout_with_a_queue_is_not_asked(pixels: PixelPool, scout: Scout, eyes: Eyes, looks: Looks) -> None:
    eyes.held = threading.Event()
    here = scouted_front(pixels, scout, 0.0, 0.1, 0.1)
    await asyncio.gather(*(here.pipeline.answer(call(), "request") for _ in range(10)))
    eyes.held.set()
    assert looks.outcomes.count("busy") == 4
    assert len(here.intake.jobs) == 10


@pytest.mark.parametrize(
    ("changes", "budget"),
    [
        ({"wishes": Wishes(grid=False)}, 0.03),
        ({"wishes": Wishes(max_map_drop=0.0)}, 0.03),
        ({"inquiries": (Inquiry(Feature.FACES),)}, 0.03),
        ({}, 0.01),
    ],
)
async def test_nobody_looks_where_it_decides_nothing(
    pixels: PixelPool, scout: Scout, looks: Looks, changes: dict[str, object], budget: float
) -> None:
    """Sent alone anyway, a feature that is not calibrated, or a budget that buys a fixed layout."""
    foresight = Foresight("eyes", SCOUTED.tiers, forest(0.0, 0.1, 0.1))
    policy = calibrated(FIXED, SCOUTED, foresight=foresight, max_map_drop=budget)
    here = front(pixels, policy=policy, chooser=Chooser(scout, foresight))
    await here.pipeline.answer(call(**changes), "request")
    assert looks.outcomes == []


@pytest.mark.parametrize(
    ("side", "again"),
    [(0.9, False), (0.2, True)],
)
async def test_what_the_grid_was_unsure_about_is_asked_again_alone(pixels: PixelPool, side: float, again: bool) -> None:
    intake = FakeIntake(answers=True, box=UnitBox(0.0, 0.0, side, side))
    here = front(pixels, intake, policy=calibrated(AGAIN))
    outcome = only((await here.pipeline.answer(call(), "request")).outcomes)
    assert label_of(outcome) == ("red" if again else "Thing")
    assert (outcome.bill.layout, outcome.bill.inferences) == ((ALONE, 1.5) if again else (Layout(2, 1), 0.5))
    assert here.tally.escalations == int(again)
    assert here.tally.answered_images == 0  # the worker has counted it


async def test_an_escalation_that_fails_leaves_the_grids_answer(pixels: PixelPool) -> None:
    intake = FakeIntake(answers=True, box=UnitBox(0.0, 0.0, 0.2, 0.2))
    here = front(pixels, intake, policy=calibrated(AGAIN))
    here.provider.poison = frozenset({"red"})
    outcome = only((await here.pipeline.answer(call(), "request")).outcomes)
    assert (label_of(outcome), outcome.bill.layout) == ("Thing", Layout(2, 1))
    assert here.tally.escalations == 1


async def test_the_cap_holds(pixels: PixelPool) -> None:
    intake = FakeIntake(answers=True, box=UnitBox(0.0, 0.0, 0.2, 0.2))
    capped = replace(AGAIN, escalation=Escalation(doubt=0.5, max_share=0.25))
    here = front(pixels, intake, policy=calibrated(capped))
    for _ in range(12):
        await here.pipeline.answer(call(), "request")
    assert here.tally.escalations == 2  # older images count ever less: a little below a quarter
