"""A `Report` as text: Markdown tables that also read well in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.chaos.report import CALM, Phase, Report
from tests.chaos.verdict import Bounds, longest_s, most_errors, most_errors_in_all


def text(found: Report, bounds: Bounds) -> str:
    """What a run prints at its end."""
    parts = [_phases(found.phases, bounds), _errors(found), _sums(found, bounds), _verdict(found)]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _phases(phases: Sequence[Phase], bounds: Bounds) -> Iterator[str]:
    heads = (
        "Fault",
        "lasted",
        "ended",
        "right",
        "error",
        "at most",
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
            str(phase.errors + phase.hushed),
            str(most_errors(phase, bounds)),
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
    facts = [f"{phase.name}: {phase.facts}" for phase in phases if phase.facts]
    yield from ("", *facts) if facts else ()


def _sums(found: Report, bounds: Bounds) -> Iterator[str]:
    bill, errors = found.bill, sum(found.vendor_errors.values())
    rows = [
        ("sent", f"{found.sent}"),
        ("answered right", f"{found.right}"),
        ("answered with the vendor's clear error", f"{errors} (of {most_errors_in_all(found, bounds)} at most)"),
        ("lost", f"{len(found.lost)}"),
        ("answered twice", f"{len(found.doubled)}"),
        ("wrong-image boxes", f"{len(found.wrong)}"),
        ("inferences paid", f"{bill.paid} for {bill.images} pictures"),
        ("inferences paid twice, a fault explains it", f"{bill.twice_by_faults}"),
        ("inferences paid twice, no fault explains it", f"{len(bill.twice)}"),
        *((f"recovered after: {phase.name}", _recovered(phase)) for phase in found.phases if phase.name != CALM),
        ("p50, p99 of the answer time", f"{_s(found.p50_s)}, {_s(found.p99_s)} (of {longest_s(found, bounds):g} s at most)"),
        ("answered with an error that no SDK understands", f"{sum(found.unclear_errors.values())}"),
        ("answered without its own boxes", f"{len(found.incomplete)}"),
        ("errors that an SDK kept to itself and tried again", f"{found.hushed}"),
        ("sent again after its API process was killed", f"{found.retried}"),
        ("equal to a request under way", f"{found.equal}"),
        *((f"joined ({how})", f"{count}") for how, count in found.joined.items()),
        ("clients that left", f"{found.left}"),
        *((f"pictures paid for again: {reason}", f"{count}") for reason, count in sorted(bill.again.items())),
    ]
    yield from table(("What", "How many"), rows)


def _recovered(phase: Phase) -> str:
    return "not before the next fault" if phase.recovered_s is None else _s(phase.recovered_s)


def _errors(found: Report) -> Iterator[str]:
    rows = [(what, str(count)) for errors in (found.vendor_errors, found.unclear_errors) for what, count in _most(errors)]
    if rows:
        yield from table(("Error, as its client sees it", "times"), rows)


def _most(errors: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(errors.items(), key=lambda pair: -pair[1])


def _verdict(found: Report) -> Iterator[str]:
    if not found.failures:
        yield "chaos: nothing lost, nothing wrong, nothing twice, all within its bounds"
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
