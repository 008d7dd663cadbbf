"""`tessera calibrate` put together: provider, work, scout, store, run, report. A composition root, called by `cli`.

Exit codes: 0 done, 1 stopped early (what was paid is kept, the same command goes on), 2 unusable options, data or settings.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from app.assembly import Measuring, measuring
from app.calibration.dataset import Dataset, DatasetError, Photo, has_countable_truth
from app.calibration.examples import example
from app.calibration.extras import ExtraMissing
from app.calibration.loading import Terms, load
from app.calibration.measuring import Measurer, PlannedSheet, Purse, Stopped, digests_of
from app.calibration.progress import Progress
from app.calibration.publishing import About, report
from app.calibration.report.files import files
from app.calibration.report.model import ExampleSheet
from app.calibration.report.text import table
from app.calibration.runner import Findings, Plan, Run, sizes_of, views_of
from app.calibration.store import Measured, Store
from app.calibration.tiers import deal, fixed_tiers, most_inferences
from app.core.calibration import Calibration
from app.core.model import Feature, Layout
from app.core.scouting import Glimpse
from app.dial import load_scout
from app.embedded import EmulatorFailed
from app.errors import Problem
from app.settings import Settings
from app.work.pixels import usable_cores
from app.work.scout import look

# Sheets that are asked at once of a vendor elsewhere; a model in this process gets one per core.
AT_ONCE = 8
STORE = "answers.jsonl"
CALIBRATION = "calibration.json"
REPORT = "report.html"
INTERRUPTED = "interrupted; what was paid is kept, the same command goes on"


class _Refused(Exception):
    """The command cannot be run as it was given; the message says what to change."""


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the calibration; prints as it goes."""
    try:
        return asyncio.run(_calibrate(options, settings))
    except (DatasetError, ExtraMissing, EmulatorFailed, _Refused, OSError, ValueError) as error:
        sys.stderr.write(f"tessera: {error}\n")
        return 2
    except KeyboardInterrupt:  # before anything was asked
        return 1


async def _calibrate(options: argparse.Namespace, settings: Settings) -> int:
    dataset = load(options.dataset, Terms(limit=options.limit, seed=options.seed))
    if dataset.has_truth and not has_countable_truth(dataset.photos):
        raise DatasetError(f"{dataset.name}: there is no object in it that counts (all are difficult, or there are none)")
    async with AsyncExitStack() as stack:
        tools = await measuring(settings, stack)
        looks, scout = await _looks(settings, dataset.photos)
        store = Store(options.out / STORE, Feature.OBJECTS)
        tiers = fixed_tiers([Layout.parse(text) for text in settings.layouts])
        purse = _purse(options, tools, len(dataset.photos) * most_inferences(tiers, options.costs, scouted=bool(looks)))
        measurer = _measurer(tools, store, purse, await asyncio.to_thread(digests_of, dataset.photos))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, measurer.stop, INTERRUPTED)
        asker = _Asker(measurer, {photo.id: photo for photo in dataset.photos})
        _introduce(dataset, tools, purse)
        plan = Plan(tiers, options.costs, options.seed, dataset.has_truth, scout)
        try:
            findings = await Run(plan, dataset.photos, looks, asker.ask, _say).go()
        except Stopped as stopped:
            sys.stderr.write(f"stopped: {stopped}\n")
            return 1
        about = About(
            dataset=dataset,
            provider=tools.identity,
            price_dollars=purse.dollars,
            paid=round(measurer.paid),
            max_map_drop=settings.max_map_drop,
            costs=options.costs,
            unanswered=measurer.unanswered,
        )
        _Publisher(options.out, tools, measurer, store, about).publish(findings, looks, options.seed)
        return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _purse(options: argparse.Namespace, tools: Measuring, inferences: float) -> Purse:
    """Says what the run may cost before anything is spent. Raises _Refused where that was not allowed."""
    dollars = tools.work.sheets.capabilities.dollars(Feature.OBJECTS)
    if dollars > 0:
        _say(f"up to {inferences:.0f} inferences, ${inferences * dollars:.2f} at list price, less what is stored already")
        if options.budget_dollars is None and tools.is_paid:
            raise _Refused("this provider is paid: say with --budget-dollars how much may be spent")
    return Purse(dollars, options.budget_dollars)


def _measurer(tools: Measuring, store: Store, purse: Purse, digests: Mapping[str, str]) -> Measurer:
    return Measurer(
        tools.work,
        store,
        tools.clock,
        identity=tools.identity,
        digests=digests,
        feature=Feature.OBJECTS,
        at_once=usable_cores() if tools.is_local else AT_ONCE,
        purse=purse,
    )


@dataclass(slots=True)
class _Asker:
    """Runs sheets with their progress shown."""

    measurer: Measurer
    photos: Mapping[str, Photo]

    async def ask(self, name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
        with Progress(name, len(sheets), sys.stderr) as progress:
            return await self.measurer.run(sheets, self.photos, progress.step)


async def _looks(settings: Settings, photos: Sequence[Photo]) -> tuple[dict[str, Glimpse], str]:
    """What the scout sees in each photograph, and who it is; nothing without one."""
    if not settings.scout:
        return {}, ""
    model = await asyncio.to_thread(load_scout, Path(settings.scout), settings.scout_recipe)
    looks: dict[str, Glimpse] = {}
    with Progress("scout", len(photos), sys.stderr) as progress:
        for photo in photos:
            data = await asyncio.to_thread(photo.path.read_bytes)
            with suppress(Problem):  # it does not decode: the provider will say so
                looks[photo.id] = await asyncio.to_thread(look, model, data, photo.picture)
            progress.step(1)
    return looks, model.facts.identity


def _introduce(dataset: Dataset, tools: Measuring, purse: Purse) -> None:
    truth = f"{dataset.objects} objects" if dataset.has_truth else "no truth: the answers alone are the reference"
    _say(f"{dataset.name}: {len(dataset.photos)} photographs, {truth}; provider {tools.identity}")
    for reason, names in dataset.skipped.items():
        _say(f"  {reason}: {len(names)} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})")
    if purse.limit_dollars is not None:
        _say(f"  at most ${purse.limit_dollars:.2f} will be spent")


@dataclass(frozen=True, slots=True)
class _Publisher:
    """Writes what a run found."""

    out: Path
    tools: Measuring
    measurer: Measurer
    store: Store
    about: About

    def publish(self, findings: Findings, looks: Mapping[str, Glimpse], seed: int) -> None:
        """calibration.json and the report's files; the tables go to the terminal, too."""
        made = report(findings, self.about, self._examples(findings, looks, seed))
        for name, data in files(made).items():
            (self.out / name).write_bytes(data)
        (self.out / CALIBRATION).write_bytes(orjson.dumps(self._calibration(findings).to_json()))
        _say(f"\n{table(made)}\n\n" + "\n".join(made.notes))
        _say(f"\nwrote {self.out / REPORT}\nserve with TESSERA_CALIBRATION={self.out / CALIBRATION}")

    def _calibration(self, findings: Findings) -> Calibration:
        return Calibration(
            provider=self.tools.work.sheets.capabilities.provider,
            feature=Feature.OBJECTS,
            mixes=findings.mixes,
            foresight=findings.foresight,
            facts={
                "dataset": self.about.dataset.name,
                "photographs": len(findings.photos),
                "paid_to": self.about.provider,
                "map50_alone": findings.rows[0].accuracy.map50,
            },
        )

    def _examples(self, findings: Findings, looks: Mapping[str, Glimpse], seed: int) -> list[ExampleSheet]:
        """One sheet of each tier that shares sheets, as it was sent."""
        photos = {photo.id: photo for photo in findings.photos}
        sizes, views = sizes_of(findings.photos), views_of(looks)
        tiers = {str(tier): tier for row in findings.rows for tier in row.mix.tiers if not tier.is_alone}
        found = []
        for name, tier in tiers.items():
            sheet = deal(sizes, tier, f"{seed}.0", views)[0]
            answers = self.store.get(self.measurer.key(sheet)) or {}
            rules = replace(self.tools.work.sheets.rules, mode=tier.mode)
            if (image := example(sheet, photos, answers, rules, self.tools.work.sheets.drops)) is not None:
                found.append(ExampleSheet(name, image))
        return found
