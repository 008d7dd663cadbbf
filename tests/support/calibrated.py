"""A made-up calibration to show: every kind of row, hostile names, a chosen row. For tests of the report."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from PIL import Image

from app.calibration.report.model import CalibrationReport, ExampleSheet, Means, Row

# Whatever an operator's files may be called.
HOSTILE = '<script>alert("&")</script>'


def row(name: str, cost: float, drop: float, kind: Means = Means.FIXED, **more: Any) -> Row:
    map50 = 0.7 - drop
    by_class = {"cat": map50 + 0.1, HOSTILE: map50 - 0.1}
    by_size = {"small": map50 - 0.2, "large": map50 + 0.2}
    figures: dict[str, Any] = {"low": drop - 0.02, "high": drop + 0.02, "by_class": by_class, "by_size": by_size}
    return Row(name, kind, f"{name} for all", cost, map50, drop, **(figures | more))


ALONE = row("1x1", 1.0, 0.0, low=0.0, high=0.0)
ROWS = (
    ALONE,
    row("paper 1x2", 0.5, 0.1, Means.PAPER),
    row("2x1", 0.5, 0.06),
    row("2x2", 0.25, 0.15),
    row("2x2 + 25 %", 0.5, 0.05, Means.ESCALATION),
    row("scout 0.5", 0.5, 0.02, Means.SCOUT, is_chosen=True),
    row("scout 0.75", 0.75, -0.01, Means.SCOUT),
    row("both", 0.4, 0.03, Means.BOTH),
)


def picture(format: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "olive").save(file, format)
    return file.getvalue()


FULL = CalibrationReport(
    title=f"Calibration {HOSTILE}",
    dataset=f"voc:{HOSTILE}",
    provider="onnx",
    rows=ROWS,
    photos=340,
    objects=801,
    without_objects=3,
    price_dollars=0.001,
    paid=3521,
    max_map_drop=0.03,
    objects_by_class={"cat": 61, HOSTILE: 2},
    objects_by_size={"small": 12},
    skipped={"image is missing": ("a", "b", HOSTILE, "d", "e")},
    sheets=(ExampleSheet(f"2x2 {HOSTILE}", picture("JPEG")), ExampleSheet("2x1", picture("PNG"))),
    notes=(f"A note {HOSTILE}.",),
)
BARE = CalibrationReport("Bare", "folder:photos", "google", (replace(ALONE, by_class={}, by_size={}),), 5, 0, has_truth=False)
