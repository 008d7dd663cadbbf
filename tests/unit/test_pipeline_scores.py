"""The front half before a provider without a threshold of its own: clients who name none get what would usually be shown."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from app.clock import SystemClock
from app.core.accuracy import drops, table
from app.core.budget import Budget
from app.core.clients import Tenant
from app.core.geometry import UnitBox
from app.core.model import Answer, Bypass, Detection, Feature, Inquiry
from app.pipeline import Pipeline, Policy
from app.providers.calling import Caller
from app.providers.contract import Capabilities, Reading
from app.wire.contract import Call, InlineImage, Wishes
from app.work.pixels import PixelPool
from tests.support.colours import CAPABILITIES, painted
from tests.support.detect_bench import Tally
from tests.support.intakes import FakeIntake

POLICY = Policy(
    max_wait_s=0.2,
    request_timeout_s=10.0,
    budget=Budget(0.03, drops(table("rekognition"))),
    max_pixels=64_000_000,
    alone_at_once=64,
)


class FrontTally(Tally):
    """Adds what the front half tells."""

    def bypass(self, reason: Bypass) -> None:
        assert reason is Bypass.CALLER

    def escalated(self) -> None:
        raise AssertionError("nothing here is asked again")

    def waited(self, seconds: float) -> None:
        assert seconds >= 0

    def added(self, seconds: float) -> None:
        assert seconds >= 0


@dataclass(slots=True)
class Frank:
    """Tells everything, however unsure."""

    usual_score_unit: float | None
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        self.capabilities = replace(CAPABILITIES, usual_score_unit=self.usual_score_unit)

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        box = UnitBox(0.0, 0.0, 1.0, 1.0)
        return Reading(tuple(Detection(Feature.OBJECTS, str(score), score, box) for score in (0.9, 0.25, 0.01)), b"")

    async def aclose(self) -> None:
        return


@pytest.fixture
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("usual_score_unit", "min_score_unit", "labels"),
    [
        (0.25, None, ["0.9", "0.25"]),
        (0.25, 0.0, ["0.9", "0.25", "0.01"]),  # who asks for everything gets it
        (None, None, ["0.9", "0.25", "0.01"]),  # a vendor has its own threshold
    ],
)
async def test_who_names_no_threshold_gets_what_is_usually_shown(
    pixels: PixelPool, usual_score_unit: float | None, min_score_unit: float | None, labels: list[str]
) -> None:
    provider, tally, clock = Frank(usual_score_unit), FrontTally(), SystemClock()
    caller = Caller(provider, clock=clock, rng=random.Random(1), attempt_timeout_s=5.0, meter=tally)
    known = provider.capabilities
    pipeline = Pipeline(FakeIntake(), caller, known, POLICY, store=None, pixels=pixels, ledger=tally, clock=clock)
    call = Call(
        endpoint="google",
        operation="OBJECT_LOCALIZATION",
        tenant=Tenant("tenant"),
        source=InlineImage(painted("red")),
        inquiries=(Inquiry(Feature.OBJECTS, min_score_unit=min_score_unit),),
        wishes=Wishes(grid=False),
        formats=frozenset({"png"}),
        max_image_bytes=1_000_000,
    )
    (outcome,) = (await pipeline.answer(call, "r")).outcomes
    assert isinstance(outcome.result, Answer)
    assert [one.label for one in outcome.result.detections] == labels
