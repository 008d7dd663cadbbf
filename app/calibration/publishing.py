"""From findings to what people read: the table, the report's files, and the sentence about what the budget buys.

In: `Findings` and what the run was about. Out: a `CalibrationReport`, and the lines for the terminal. Called by the command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.calibration.dataset import Dataset
from app.calibration.report import model as shown
from app.calibration.report.model import CalibrationReport, ExampleSheet
from app.calibration.runner import Findings, Row
from app.core.mix import Choice, Means, choose

KINDS = {
    "alone": shown.Means.OTHER,
    "paper": shown.Means.PAPER,
    "fixed": shown.Means.FIXED,
    "cropped": shown.Means.SCOUT,
    "scout": shown.Means.SCOUT,
    "escalation": shown.Means.ESCALATION,
    "both": shown.Means.BOTH,
}
# The last sheet of each shape may be part empty: so many sheets more are still the same bill.
PART_EMPTY_SHEETS = 2


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, and with whom. `costs`: bills at which the best way is named."""

    dataset: Dataset
    provider: str
    price_dollars: float
    paid: int
    max_map_drop: float
    costs: tuple[float, ...]
    unanswered: Mapping[str, str]


def chosen(findings: Findings, max_map_drop: float) -> Choice:
    """What this budget would buy of what was found, with all means."""
    return choose(findings.mixes, max_map_drop, source="calibration", means=frozenset(Means))


def report(findings: Findings, about: About, sheets: Sequence[ExampleSheet]) -> CalibrationReport:
    """Everything that the report shows."""
    name = chosen(findings, about.max_map_drop).mix.name
    return CalibrationReport(
        title="What gridding costs, and saves",
        dataset=about.dataset.name,
        provider=about.provider,
        rows=tuple(_row(row, is_chosen=row.mix.name == name) for row in findings.rows),
        photos=len(findings.photos),
        objects=sum(len(photo.truths) for photo in findings.photos),
        without_objects=about.dataset.without_objects,
        has_truth=about.dataset.has_truth,
        price_dollars=about.price_dollars,
        paid=about.paid,
        max_map_drop=about.max_map_drop,
        objects_by_class=Counter(truth.label for photo in findings.photos for truth in photo.truths),
        skipped=about.dataset.skipped,
        sheets=tuple(sheets),
        notes=tuple(_notes(findings, about)),
    )


def _row(row: Row, *, is_chosen: bool) -> shown.Row:
    return shown.Row(
        name=row.name,
        kind=KINDS[row.kind],
        layouts=", ".join(str(tier) for tier in row.mix.tiers),
        inferences_per_image=row.cost,
        map50=row.accuracy.map50,
        drop=row.drop,
        low=row.mix.expected.low or 0.0,
        high=row.mix.expected.high or 0.0,
        by_class=row.accuracy.by_class,
        by_size=row.accuracy.by_size,
        is_chosen=is_chosen,
    )


def _notes(findings: Findings, about: About) -> list[str]:
    notes = list(findings.notes)
    if not about.dataset.has_truth:
        notes.append(
            "no truth: every difference from the answer alone counts as a loss, gains too; it ranks, but overstates drops"
        )
    if about.unanswered:
        some = "; ".join(f"{name} ({why})" for name, why in list(about.unanswered.items())[:5])
        notes.append(f"{len(about.unanswered)} photographs got no answer at some point: {some}")
    notes += best_at_the_same_bill(findings, about.costs)
    mix = chosen(findings, about.max_map_drop).mix
    notes.append(
        f"a budget of {about.max_map_drop:g} mAP buys {mix.name}: {mix.expected.cost:.3f} inferences per image, "
        f"drop {mix.expected.drop:+.3f}"
    )
    return notes


def best_at_the_same_bill(findings: Findings, costs: Sequence[float]) -> list[str]:
    """For each bill, the way that loses least among those that cost no more, beside the mean of the paper's own."""
    notes = []
    spare = PART_EMPTY_SHEETS / max(1, len(findings.photos))
    for cost in costs:
        ways = [row for row in findings.rows if row.cost <= cost + spare and row.is_regrouped]
        papers = [row.drop for row in findings.rows if row.kind == "paper" and abs(row.cost - cost) < 0.01]
        if not ways:
            continue
        best = min(ways, key=lambda row: (row.drop, row.cost))
        beside = f", the paper's own way {sum(papers) / len(papers):+.3f}" if papers else ""
        notes.append(f"at {cost:g} inferences per image {best.name} loses least: {best.drop:+.3f}{beside}")
    return notes
