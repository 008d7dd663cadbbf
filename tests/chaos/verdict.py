"""Has a run failed, and why? What must hold, as a table of bounds for each form of the run. Pure.

In: a `Report`. Out: the same with its failures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.chaos.report import CALM, Phase, Report

# Of what only chance decides (Poisson), so many standard deviations above the mean: one phase in several hundred has more.
SIGMAS = 3.0
# Of fewer equal requests it may be that none was joined: the second of each came when the first had been answered.
LEAST_EQUAL = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may show beside what its faults explain.

    `must_recover`: before the next fault begins. `must_join`: of many equal requests at least one is joined. `errors`,
    `errors_in_all`: share of a phase's requests, and of all, that may be answered with the vendor's error though the fault is
    one that Tessera hides; of a phase `few_errors` in any case. `twice`: share of the inferences that may be paid twice without
    a fault. `way_back_s`: of the 99th percentile, beyond the request's own time.
    """

    must_recover: bool
    must_join: bool
    errors: float
    few_errors: int
    errors_in_all: float
    twice: float
    way_back_s: float


# For a machine with time to spare.
LONG = Bounds(must_recover=True, must_join=True, errors=0.0, few_errors=0, errors_in_all=0.0, twice=0.0, way_back_s=0.0)
# For one that is busy with other tests as well, and with time limits that are soon over there (1.5 s for the vendor, 10 s in
# all): what comes late is asked again, and in the end answered with the error that says so. That leaves when the time is over,
# and what its way back takes is not the request's. Faults follow each other before all is well, so that errors of one may come
# in the next one's time, to equal requests two at a time; a phase is of a dozen requests.
SHORT = Bounds(must_recover=False, must_join=False, errors=0.15, few_errors=4, errors_in_all=0.05, twice=0.03, way_back_s=0.3)


def settled(found: Report, bounds: Bounds) -> Report:
    """The report with all that did not hold."""
    return replace(found, failures=tuple(_failures(found, bounds)))


def most_errors(phase: Phase, bounds: Bounds) -> int:
    """So many of the phase's requests may be answered with the vendor's error."""
    return _by_chance(phase.expected_errors) + max(bounds.few_errors, math.ceil(bounds.errors * phase.sent))


def most_errors_in_all(found: Report, bounds: Bounds) -> int:
    """The same for the whole run: less than the sum, since chance evens out."""
    return _by_chance(sum(phase.expected_errors for phase in found.phases)) + math.ceil(bounds.errors_in_all * found.sent)


def longest_s(found: Report, bounds: Bounds) -> float:
    """The 99th percentile of the answer time is at most this."""
    return found.limit_s + bounds.way_back_s


def _by_chance(mean: float) -> int:
    return math.floor(mean + SIGMAS * math.sqrt(mean))


def _failures(found: Report, bounds: Bounds) -> Iterator[str]:
    if not found.sent:
        yield "nothing was sent"
    for name in ("lost", "doubled", "wrong", "incomplete"):
        if listed := getattr(found, name):
            yield f"{name}: {len(listed)}, the first: {listed[0]}"
    if found.unclear_errors:
        yield f"errors that no SDK understands: {found.unclear_errors}"
    yield from _too_many_errors(found, bounds)
    yield from _too_slow(found, bounds)
    yield from _not_recovered(found, bounds)
    yield from _paid_in_vain(found, bounds)
    if bounds.must_join and found.equal >= LEAST_EQUAL and not sum(found.joined.values()):
        yield f"of {found.equal} requests that were equal to others under way none was joined"


def _too_many_errors(found: Report, bounds: Bounds) -> Iterator[str]:
    """Those that an SDK kept to itself count as well: Tessera gave them."""
    for phase in found.phases:
        told, most = phase.errors + phase.hushed, most_errors(phase, bounds)
        if told > most:
            yield f"errors: {told} of {phase.sent} requests ({phase.name}), at most {most} may be"
    told, most = sum(phase.errors + phase.hushed for phase in found.phases), most_errors_in_all(found, bounds)
    if told > most:
        yield f"errors: {told} of {found.sent} requests in the whole run, at most {most} may be"


def _too_slow(found: Report, bounds: Bounds) -> Iterator[str]:
    most_s = longest_s(found, bounds)
    named = [(phase.name, phase.p99_s) for phase in found.phases] + [("the whole run", found.p99_s)]
    if slow := [f"{name} {p99_s:.2f} s" for name, p99_s in named if p99_s is not None and p99_s > most_s]:
        yield f"p99 beyond {most_s:g} s: {', '.join(slow)}"


def _not_recovered(found: Report, bounds: Bounds) -> Iterator[str]:
    ill = [phase.name for phase in found.phases if phase.name != CALM and phase.recovered_s is None]
    if bounds.must_recover and ill:
        yield f"not recovered before the next fault: {', '.join(ill)}"


def _paid_in_vain(found: Report, bounds: Bounds) -> Iterator[str]:
    twice, most = found.bill.twice, math.floor(bounds.twice * found.bill.paid)
    if len(twice) > most:
        yield f"paid twice without a fault that explains it: {len(twice)}, at most {most} may be; the first: {twice[0]}"
    if unpaid := found.bill.unpaid:
        yield f"right answers about pictures that were never paid for: {len(unpaid)}, the first: {unpaid[0]}"
