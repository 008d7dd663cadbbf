"""`tessera calibrate --task classify`: what labels lose when they are gathered from grids. Called by `command`."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack

import orjson

from app.assembly import Measuring, measuring
from app.calibrate.session import Asker, Desk, announce, introduce, say, stop_on_signals
from app.calibration.classifying import Plan, go
from app.calibration.dataset import Dataset, DatasetError, has_countable_truth
from app.calibration.loading import Terms, load
from app.calibration.measuring import Measurer
from app.calibration.report.classified import About, all_notes, full_text, main_table, page, to_json
from app.calibration.tiers import KEPT, fixed_tiers
from app.core.mix import Tier
from app.core.model import Feature, Layout
from app.settings import Settings

REPORT = "classify"


async def classify(options: argparse.Namespace, settings: Settings) -> None:
    """Raises Stopped, and what says that options, data or settings cannot be used."""
    dataset = _loaded(options)
    async with AsyncExitStack() as stack:
        tools = await measuring(settings, stack)
        offered = tools.sheets.capabilities.features
        tiers = fixed_tiers([Layout.parse(text) for text in settings.layouts]) if settings.layouts else KEPT
        announce(options, tools, _inferences(len(dataset.photos), tiers, has_labels=Feature.LABELS in offered))
        desk = await Desk.of(options, tools, dataset.photos)
        labels = desk.measurer(Feature.LABELS) if Feature.LABELS in offered else None
        objects = desk.measurer(Feature.OBJECTS, elsewhere=lambda: labels.paid_dollars if labels else 0.0)
        measurers = [one for one in (labels, objects) if one is not None]
        stop_on_signals(*measurers)
        introduce(options, dataset, tools, f"{dataset.objects} objects")
        asks = [Asker.of(one, dataset.photos).ask for one in measurers]
        found = await go(Plan(tiers, options.seed, asks[0] if labels else None, asks[-1]), dataset.photos, say)
        about = _about(dataset, tools, measurers)
        files = {
            f"{REPORT}.json": orjson.dumps(to_json(found, about), option=orjson.OPT_INDENT_2),
            f"{REPORT}.html": page(found, about).encode(),
            f"{REPORT}.txt": full_text(found, about).encode(),
        }
        for name, data in files.items():
            (options.out / name).write_bytes(data)
        say(f"\n{main_table(found)}\n\n" + "\n".join(all_notes(found, about)))
        say(f"\nwrote {options.out / REPORT}.html, .txt and .json")


def _loaded(options: argparse.Namespace) -> Dataset:
    dataset = load(options.dataset, Terms(limit=options.limit, seed=options.seed))
    if not dataset.has_truth:
        raise DatasetError(
            "--task classify needs to know what is in the photographs: voc:DIR or coco:ANNOTATIONS.json:IMAGES, not folder:DIR"
        )
    if not has_countable_truth(dataset.photos):
        raise DatasetError(f"{dataset.name}: there is no object in it that counts (all are difficult, or there are none)")
    return dataset


def _inferences(photos: int, tiers: tuple[Tier, ...], *, has_labels: bool) -> dict[Feature, float]:
    """At most, where nothing is stored."""
    detections = {Feature.OBJECTS: photos * (1 + sum(tier.cost for tier in tiers))}
    return {Feature.LABELS: float(photos), **detections} if has_labels else detections


def _about(dataset: Dataset, tools: Measuring, measurers: list[Measurer]) -> About:
    return About(
        dataset=dataset,
        provider=tools.identity,
        paid=round(sum(one.paid for one in measurers)),
        paid_dollars=sum(one.paid_dollars for one in measurers),
        unanswered={name: why for one in measurers for name, why in one.unanswered.items()},
    )
