"""What the runs of all tasks share: what they may spend, how they ask, what they say, where results lie."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.assembly import Measuring
from app.calibration.dataset import Dataset, Photo
from app.calibration.measuring import Measurer, PlannedSheet, Purse, SheetWork, digests_of
from app.calibration.progress import Progress
from app.calibration.store import Measured, Store
from app.core.calibration import Calibration, CalibrationError
from app.core.model import Feature
from app.dial import read_calibration
from app.work.pixels import usable_cores

# Sheets that are asked at once of a vendor elsewhere; a model in this process gets one per core.
AT_ONCE = 8
STORE = "answers.jsonl"
CALIBRATION = "calibration.json"
INTERRUPTED = "interrupted; what was paid is kept, the same command goes on"


class Refused(Exception):
    """The command cannot be run as it was given; the message says what to change."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def dollars_of(tools: Measuring, feature: Feature) -> float:
    """List price of one inference."""
    return tools.sheets.capabilities.dollars(feature)


def announce(options: argparse.Namespace, tools: Measuring, inferences: Mapping[Feature, float]) -> None:
    """Says what the run may cost before anything is spent. Raises Refused where that was not allowed."""
    total = sum(count * dollars_of(tools, feature) for feature, count in inferences.items())
    if total <= 0:
        return
    say(f"up to {sum(inferences.values()):.0f} inferences, ${total:.2f} at list price, less what is stored already")
    if options.budget_dollars is None and tools.is_paid:
        raise Refused("this provider is paid: say with --budget-dollars how much may be spent")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every measurer of a run is made of."""

    options: argparse.Namespace
    tools: Measuring
    digests: Mapping[str, str]

    @classmethod
    async def of(cls, options: argparse.Namespace, tools: Measuring, photos: Sequence[Photo]) -> Desk:
        return cls(options, tools, await asyncio.to_thread(digests_of, photos))

    def measurer(
        self,
        feature: Feature,
        *,
        elsewhere: Callable[[], float] = lambda: 0.0,
        work: SheetWork | None = None,
        least_unit: float = 0.0,
    ) -> Measurer:
        """`elsewhere`: what the run's other measurers spend of the same limit. Without `work`: that of a worker."""
        tools = self.tools
        return Measurer(
            work or tools.work,
            Store(self.options.out / STORE, feature),
            tools.clock,
            identity=tools.identity,
            digests=self.digests,
            feature=feature,
            at_once=usable_cores() if tools.is_local else AT_ONCE,
            purse=Purse(dollars_of(tools, feature), self.options.budget_dollars, elsewhere),
            least_unit=least_unit,
        )


def stop_on_signals(*measurers: Measurer) -> None:
    """Ctrl-C and SIGTERM begin nothing new."""

    def stop() -> None:
        for measurer in measurers:
            measurer.stop(INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


@dataclass(frozen=True, slots=True)
class Asker:
    """Runs sheets with their progress shown."""

    measurer: Measurer
    photos: Mapping[str, Photo]

    @classmethod
    def of(cls, measurer: Measurer, photos: Sequence[Photo]) -> Asker:
        return cls(measurer, {photo.id: photo for photo in photos})

    async def ask(self, name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
        with Progress(name, len(sheets), sys.stderr) as progress:
            return await self.measurer.run(sheets, self.photos, progress.step)


def introduce(options: argparse.Namespace, dataset: Dataset, tools: Measuring, known: str) -> None:
    """`known`: what is known of the photographs."""
    say(f"{dataset.name}: {len(dataset.photos)} photographs, {known}; provider {tools.identity}")
    for reason, names in dataset.skipped.items():
        say(f"  {reason}: {len(names)} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})")
    if options.budget_dollars is not None:
        say(f"  at most ${options.budget_dollars:.2f} will be spent")


def stored_calibration(out: Path) -> Calibration | None:
    """What an earlier run left; None where there is none. Raises CalibrationError."""
    path = out / CALIBRATION
    return read_calibration(str(path)) if path.exists() else None


def usable_calibration(out: Path, provider: str) -> Calibration | None:
    """The same, but None where it cannot be read, or is another provider's."""
    try:
        known = stored_calibration(out)
    except CalibrationError:
        return None
    return known if known is not None and known.provider == provider else None


def write_calibration(out: Path, calibration: Calibration) -> None:
    (out / CALIBRATION).write_bytes(orjson.dumps(calibration.to_json(), option=orjson.OPT_NON_STR_KEYS))
