"""What the demo found: a table for people and `summary.json` for programs.

In: replies, verdicts, and the emulator's own count. Out: a `Summary`, its JSON, its table. Called by `stage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from app.demo.checking import Fate, Verdict
from app.demo.clients import Reply

LIST_PRICE_DOLLARS = 0.001  # Rekognition DetectLabels, first million images a month, US regions
LEAST_SAVED_PERCENT = 40.0  # two images per sheet can save 50 at most; Poisson arrivals leave some images alone
PERCENT = 100.0
MILLION = 1_000_000  # the bill is shown per this many images
RULE_WIDTH = 78  # characters: a terminal's width


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole run in numbers. `photographs`: the truth is a detector's view, so differing boxes are told, not judged."""

    images: int
    answered: int
    inferences_paid: int
    inferences_claimed: float
    saved_percent: float
    dollars_without: float
    dollars_paid: float
    dollars_saved: float
    boxes_expected: int
    boxes_right: int
    boxes_wrong: int
    boxes_missing: int
    added_latency_ms_p50: float | None
    added_latency_ms_p95: float | None
    latency_ms_p50: float | None
    upstream_ms_p50: float | None
    waited_ms_p50: float | None
    waited_ms_p95: float | None
    sheets_by_layout: Mapping[str, int]
    images_by_layout: Mapping[str, int]
    photographs: bool
    seconds: float
    errors: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def shortcomings(self) -> list[str]:
        """Why the demo does not exit with 0, in plain words; empty when all is well."""
        found = []
        if self.answered < self.images:
            found.append(f"{self.images - self.answered} of {self.images} images were not answered")
        if self.boxes_wrong and not self.photographs:
            found.append(f"{self.boxes_wrong} boxes are wrong")
        if self.boxes_missing and not self.photographs:
            found.append(f"{self.boxes_missing} boxes are missing")
        if self.saved_percent < LEAST_SAVED_PERCENT:
            found.append(f"only {self.saved_percent:.1f} % was saved (at least {LEAST_SAVED_PERCENT:.0f} % is expected)")
        return found


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run left behind, before it is summed up."""

    replies: Sequence[Reply]
    verdicts: Sequence[Verdict]
    inferences_paid: int
    photographs: bool
    seconds: float
    versions: Mapping[str, str]
    arguments: Mapping[str, object]


def summarise(findings: Findings) -> Summary:
    """All figures of the table. Money is list price; percentiles are over the images that were answered."""
    answered = [reply for reply in findings.replies if reply.answer is not None]
    boxes = {fate: sum(verdict.count(fate) for verdict in findings.verdicts) for fate in Fate}
    saved = len(answered) - findings.inferences_paid
    added = [reply.added_ms for reply in answered if reply.added_ms is not None]
    return Summary(
        images=len(findings.replies),
        answered=len(answered),
        inferences_paid=findings.inferences_paid,
        inferences_claimed=round(sum(reply.inferences for reply in answered), 2),
        saved_percent=round(PERCENT * saved / len(answered), 2) if answered else 0.0,
        dollars_without=_dollars(len(answered)),
        dollars_paid=_dollars(findings.inferences_paid),
        dollars_saved=_dollars(saved),
        boxes_expected=sum(verdict.expected for verdict in findings.verdicts),
        boxes_right=boxes[Fate.RIGHT],
        boxes_wrong=boxes[Fate.WRONG],
        boxes_missing=boxes[Fate.MISSING],
        added_latency_ms_p50=percentile(added, 50),
        added_latency_ms_p95=percentile(added, 95),
        latency_ms_p50=percentile([reply.seconds * 1000 for reply in answered], 50),
        upstream_ms_p50=percentile(_timings_ms(answered, "upstream"), 50),
        waited_ms_p50=percentile(_timings_ms(answered, "wait"), 50),
        waited_ms_p95=percentile(_timings_ms(answered, "wait"), 95),
        sheets_by_layout=sheets_by_layout(answered),
        images_by_layout=_count(reply.layout for reply in answered),
        photographs=findings.photographs,
        seconds=round(findings.seconds, 2),
        errors=sorted({reply.error for reply in findings.replies if reply.error}),
        versions=findings.versions,
        arguments=findings.arguments,
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """None where there is nothing to say."""
    return round(float(np.percentile(values, percent)), 1) if values else None


def sheets_by_layout(replies: Iterable[Reply]) -> dict[str, int]:
    """From the answers' own headers: the shares of the images that were sent in a layout add up to its sheets."""
    shares: dict[str, float] = {}
    for reply in replies:
        shares[reply.layout] = shares.get(reply.layout, 0.0) + reply.inferences
    return {layout: round(share) for layout, share in sorted(shares.items()) if round(share)}


def write_json(summary: Summary, target: Path) -> None:
    shortcomings = {"passed": not summary.shortcomings, "shortcomings": summary.shortcomings}
    target.write_text(json.dumps({**asdict(summary), **shortcomings}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(summary: Summary) -> str:
    """The whole table, ready to be printed."""
    rows = [*_bill_rows(summary), None, *_latency_rows(summary), None, *_sheet_rows(summary), None, *_box_rows(summary)]
    rule = "-" * RULE_WIDTH
    lines = [rule if row is None else f"  {row[0]:<24}{row[1]}" for row in rows]
    return "\n".join([rule, *lines, rule])


Row = tuple[str, str]


def _bill_rows(summary: Summary) -> list[Row]:
    per_image = summary.dollars_paid / summary.answered if summary.answered else 0.0
    return [
        ("images answered", f"{summary.answered} of {summary.images}"),
        (
            "inferences paid",
            f"{summary.inferences_paid}   (the upstream's own count; the answers say {summary.inferences_claimed:g})",
        ),
        (
            "saved",
            f"{summary.saved_percent:.1f} %   ${summary.dollars_saved:.3f} of ${summary.dollars_without:.3f} at list price",
        ),
        ("  per million images", f"${per_image * MILLION:,.0f} instead of ${LIST_PRICE_DOLLARS * MILLION:,.0f}"),
    ]


def _latency_rows(summary: Summary) -> list[Row]:
    return [
        ("added latency", f"p50 {_ms(summary.added_latency_ms_p50)}   p95 {_ms(summary.added_latency_ms_p95)}"),
        ("", "= what the client waited, less the upstream's own time"),
        ("  of that, for company", f"p50 {_ms(summary.waited_ms_p50)}   p95 {_ms(summary.waited_ms_p95)}"),
        ("upstream's own time", f"p50 {_ms(summary.upstream_ms_p50)}   (all in all p50 {_ms(summary.latency_ms_p50)})"),
    ]


def _sheet_rows(summary: Summary) -> list[Row]:
    sheets = "   ".join(f"{count} x {_layout_words(layout)}" for layout, count in summary.sheets_by_layout.items())
    return [("sheets by layout", sheets or "none were reported")]


def _layout_words(layout: str) -> str:
    return {"1x1": "1x1 (alone)"}.get(layout, layout)


def _box_rows(summary: Summary) -> list[Row]:
    right = f"{summary.boxes_right} of {summary.boxes_expected}"
    if not summary.photographs:
        return [
            ("boxes right", f"{right}   (own identity, in place)"),
            ("boxes missing", str(summary.boxes_missing)),
            ("boxes wrong", f"{summary.boxes_wrong}   (somebody else's, or of nothing)"),
        ]
    return [
        ("boxes as alone", f"{right}   (same label, overlap of at least a half)"),
        ("boxes only alone", str(summary.boxes_missing)),
        ("boxes only in grid", str(summary.boxes_wrong)),
        ("", "The truth is the detector's own answer to each alone."),
        ("", "In a grid it sees them smaller, so some boxes honestly"),
        ("", "differ: they are told, not judged."),
    ]


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} ms"


def _dollars(inferences: int) -> float:
    return round(inferences * LIST_PRICE_DOLLARS, 6)


def _timings_ms(replies: Iterable[Reply], name: str) -> list[float]:
    return [reply.timings_ms[name] for reply in replies if name in reply.timings_ms]


def _count(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))
