"""`report.html`: one file that holds everything, loads nothing, and runs no script.

In: the report and its drawing as SVG. Out: the page. Called by `files`. Everything that comes from outside (names of files,
classes, data sets) is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import TypeAlias

from app.calibration.report.model import CalibrationReport, ExampleSheet, Row
from app.calibration.report.parts import document, header, line, method, notes, number, section, skipped, table
from app.calibration.report.text import THOUSAND, dollars, figure, interval, percent, signed

_COUNTING = (
    "mAP@0.5 as the VOC devkit counts it: the area under precision over recall at all points, averaged over the classes. Drops "
    "are measured against every image alone, on the same photographs; the interval is what 95 % of other draws of as many "
    "photographs of this kind would give (paired bootstrap)."
)
_TRUTH = (
    "Right is what overlaps an annotated object of its class by at least one half; difficult objects and crowds count "
    "neither way."
)
_NO_TRUTH = (
    "The data set has no annotations: what the provider found in each image alone is taken for the truth. A drop here is "
    "disagreement, gains included, and so larger than the loss of accuracy."
)
_COLOURS = "The redder, the more is lost against the first column; the greener, the more is gained."

Line: TypeAlias = tuple[str, Sequence[float | None]]
"""A size or a class, and its figure in each row of the report."""


def page(report: CalibrationReport, svg: str) -> str:
    """The whole page."""
    parts = [
        _header(report),
        _choice(report),
        section("Cost and accuracy", f'<figure class="chart">{_bare(svg)}</figure>'),
        section("All ways of sending", _main_table(report)),
        _details(report, "By size of object", "Small is under 32², medium under 96² pixels.", _sizes(report)),
        _details(report, "By class", "Average precision of each class; of few objects it says little.", _classes(report)),
        _sheets(report.sheets),
        skipped(report.skipped),
        notes(report.notes),
        _method(report),
    ]
    return document(report.title, parts)


def _header(report: CalibrationReport) -> str:
    blank = f" ({report.without_objects:,} without objects)" if report.without_objects else ""
    facts = {
        "Data set": report.dataset,
        "Provider": report.provider,
        "Photographs": f"{report.photos:,}{blank}",
        "Objects": f"{report.objects:,}",
        "Price": f"{dollars(report.price_dollars)} per inference" if report.price_dollars else "",
        "This calibration": _spent(report),
    }
    return header(report.title, facts)


def _spent(report: CalibrationReport) -> str:
    if not report.paid:
        return ""
    cost = f", {dollars(report.paid * report.price_dollars)}" if report.price_dollars else ""
    return f"{report.paid:,} inferences{cost}"


def _choice(report: CalibrationReport) -> str:
    chosen = report.chosen
    if chosen is None:
        return ""
    budget = "" if report.max_map_drop is None else f" for a budget of {report.max_map_drop:g}"
    figures = f"{percent(chosen.saved)} saved, {signed(chosen.drop)} mAP lost ({interval(chosen)})"
    said = f"Chosen{budget}: <strong>{escape(chosen.name)}</strong> ({escape(chosen.layouts)}): {figures}."
    return f'<p class="choice">{said}</p>'


def _bare(svg: str) -> str:
    """The drawing without what only a file of its own may have in front."""
    return svg[svg.index("<svg") :]


def _main_table(report: CalibrationReport) -> str:
    words, figures = ["", "", "Layouts"], ["Inferences / image", "Saved", "mAP@0.5", "Drop", "95 %"]
    if report.price_dollars:
        figures.append("$ / 1000 images")
    return table(words, figures, (_main_line(report, row) for row in report.rows))


def _main_line(report: CalibrationReport, row: Row) -> str:
    cells = [
        f'<td class="kind">{escape(row.kind.value)}</td>',
        f'<td class="words">{escape(row.layouts)}</td>',
    ]
    cells += [number(text) for text in (f"{row.inferences_per_image:.3f}", percent(row.saved), figure(row.map50))]
    if row is report.alone:
        cells += [number("–"), number("–")]
    else:
        cells += [number(signed(row.drop), row.drop), number(interval(row))]
    if report.price_dollars:
        cells.append(number(f"{row.inferences_per_image * report.price_dollars * THOUSAND:,.2f}"))
    return line(row.name, cells, is_chosen=row.is_chosen)


def _sizes(report: CalibrationReport) -> list[Line]:
    counts = report.objects_by_size
    return [(_counted(name, counts), [row.by_size.get(name) for row in report.rows]) for name in report.sizes]


def _classes(report: CalibrationReport) -> list[Line]:
    counts = report.objects_by_class
    return [(_counted(name, counts), [row.by_class.get(name) for row in report.rows]) for name in report.classes]


def _counted(name: str, counts: Mapping[str, int]) -> str:
    return f"{name} ({counts[name]:,})" if name in counts else name


def _details(report: CalibrationReport, title: str, explained: str, lines: Sequence[Line]) -> str:
    """A line for each size or class, a column for each way of sending; a cell's colour is its drop."""
    if not lines:
        return ""
    found = table([""], [row.name for row in report.rows], (_detail_line(*line) for line in lines))
    return section(title, f"<p>{escape(explained)} {_COLOURS}</p>{found}")


def _detail_line(name: str, figures: Sequence[float | None]) -> str:
    alone = figures[0]
    cells = (number(figure(value), None if value is None or alone is None else alone - value) for value in figures)
    return line(name, cells)


def _sheets(sheets: Sequence[ExampleSheet]) -> str:
    if not sheets:
        return ""
    return section("Example sheets", f'<div class="sheets">{"".join(map(_sheet, sheets))}</div>')


def _sheet(sheet: ExampleSheet) -> str:
    caption = escape(sheet.caption)
    source = f"data:{sheet.media_type};base64,{base64.b64encode(sheet.image).decode('ascii')}"
    return f'<figure><img alt="{caption}" src="{source}"><figcaption>{caption}</figcaption></figure>'


def _method(report: CalibrationReport) -> str:
    reference = _TRUTH if report.has_truth else _NO_TRUTH
    return method(_COUNTING, reference)
