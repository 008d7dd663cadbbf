"""A pipeline with strict fakes around it, for the front half's tests."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Any

from app.accumulator.contract import FlightStore
from app.clock import Clock, SystemClock
from app.core.accuracy import drops, table
from app.core.budget import Budget
from app.core.clients import Tenant
from app.core.flights import How
from app.core.model import Answer, Bypass, Feature, Inquiry, Outcome
from app.joining import Joiner, JoinTimes
from app.pipeline import Pipeline, Policy
from app.providers.calling import Caller
from app.providers.contract import LinkReader
from app.wire.contract import Call, InlineImage, Wishes
from app.work.choosing import Chooser
from app.work.grouping import Groups
from app.work.pixels import PixelPool
from tests.support.colours import ColourProvider, painted
from tests.support.detect_bench import Tally
from tests.support.intakes import FakeIntake

POLICY = Policy(
    max_wait_s=0.2,
    request_timeout_s=10.0,
    budget=Budget(0.03, drops(table("rekognition"))),
    max_pixels=64_000_000,
    alone_at_once=64,
)


def with_budget(**changes: Any) -> Policy:
    return replace(POLICY, budget=replace(POLICY.budget, **changes))


@dataclass(slots=True)
class FrontTally(Tally):
    """Adds what only the front half tells."""

    bypasses: list[Bypass] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    escalations: int = 0
    joins: list[How] = field(default_factory=list)
    unjoined_count: int = 0
    bypassed: asyncio.Event = field(default_factory=asyncio.Event)

    def bypass(self, reason: Bypass) -> None:
        self.bypasses.append(reason)
        self.bypassed.set()

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def joined(self, how: How) -> None:
        self.joins.append(how)

    def unjoined(self) -> None:
        self.unjoined_count += 1

    def escalated(self) -> None:
        self.escalations += 1

    def added(self, seconds: float) -> None:
        assert seconds >= 0

    async def until_bypasses(self, count: int) -> None:
        """Wait until so many images have been counted as going alone."""
        while len(self.bypasses) < count:
            self.bypassed.clear()
            await self.bypassed.wait()


@dataclass(slots=True)
class Front:
    """A pipeline and what stands around it."""

    pipeline: Pipeline
    intake: FakeIntake
    provider: ColourProvider
    tally: FrontTally
    joiner: Joiner | None = None


def front(
    pixels: PixelPool,
    intake: FakeIntake | None = None,
    policy: Policy = POLICY,
    clock: Clock | None = None,
    links: LinkReader | None = None,
    chooser: Chooser | None = None,
    groups: Groups | None = None,
    provider: ColourProvider | None = None,
    flights: FlightStore | None = None,
    join_times: JoinTimes | None = None,
) -> Front:
    """`flights`: where equal images of all fronts meet; without it nobody joins anybody."""
    provider, tally, clock = provider or ColourProvider(), FrontTally(), clock or SystemClock()
    intake = intake or FakeIntake(answers=True)
    caller = Caller(provider, clock=clock, rng=random.Random(1), attempt_timeout_s=5.0, meter=tally)
    known = provider.capabilities
    joiner = Joiner(flights, tally, clock, join_times) if flights is not None else None
    pipeline = Pipeline(
        intake,
        caller,
        known,
        policy,
        store=None,
        pixels=pixels,
        ledger=tally,
        clock=clock,
        links=links,
        chooser=chooser,
        groups=groups,
        joiner=joiner,
    )
    return Front(pipeline, intake, provider, tally, joiner)


def call(**changes: object) -> Call:
    plain = Call(
        endpoint="native",
        operation="detect",
        tenant=Tenant("tenant"),
        source=InlineImage(painted("red")),
        inquiries=(Inquiry(Feature.OBJECTS),),
        wishes=Wishes(),
        formats=frozenset({"png", "jpeg"}),
        max_image_bytes=1_000_000,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the fields of Call, by name


def only(outcomes: tuple[Outcome, ...]) -> Outcome:
    assert len(outcomes) == 1
    return outcomes[0]


def label_of(outcome: Outcome) -> str:
    assert isinstance(outcome.result, Answer), outcome
    return outcome.result.detections[0].label
