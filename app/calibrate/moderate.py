"""`tessera calibrate --task moderate`: the margins of group tests, from the operator's own pictures. Called by `command`."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from dataclasses import replace

from app.assembly import Measuring, measuring
from app.calibrate.session import (
    CALIBRATION,
    Asker,
    Desk,
    Refused,
    announce,
    introduce,
    say,
    stop_on_signals,
    stored_calibration,
    write_calibration,
)
from app.calibration.group_dealing import sheets_of, sizes_to_try
from app.calibration.labelled import Labelled, load_labelled
from app.calibration.loading import Terms
from app.calibration.moderating import Findings, Plan, go
from app.calibration.report.moderated import About, all_notes, facts, full_text, main_table, page
from app.core.calibration import Calibration, Moderation
from app.core.model import Feature, Layout
from app.core.moderation import LEAST_THRESHOLD_UNIT
from app.settings import Settings
from app.work.group_question import GroupQuestions

REPORT = "moderate"


async def moderate(options: argparse.Namespace, settings: Settings) -> None:
    """Raises Stopped, and what says that options, data or settings cannot be used."""
    labelled = load_labelled(options.dataset, Terms(limit=options.limit, seed=options.seed))
    sizes = sizes_to_try(settings.moderate_group, [Layout.parse(text) for text in settings.layouts])
    if not sizes:
        raise Refused("--layouts: groups have 2 to 25 images")
    async with AsyncExitStack() as stack:
        tools = await measuring(settings, stack)
        _require_moderation(tools)
        before = _before(options, tools)
        photos = labelled.dataset.photos
        announce(options, tools, {Feature.MODERATION: _inferences(labelled, sizes)})
        work = GroupQuestions(tools.caller, tools.sheets, tools.clock)
        desk = await Desk.of(options, tools, photos)
        measurer = desk.measurer(Feature.MODERATION, work=work, least_unit=LEAST_THRESHOLD_UNIT)
        stop_on_signals(measurer)
        introduce(options, labelled.dataset, tools, f"{len(labelled.unsafe)} unsafe and {len(labelled.safe)} safe")
        ask = Asker.of(measurer, photos).ask
        plan = Plan(sizes, options.seed, options.min_sensitivity, settings.moderate_group, ask, measurer.answers_of)
        found = await go(plan, labelled, say)
        about = About(
            dataset=labelled.dataset,
            provider=tools.identity,
            least_share=options.min_sensitivity,
            paid=round(measurer.paid),
            paid_dollars=measurer.paid_dollars,
            unanswered=measurer.unanswered,
        )
        measured = Moderation({group.size: group.chosen.margin for group in found.groups}, facts(found, about))
        provider = tools.sheets.capabilities.provider
        whole = before or Calibration(provider, Feature.OBJECTS, (), moderation=measured)
        write_calibration(options.out, replace(whole, moderation=measured))
        _publish(options, found, about)


def _require_moderation(tools: Measuring) -> None:
    provider = tools.sheets.capabilities.provider
    if Feature.MODERATION not in tools.sheets.capabilities.features:
        what = f"a local model ({provider})" if tools.is_local else provider
        raise Refused(f"--task moderate: {what} does not judge unsafe content; use rekognition, google, azure or the emulator")


def _before(options: argparse.Namespace, tools: Measuring) -> Calibration | None:
    """What the results are written into: an earlier calibration's other parts stay. Asked before anything is paid."""
    capabilities = tools.sheets.capabilities
    known = stored_calibration(options.out)
    if known is not None and known.provider != capabilities.provider:
        raise Refused(
            f"{options.out / CALIBRATION} was measured with provider {known.provider}, not with {capabilities.provider}: "
            "choose another folder with --out"
        )
    return known


def _inferences(labelled: Labelled, sizes: tuple[int, ...]) -> float:
    """At most, where nothing is stored."""
    unsafe, safe = len(labelled.unsafe), len(labelled.safe)
    return float(unsafe + safe + sum(sheets_of(size, unsafe, safe) for size in sizes if size <= safe))


def _publish(options: argparse.Namespace, found: Findings, about: About) -> None:
    """The report's files; the table goes to the terminal, too."""
    (options.out / f"{REPORT}.txt").write_text(full_text(found, about), encoding="utf-8")
    (options.out / f"{REPORT}.html").write_text(page(found, about), encoding="utf-8")
    say("\n".join(["", main_table(found), "", *all_notes(found, about)]))
    say(f"\nwrote {options.out / REPORT}.html and .txt\nserve with TESSERA_CALIBRATION={options.out / CALIBRATION}")
