"""The report's files, as bytes by name; the runner writes them. Called by the runner."""

from __future__ import annotations

from app.calibration.report.model import CalibrationReport
from app.calibration.report.page import page
from app.calibration.report.scatter import draw
from app.calibration.report.text import class_table, size_table, skipped_text, table


def files(report: CalibrationReport) -> dict[str, bytes]:
    """Everything but `calibration.json`. Raises ExtraMissing where matplotlib is not installed."""
    svg = draw(report, "svg")
    return {
        "report.html": page(report, svg.decode()).encode(),
        "report.txt": full_text(report).encode(),
        "cost-accuracy.png": draw(report, "png"),
        "cost-accuracy.svg": svg,
    }


def full_text(report: CalibrationReport) -> str:
    """All tables in plain text, for those who read no HTML."""
    head = f"{report.title}\n{report.dataset}, {report.provider}: {report.photos} photographs, {report.objects} objects"
    parts = [
        head,
        table(report),
        size_table(report),
        class_table(report),
        skipped_text(report.skipped),
        "\n".join(report.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
