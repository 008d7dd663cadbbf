"""A `Report` as text: Markdown tables that also read well in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.chaos.report import Phase, Report


def text(found: Report) -> str:
    """What a run prints at its end."""
    return "\n".join([*_phases(found.phases), "", *_sums(found), "", *_errors(found), *_verdict(found)])


def _phases(phases: Sequence[Phase]) -> Iterator[str]:
    heads = (
        "Fault",
        "lasted",
        "ended",
        "right",
        "error",
        "lost",
        "wrong",
        "on sheets",
        "p50",
        "p99",
        "under way",
        "recovered",
    )
    rows = [
        (
            phase.name,
            _s(phase.seconds),
            str(phase.sent),
            str(phase.right),
            str(phase.errors),
            str(phase.lost),
            str(phase.wrong),
            f"{phase.shared:.0%}",
            _s(phase.p50_s),
            _s(phase.p99_s),
            _s(phase.caught_s),
            _s(phase.recovered_s),
        )
        for phase in phases
    ]
    yield from table(heads, rows)
    yield from ("", *(f"{phase.name}: {phase.facts}" for phase in phases if phase.facts))


def _sums(found: Report) -> Iterator[str]:
    again = found.bill.again
    rows = [
        ("sent", f"{found.sent}"),
        ("answered right", f"{found.right}"),
        ("answered with the vendor's clear error", f"{sum(found.vendor_errors.values())}"),
        ("answered with an error that no SDK understands", f"{sum(found.unclear_errors.values())}"),
        ("answered without its own boxes", f"{len(found.incomplete)}"),
        ("lost", f"{len(found.lost)}"),
        ("answered twice", f"{len(found.doubled)}"),
        ("wrong-image boxes", f"{len(found.wrong)}"),
        ("sent again after its API process was killed", f"{found.retried}"),
        ("clients that left", f"{found.left}"),
        ("inferences paid", f"{found.bill.paid} for {found.bill.images} images"),
        *((f"images paid for again: {reason}", f"{count}") for reason, count in sorted(again.items())),
        ("p50, p99 of the answer time", f"{_s(found.p50_s)}, {_s(found.p99_s)} of {found.limit_s:g} s"),
    ]
    yield from table(("What", "How many"), rows)


def _errors(found: Report) -> Iterator[str]:
    rows = [(what, str(count)) for errors in (found.vendor_errors, found.unclear_errors) for what, count in _most(errors)]
    if rows:
        yield from (*table(("Error, as its client sees it", "times"), rows), "")


def _most(errors: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(errors.items(), key=lambda pair: -pair[1])


def _verdict(found: Report) -> Iterator[str]:
    if not found.failures:
        yield "chaos: nothing lost, nothing wrong, nothing twice"
    yield from (f"chaos FAILED: {failure}" for failure in found.failures)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    yield _row(heads, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    yield from (_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
