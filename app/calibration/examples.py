"""Sheets for the report: a few photographs as they were sent together, with what came back drawn on them.

In: photographs, their answers, a tier. Out: JPEG bytes. Called by `publishing`; the plan and the pixels are those of the work.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image, ImageDraw

from app.calibration.dataset import Photo
from app.calibration.measuring import PlannedSheet
from app.calibration.store import Measured
from app.core.layout import GridRules, plan_grid
from app.core.model import Layout
from app.imaging.compose import Encoding, Source, SpoiledSheet, compose

# What is drawn: sure enough to be looked at.
DRAWN_SCORE = 0.3
COLOUR_RGB = (255, 64, 0)
WIDTH_PX = 3
QUALITY = 80


def example(
    sheet: PlannedSheet,
    photos: Mapping[str, Photo],
    answers: Mapping[str, Measured],
    rules: GridRules,
    drops: Mapping[Layout, float],
) -> bytes | None:
    """The sheet with its boxes; None where one of its photographs cannot be decoded."""
    shown = [(name, photos[name].picture.upright) for name in sheet.photo_ids]
    plan = plan_grid(shown, sheet.tier.layouts, rules, drops, views=sheet.views)
    sources = {name: Source(photos[name].path.read_bytes(), photos[name].picture) for name in sheet.photo_ids}
    try:
        made = compose(plan, sources, Encoding())
    except SpoiledSheet:
        return None
    picture = Image.open(io.BytesIO(made.data)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for place in plan.placements:
        found = answers[place.job_id].detections if place.job_id in answers else ()
        for detection in found:
            if detection.box is not None and detection.score_unit >= DRAWN_SCORE:
                box = place.to_sheet(detection.box, plan.sheet).to_pixels(plan.sheet)
                pen.rectangle(tuple(box), outline=COLOUR_RGB, width=WIDTH_PX)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
