"""`report.html`: one file that holds everything, loads nothing, and runs no script.

In: the report and its drawing as SVG. Out: the page. Called by `files`. Everything that comes from outside (names of files,
classes, data sets) is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TypeAlias

from app.calibration.report.model import CalibrationReport, ExampleSheet, Row
from app.calibration.report.style import STYLE
from app.calibration.report.text import THOUSAND, dollars, figure, interval, percent, signed

# A drop of this much is drawn in the full colour, less in proportion; the full colour leaves the figure readable.
_FULL_COLOUR_DROP = 0.3
_FULL_COLOUR_ALPHA = 0.55
_LOST_RGB, _GAINED_RGB = "214, 69, 65", "38, 140, 90"

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
        _section("Cost and accuracy", f'<figure class="chart">{_bare(svg)}</figure>'),
        _section("All ways of sending", _main_table(report)),
        _details(report, "By size of object", "Small is under 32², medium under 96² pixels.", _sizes(report)),
        _details(report, "By class", "Average precision of each class; of few objects it says little.", _classes(report)),
        _sheets(report.sheets),
        _skipped(report.skipped),
        _section("Notes", f"<ul>{_items(report.notes)}</ul>") if report.notes else "",
        _method(report),
    ]
    title = f"<title>{escape(report.title)}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}<style>{STYLE}</style>'
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


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
    said = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items() if fact)
    return f"<header><h1>{escape(report.title)}</h1><dl>{said}</dl></header>"


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
    return _table(words, figures, (_main_line(report, row) for row in report.rows))


def _main_line(report: CalibrationReport, row: Row) -> str:
    cells = [
        _name(row.name),
        f'<td class="kind">{escape(row.kind.value)}</td>',
        f'<td class="words">{escape(row.layouts)}</td>',
    ]
    cells += [_number(text) for text in (f"{row.inferences_per_image:.3f}", percent(row.saved), figure(row.map50))]
    if row is report.alone:
        cells += [_number("–"), _number("–")]
    else:
        cells += [_number(signed(row.drop), row.drop), _number(interval(row))]
    if report.price_dollars:
        cells.append(_number(f"{row.inferences_per_image * report.price_dollars * THOUSAND:,.2f}"))
    mark = ' class="chosen"' if row.is_chosen else ""
    return f"<tr{mark}>{''.join(cells)}</tr>"


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
    table = _table([""], [row.name for row in report.rows], (_detail_line(*line) for line in lines))
    return _section(title, f"<p>{escape(explained)} {_COLOURS}</p>{table}")


def _detail_line(name: str, figures: Sequence[float | None]) -> str:
    alone = figures[0]
    cells = (_number(figure(value), None if value is None or alone is None else alone - value) for value in figures)
    return f"<tr>{_name(name)}{''.join(cells)}</tr>"


def _table(words: Iterable[str], figures: Iterable[str], lines: Iterable[str]) -> str:
    """Columns of words, then columns of figures, inside a box of its own that scrolls sideways: the page does not."""
    heads = [f'<th scope="col">{escape(head)}</th>' for head in words]
    heads += [f'<th scope="col" class="number">{escape(head)}</th>' for head in figures]
    parts = f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="scroll"><table>{parts}</table></div>'


def _name(text: str) -> str:
    return f'<th scope="row">{escape(text)}</th>'


def _number(text: str, drop: float | None = None) -> str:
    """A figure, coloured by a drop: red where something is lost, green where it is gained."""
    if not drop:
        return f'<td class="number">{text}</td>'
    alpha = min(abs(drop) / _FULL_COLOUR_DROP, 1.0) * _FULL_COLOUR_ALPHA
    colour = f"rgba({_LOST_RGB if drop > 0 else _GAINED_RGB}, {alpha:.2f})"
    return f'<td class="number" style="background-image: linear-gradient({colour}, {colour})">{text}</td>'


def _sheets(sheets: Sequence[ExampleSheet]) -> str:
    if not sheets:
        return ""
    return _section("Example sheets", f'<div class="sheets">{"".join(map(_sheet, sheets))}</div>')


def _sheet(sheet: ExampleSheet) -> str:
    caption = escape(sheet.caption)
    source = f"data:{sheet.media_type};base64,{base64.b64encode(sheet.image).decode('ascii')}"
    return f'<figure><img alt="{caption}" src="{source}"><figcaption>{caption}</figcaption></figure>'


def _skipped(skipped: Mapping[str, Sequence[str]]) -> str:
    if not skipped:
        return ""
    lists = (
        f"<details><summary>{escape(reason)}: {len(names):,}</summary><ul>{_items(names)}</ul></details>"
        for reason, names in skipped.items()
    )
    return _section("Left out or mended", "".join(lists))


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _method(report: CalibrationReport) -> str:
    reference = _TRUTH if report.has_truth else _NO_TRUTH
    return f"<footer><h2>How this was measured</h2><p>{_COUNTING}</p><p>{reference}</p></footer>"
