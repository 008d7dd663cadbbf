"""A simulation's results as a table for people and as plain values for JSON. Pure; called by `command`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.model import Layout
from app.simulation.arrivals import ArrivalLog
from app.simulation.replay import Tally

_HEAD = (
    "window",
    "layout",
    "saved",
    "inferences",
    "images/inf.",
    "added p50",
    "added p95",
    "full/due/idle",
    "alone",
    "refused",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One window with one layout."""

    window_ms: float
    layout: Layout
    tally: Tally


def about(log: ArrivalLog) -> dict[str, Any]:
    """The arrivals in figures; `per_second` is None where all came at once."""
    images, seconds = len(log.arrivals), log.seconds
    return {
        "images": images,
        "seconds": round(seconds, 3),
        "per_second": round((images - 1) / seconds, 3) if seconds else None,
        "lanes": log.lanes,
        "skipped_lines": len(log.skipped),
    }


def values(row: Row) -> dict[str, Any]:
    """One row for JSON. Times are None where no image was answered."""
    tally = row.tally
    return {
        "window_ms": row.window_ms,
        "layout": str(row.layout),
        "images": tally.images,
        "answered": tally.answered,
        "inferences": tally.inferences,
        "saved_percent": round(tally.saved_percent, 2),
        "added_ms": {"p50": _ms(tally.added_s, 0.50), "p95": _ms(tally.added_s, 0.95)},
        "sheets_by_release": {release.value: tally.releases[release] for release in sorted(tally.releases)},
        "alone_by_reason": {reason.value: tally.alone[reason] for reason in sorted(tally.alone)},
        "refused": tally.refused,
    }


def heading(log: ArrivalLog) -> str:
    facts = about(log)
    speed = f"{facts['per_second']:.1f} a second" if facts["per_second"] else "all at once"
    return f"{_some(facts['images'], 'image')} in {facts['seconds']:.1f} s ({speed}), {_some(facts['lanes'], 'lane')}"


def table(rows: Sequence[Row]) -> str:
    """One line per row, columns to the right."""
    cells = [_HEAD, *(_cells(values(row)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    releases = row["sheets_by_release"]
    return (
        f"{row['window_ms']:g} ms",
        row["layout"],
        f"{row['saved_percent']:.1f} %",
        str(row["inferences"]),
        f"{row['answered'] / row['inferences']:.2f}" if row["inferences"] else "-",
        *(f"{row['added_ms'][name]:.0f} ms" if row["added_ms"][name] is not None else "-" for name in ("p50", "p95")),
        "/".join(str(releases.get(name, 0)) for name in ("full", "due", "idle")),
        str(sum(row["alone_by_reason"].values())),
        str(row["refused"]),
    )


def _ms(seconds: Sequence[float], share: float) -> float | None:
    return round(1000 * quantile(sorted(seconds), share), 1) if seconds else None


def _some(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
