"""What `calibrate --task classify` found, for people and for programs: tables, classify.json and classify.html.

In: the findings and what they are about. Out: text, plain values, the page. Called by the command.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.calibration.classifying import Findings
from app.calibration.dataset import Dataset
from app.calibration.labelling import BEST, USUAL_THRESHOLD_UNIT, Difference, Row
from app.calibration.report.parts import document, header, line, method, notes, number, paragraph, section, skipped, table
from app.calibration.report.text import aligned, dollars, figure, signed, skipped_text

TITLE = "What labels lose on grids"
_COUNTING = (
    "Right is a label of a class that the data set has in the photograph; classes that are there only as difficult objects "
    "or crowds count neither way, labels that are no class of the data set not at all. mAP: photographs ranked by each "
    "class's score, the area under precision over recall at all points, averaged over the classes. Precision and recall are "
    "over all labels together. Top-k: the share of photographs of whose k best labels one is right. Differences are against "
    "the first row, paired; the interval is what 95 % of other draws of as many photographs would give (bootstrap)."
)


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, and with whom."""

    dataset: Dataset
    provider: str
    paid: int
    paid_dollars: float
    unanswered: Mapping[str, str]


def all_notes(found: Findings, about: About) -> list[str]:
    said = [
        f"best: {found.threshold_unit:.3f}, the score at which {found.reference} does best over all labels (F1)",
        *found.notes,
    ]
    if about.unanswered:
        some = "; ".join(f"{name} ({why})" for name, why in list(about.unanswered.items())[:5])
        said.append(f"{len(about.unanswered)} photographs got no answer at some point: {some}")
    return said


def main_table(found: Findings) -> str:
    """One line for each way: what it costs, how good it is, and what its mAP lost."""
    names = list(found.rows[0].figures)
    lines = [["", "inf/image", "mAP", "lost", "95 % interval", *names[1:]]]
    for row in found.rows:
        lost = row.drops.get("mAP")
        figures = [_shown(row.figures[name]) for name in names[1:]]
        lines.append([row.name, f"{row.inferences_per_image:.3f}", _shown(row.figures["mAP"]), *_lost(lost), *figures])
    return aligned(lines, words=1)


def class_table(found: Findings) -> str:
    """Precision / recall at 0.5 by class, a column for each way."""
    lines = [["class", "images", *(row.name for row in found.rows)]]
    for name, images in found.images.items():
        lines.append([name, str(images), *(_precision_recall(row, name) for row in found.rows)])
    return aligned(lines, words=1)


def full_text(found: Findings, about: About) -> str:
    head = f"{TITLE}\n{about.dataset.name}, {about.provider}: {len(found.photos)} photographs, {len(found.images)} classes"
    by_class = f"Precision / recall at {USUAL_THRESHOLD_UNIT:g} by class\n\n{class_table(found)}"
    parts = [head, main_table(found), by_class, skipped_text(about.dataset.skipped), "\n".join(all_notes(found, about))]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_json(found: Findings, about: About) -> dict[str, Any]:
    """Everything, in plain values; NaN is null."""
    return {
        "dataset": about.dataset.name,
        "paid_to": about.provider,
        "photographs": len(found.photos),
        "reference": found.reference,
        "best_threshold": found.threshold_unit,
        "notes": all_notes(found, about),
        "ways": [_row_json(row) for row in found.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "inferences_per_image": row.inferences_per_image,
        "figures": {name: _number(value) for name, value in row.figures.items()},
        "lost": {
            name: {"value": _number(one.drop), "interval": [_number(one.interval.low), _number(one.interval.high)]}
            for name, one in row.drops.items()
        },
        "classes": {
            name: {
                "images": one.images,
                "average_precision": one.average_precision,
                "precision": one.precision,
                "recall": one.recall,
            }
            for name, one in row.by_class.items()
        },
    }


def page(found: Findings, about: About) -> str:
    """One file that loads nothing."""
    facts = {
        "Data set": about.dataset.name,
        "Provider": about.provider,
        "Photographs": f"{len(found.photos):,}",
        "Classes": f"{len(found.images):,}",
        "This run": f"{about.paid:,} inferences, {dollars(about.paid_dollars)}" if about.paid else "",
    }
    columns = [row.name for row in found.rows]
    classes = table(["", "Images"], columns, (_class_line(found, name) for name in found.images))
    scores = table([""], columns, (_precision_line(found, name) for name in found.images))
    said = "The redder, the more is lost against the first column; the greener, the more is gained. Few images say little."
    parts = [
        header(TITLE, facts),
        section("All ways", _main_html(found)),
        section("Average precision by class", paragraph(said) + classes),
        section(f"Precision / recall at {USUAL_THRESHOLD_UNIT:g} by class", scores),
        skipped(about.dataset.skipped),
        notes(all_notes(found, about)),
        method(_COUNTING),
    ]
    return document(TITLE, parts)


def _main_html(found: Findings) -> str:
    names = list(found.rows[0].figures)
    heads = [
        "Inferences / image",
        *(head for name in names for head in ((name, "95 %") if name in _WITH_INTERVAL else (name,))),
    ]
    return table([""], heads, (_main_line(row, names) for row in found.rows))


_WITH_INTERVAL = frozenset({"mAP", "precision@0.5", "recall@0.5", f"top-{BEST[0]}"})


def _main_line(row: Row, names: Sequence[str]) -> str:
    cells = [number(f"{row.inferences_per_image:.3f}")]
    for name in names:
        lost = row.drops.get(name)
        cells.append(number(_shown(row.figures[name]), lost.drop if lost and math.isfinite(lost.drop) else None))
        if name in _WITH_INTERVAL:
            cells.append(number(_lost(lost)[1]))
    return line(row.name, cells)


def _class_line(found: Findings, name: str) -> str:
    first = found.rows[0].by_class[name].average_precision
    values = [row.by_class[name].average_precision for row in found.rows]
    return line(name, [number(str(found.images[name])), *(number(figure(value), first - value) for value in values)])


def _precision_line(found: Findings, name: str) -> str:
    return line(name, [number(_precision_recall(row, name)) for row in found.rows])


def _precision_recall(row: Row, name: str) -> str:
    one = row.by_class[name]
    precision = "-" if one.precision is None else f"{one.precision:.2f}"
    return f"{precision} / {one.recall:.2f}"


def _lost(lost: Difference | None) -> list[str]:
    if lost is None or not math.isfinite(lost.drop):
        return ["-", "-"]
    return [signed(lost.drop), f"{signed(lost.interval.low)} .. {signed(lost.interval.high)}"]


def _shown(value: float) -> str:
    return figure(None if math.isnan(value) else value)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
