"""The figures as plain text: the table like the paper's, by size, and by class. Called by the runner and `files`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.calibration.report.model import CalibrationReport, Row

# Columns of a table by class that fit side by side on a wide terminal.
_ROWS_ABREAST = 8
_ABSENT = "-"
PERCENT = 100.0
THOUSAND = 1000


def table(report: CalibrationReport) -> str:
    """One line for each way of sending, what it costs and what it loses. `>` marks the one that was chosen."""
    head = ["", "layout", "inf/image", "saved", "mAP@0.5", "drop", "95 % interval"]
    lines = [head, *(_line(row, is_alone=row is report.alone) for row in report.rows)]
    return aligned(lines, words=2)


def _line(row: Row, *, is_alone: bool) -> list[str]:
    figures = [f"{row.inferences_per_image:.3f}", percent(row.saved), f"{row.map50:.3f}"]
    losses = [_ABSENT, _ABSENT] if is_alone else [signed(row.drop), interval(row)]
    return [">" if row.is_chosen else "", row.name, *figures, *losses]


def size_table(report: CalibrationReport) -> str:
    """mAP@0.5 by size of object; "" where nothing is known by size."""
    if not report.sizes:
        return ""
    heads = [f"{name} ({report.objects_by_size[name]})" if name in report.objects_by_size else name for name in report.sizes]
    lines = [["layout", *heads]]
    lines += [[row.name, *(figure(row.by_size.get(name)) for name in report.sizes)] for row in report.rows]
    return aligned(lines, words=1)


def class_table(report: CalibrationReport) -> str:
    """Average precision by class, a column for each way of sending, in blocks that fit a terminal; "" where none is known."""
    if not report.classes:
        return ""
    starts = range(0, len(report.rows), _ROWS_ABREAST)
    return "\n\n".join(_class_block(report, report.rows[start : start + _ROWS_ABREAST]) for start in starts)


def _class_block(report: CalibrationReport, rows: Sequence[Row]) -> str:
    lines = [["class", "objects", *(row.name for row in rows)]]
    for name in report.classes:
        count = report.objects_by_class.get(name)
        lines.append([name, _ABSENT if count is None else str(count), *(figure(row.by_class.get(name)) for row in rows)])
    return aligned(lines, words=1)


def skipped_text(skipped: Mapping[str, Sequence[str]]) -> str:
    """What of the data set was left out: a line for each reason, with the first few names."""
    shown = 3
    lines = []
    for reason, names in skipped.items():
        more = f", and {len(names) - shown} more" if len(names) > shown else ""
        lines.append(f"{len(names)} x {reason}: {', '.join(names[:shown])}{more}")
    return "\n".join(lines)


def figure(value: float | None) -> str:
    return _ABSENT if value is None else f"{value:.3f}"


def signed(value: float) -> str:
    """A drop: a gain has a minus. No minus before zeros."""
    return f"{value + 0.0:.3f}".replace("-0.000", "0.000")


def interval(row: Row) -> str:
    return f"{signed(row.low)} .. {signed(row.high)}"


def percent(share: float) -> str:
    return f"{share * PERCENT:.1f} %"


def dollars(amount: float) -> str:
    """To the cent; small amounts to two digits that say something."""
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.2g}"


def aligned(lines: Iterable[Sequence[str]], words: int) -> str:
    """Columns of words (the first so many) to the left, of figures to the right, a rule under the head."""
    rows = [list(line) for line in lines]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    texts = []
    for row in rows:
        cells = [
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        texts.append("  ".join(cells).rstrip())
    return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:]])
