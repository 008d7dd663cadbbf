"""Builders for the tests of group testing: a vendor that is alarmed by some colours, and a ModerateWork over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.clock import ManualClock, SystemClock
from app.core.geometry import Size
from app.core.grouping import LAYOUTS
from app.core.model import Detection, Feature, Inquiry, Item, Job, Lane, Picture, Task
from app.core.moderation import Margins
from app.core.prevalence import Prevalence
from app.providers.contract import Reading
from app.work.moderate import ModerateWork
from app.work.pixels import PixelPool
from tests.support.colours import LANDSCAPE, ColourProvider, painted
from tests.support.detect_bench import WorkBench

LARGEST = 9


@dataclass(slots=True)
class AlarmedProvider(ColourProvider):
    """Is alarmed by the colours in `alarming`, by this category and so strongly where the image is nothing else. The score
    falls with the share of the picture's side that the colour takes, as it does with vendors.
    """

    alarming: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        seen = await super(AlarmedProvider, self).infer(image, inquiry, timeout_s=timeout_s)
        found = []
        if inquiry.feature is not Feature.MODERATION:
            return seen
        for detection in seen.detections:
            if detection.label in self.alarming and detection.box is not None:
                category, score_unit = self.alarming[detection.label]
                faded_unit = score_unit * detection.box.area**0.25
                found.append(Detection(Feature.MODERATION, category, faded_unit, None, fields={"colour": detection.label}))
        return replace(seen, detections=tuple(found))


@dataclass(slots=True)
class FixedEstimates:
    """Knows one share of unsafe images for all streams. `told`: what it is told of unsafe ones; `alarms`: of the others."""

    prevalence: float
    told: list[tuple[int, int]] = field(default_factory=list)
    alarms: list[tuple[float, float]] = field(default_factory=list)

    def estimate(self, stream: str) -> float:
        return self.prevalence

    async def known(self, stream: str) -> Prevalence:
        return Prevalence(1e9, self.prevalence * 1e9)

    def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> None:
        self.told.append((images, unsafe))
        self.alarms.append((judged, alarms))


def job(colour: str, inquiry: Inquiry | None = None, image: bytes | None = None, size: Size = LANDSCAPE) -> Job:
    """A job to be moderated whose id is its colour."""
    layouts = tuple(layout for layout in LAYOUTS if layout.cells <= LARGEST)
    return Job(
        id=colour,
        request_id=f"request-{colour}",
        lane=Lane("tenant", "emulator", Task.MODERATE, Feature.MODERATION, "{}", layouts),
        inquiry=inquiry or Inquiry(Feature.MODERATION, min_score_unit=0.5),
        picture=Picture("png", size),
        image=painted(colour, size) if image is None else image,
        max_wait_s=0.1,
        time_left_s=30.0,
    )


def items(*colours: str, time_left_s: float = 30.0) -> tuple[Item, ...]:
    return tuple(Item(job(colour), waited_s=0.05, time_left_s=time_left_s) for colour in colours)


class ModerateBench(WorkBench):
    """ModerateWork with a looking provider, and a clock that is moved by hand unless one is given."""

    def __init__(
        self, provider: AlarmedProvider, pixels: PixelPool, prevalence: float = 0.01, clock: SystemClock | None = None
    ) -> None:
        self.provider = provider
        provider.clock = None if clock else ManualClock(100.0)
        super().__init__(provider, pixels, clock or provider.clock or SystemClock())
        self.estimates = FixedEstimates(prevalence)
        self.work = ModerateWork(
            caller=self.caller,
            sheets=self.sheets,
            estimates=self.estimates,
            margins=Margins({9: 0.6}),
            largest=LARGEST,
            ledger=self.tally,
            clock=self.clock,
        )
