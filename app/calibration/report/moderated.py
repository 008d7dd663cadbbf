"""What `calibrate --task moderate` found, for people: tables, moderate.html, and what calibration.json says of it.

In: the findings and what they are about. Called by the command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.calibration.dataset import Dataset
from app.calibration.group_scoring import MARGINS, THRESHOLDS, Share, provider_finds, sensitivity, specificity
from app.calibration.moderating import Findings, Group
from app.calibration.report.parts import document, header, line, method, notes, number, paragraph, section, skipped, table
from app.calibration.report.text import aligned, dollars, skipped_text

TITLE = "What group tests miss"
_READING = (
    "found: of unsafe photographs that the provider flags alone at a client's threshold, the share whose sheet is flagged; "
    "clean: of sheets without an unsafe photograph, the share that is not flagged. The first row is the provider itself, one "
    "inference per image, against what people say."
)
_COUNTING = (
    "Each unsafe photograph was asked about alone, and among safe ones on a sheet of each size, as sheets are when serving. A "
    "group is flagged from the client's threshold x (1 - margin) on. The margin is the smallest that finds enough at all "
    "thresholds. Intervals are Wilson's, 95 %."
)


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, and with whom."""

    dataset: Dataset
    provider: str
    least_share: float
    paid: int
    paid_dollars: float
    unanswered: Mapping[str, str]


def all_notes(found: Findings, about: About) -> list[str]:
    said = list(found.notes)
    if about.unanswered:
        some = "; ".join(f"{name} ({why})" for name, why in list(about.unanswered.items())[:5])
        said.append(f"{len(about.unanswered)} photographs got no answer at some point: {some}")
    return said


def main_table(found: Findings) -> str:
    """One line for each size, at the margin that was chosen."""
    heads = [f"{word} at {level:g}" for level in THRESHOLDS for word in ("found", "clean")]
    lines = [["group", "sheets", "margin", *heads], ["alone", str(len(found.alone)), "-", *_alone_cells(found)]]
    for group in found.groups:
        margin = f"{group.chosen.margin:.2f}{'' if group.chosen.is_enough else ' !'}"
        lines.append([str(group.size), str(len(group.sheets)), margin, *_cells(found, group, group.chosen.margin)])
    return aligned(lines, words=1)


def _alone_cells(found: Findings) -> list[str]:
    return [_share(share) for level in THRESHOLDS for share in provider_finds(found.alone, found.unsafe, level)]


def _cells(found: Findings, group: Group, margin: float) -> list[str]:
    pairs = (
        (sensitivity(group.sheets, found.alone, level, margin), specificity(group.sheets, level, margin))
        for level in THRESHOLDS
    )
    return [_share(share) for pair in pairs for share in pair]


def _share(share: Share) -> str:
    interval = share.interval
    return f"{interval.mean:.3f} ({interval.low:.2f}-{interval.high:.2f})" if interval else "-"


def margin_table(found: Findings, group: Group) -> str:
    """All margins of one size."""
    heads = [f"{word} at {level:g}" for level in THRESHOLDS for word in ("found", "clean")]
    lines = [["margin", *heads], *([f"{margin:.2f}", *_cells(found, group, margin)] for margin in MARGINS)]
    return aligned(lines, words=1)


def full_text(found: Findings, about: About) -> str:
    safe = len(found.alone) - len(found.unsafe)
    head = f"{TITLE}\n{about.dataset.name}, {about.provider}: {len(found.unsafe)} unsafe photographs, {safe} safe ones"
    margins = [f"Groups of {group.size}\n\n{margin_table(found, group)}" for group in found.groups]
    parts = [
        head,
        main_table(found),
        _READING,
        *margins,
        skipped_text(about.dataset.skipped),
        "\n".join(all_notes(found, about)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def facts(found: Findings, about: About) -> dict[str, Any]:
    """What calibration.json says beside the margins."""
    return {
        "dataset": about.dataset.name,
        "paid_to": about.provider,
        "unsafe": len(found.unsafe),
        "safe": len(found.alone) - len(found.unsafe),
        "min_sensitivity": about.least_share,
        "largest_group": found.advised,
        "groups": {str(group.size): _group_facts(found, group) for group in found.groups},
    }


def _group_facts(found: Findings, group: Group) -> dict[str, Any]:
    margin = group.chosen.margin
    return {
        "sheets": len(group.sheets),
        "reached": group.chosen.is_enough,
        "sensitivity": {f"{level:g}": _packed(sensitivity(group.sheets, found.alone, level, margin)) for level in THRESHOLDS},
        "specificity": {f"{level:g}": _packed(specificity(group.sheets, level, margin)) for level in THRESHOLDS},
    }


def _packed(share: Share) -> dict[str, Any] | None:
    interval = share.interval
    return {"value": interval.mean, "interval": [interval.low, interval.high], "of": share.of} if interval else None


def page(found: Findings, about: About) -> str:
    """One file that loads nothing."""
    known = {
        "Folder": about.dataset.name,
        "Provider": about.provider,
        "Unsafe": f"{len(found.unsafe):,}",
        "Safe": f"{len(found.alone) - len(found.unsafe):,}",
        "Wanted sensitivity": f"{about.least_share:g}",
        "This run": f"{about.paid:,} inferences, {dollars(about.paid_dollars)}" if about.paid else "",
    }
    heads = [f"{word} at {level:g}" for level in THRESHOLDS for word in ("Found", "Clean")]
    groups = [_group_line(found, group) for group in found.groups]
    alone = line("alone", map(number, [str(len(found.alone)), "–", *_alone_cells(found)]))
    main = table(["Group"], ["Sheets", "Margin", *heads], [alone, *groups])
    parts = [
        header(TITLE, known),
        section("At the chosen margins", paragraph(_READING) + main),
        *(section(f"Groups of {group.size}", table(["Margin"], heads, _margin_lines(found, group))) for group in found.groups),
        skipped(about.dataset.skipped),
        notes(all_notes(found, about)),
        method(_COUNTING),
    ]
    return document(TITLE, parts)


def _group_line(found: Findings, group: Group) -> str:
    margin = group.chosen.margin
    cells = [str(len(group.sheets)), f"{margin:.2f}", *_cells(found, group, margin)]
    return line(str(group.size), map(number, cells), is_chosen=group.size == found.advised)


def _margin_lines(found: Findings, group: Group) -> list[str]:
    return [
        line(f"{margin:.2f}", map(number, _cells(found, group, margin)), is_chosen=margin == group.chosen.margin)
        for margin in MARGINS
    ]
