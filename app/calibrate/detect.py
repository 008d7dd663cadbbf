"""`tessera calibrate --task detect`: provider, work, scout, store, run, report. Called by `command`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.assembly import Measuring, measuring
from app.calibrate.session import (
    CALIBRATION,
    Asker,
    Desk,
    announce,
    dollars_of,
    introduce,
    say,
    stop_on_signals,
    usable_calibration,
    write_calibration,
)
from app.calibration.dataset import DatasetError, Photo, has_countable_truth
from app.calibration.examples import example
from app.calibration.loading import Terms, load
from app.calibration.measuring import Measurer
from app.calibration.progress import Progress
from app.calibration.publishing import About, report
from app.calibration.report.files import files
from app.calibration.report.model import ExampleSheet
from app.calibration.report.text import table
from app.calibration.runner import Findings, Plan, Run, sizes_of, views_of
from app.calibration.tiers import deal, fixed_tiers, most_inferences
from app.core.calibration import Calibration
from app.core.model import Feature, Layout
from app.core.scouting import Glimpse
from app.dial import load_scout
from app.errors import Problem
from app.settings import Settings
from app.work.scout import look

REPORT = "report.html"


async def detect(options: argparse.Namespace, settings: Settings) -> None:
    """Raises Stopped, and what says that options, data or settings cannot be used."""
    dataset = load(options.dataset, Terms(limit=options.limit, seed=options.seed))
    if dataset.has_truth and not has_countable_truth(dataset.photos):
        raise DatasetError(f"{dataset.name}: there is no object in it that counts (all are difficult, or there are none)")
    async with AsyncExitStack() as stack:
        tools = await measuring(settings, stack)
        looks, scout = await _looks(settings, dataset.photos)
        tiers = fixed_tiers([Layout.parse(text) for text in settings.layouts])
        inferences = len(dataset.photos) * most_inferences(tiers, options.costs, scouted=bool(looks))
        announce(options, tools, {Feature.OBJECTS: inferences})
        measurer = (await Desk.of(options, tools, dataset.photos)).measurer(Feature.OBJECTS)
        stop_on_signals(measurer)
        known = f"{dataset.objects} objects" if dataset.has_truth else "no truth: the answers alone are the reference"
        introduce(options, dataset, tools, known)
        plan = Plan(tiers, options.costs, options.seed, dataset.has_truth, scout)
        asker = Asker.of(measurer, dataset.photos)
        findings = await Run(plan, dataset.photos, looks, asker.ask, say).go()
        about = About(
            dataset=dataset,
            provider=tools.identity,
            price_dollars=dollars_of(tools, Feature.OBJECTS),
            paid=round(measurer.paid),
            max_map_drop=settings.max_map_drop,
            costs=options.costs,
            unanswered=measurer.unanswered,
        )
        _Publisher(options.out, tools, measurer, about).publish(findings, looks, options.seed)


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


@dataclass(frozen=True, slots=True)
class _Publisher:
    """Writes what a run found."""

    out: Path
    tools: Measuring
    measurer: Measurer
    about: About

    def publish(self, findings: Findings, looks: Mapping[str, Glimpse], seed: int) -> None:
        """calibration.json and the report's files; the tables go to the terminal, too."""
        made = report(findings, self.about, self._examples(findings, looks, seed))
        for name, data in files(made).items():
            (self.out / name).write_bytes(data)
        write_calibration(self.out, self._calibration(findings))
        say(f"\n{table(made)}\n\n" + "\n".join(made.notes))
        say(f"\nwrote {self.out / REPORT}\nserve with TESSERA_CALIBRATION={self.out / CALIBRATION}")

    def _calibration(self, findings: Findings) -> Calibration:
        provider = self.tools.sheets.capabilities.provider
        known = usable_calibration(self.out, provider)
        return Calibration(
            provider=provider,
            feature=Feature.OBJECTS,
            mixes=findings.mixes,
            foresight=findings.foresight,
            moderation=known.moderation if known else None,
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
            answers = self.measurer.answers_of(sheet)
            rules = replace(self.tools.sheets.rules, mode=tier.mode)
            if (image := example(sheet, photos, answers, rules, self.tools.sheets.drops)) is not None:
                found.append(ExampleSheet(name, image))
        return found
