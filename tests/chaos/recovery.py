"""How soon after a fault is all as it was, and how long did answers take meanwhile? Pure.

Recovered is the first moment from which on all requests of a window get right answers, about as soon as usual, and images
share sheets again. Requests that the fault caught under way are looked at apart: they may take longer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.history import Request, Span
from tests.chaos.judge import ALONE, Judgement, Verdict

STEP_S = 0.1
# Of what was usual before the faults, at least so much: which images meet is chance.
USUAL = 0.5
# The median of a window is usual up to this: twice what it was, or so much more on a busy machine, seconds.
SLOWER, SLOWER_S = 2.0, 0.5
# Fewer requests in a window say nothing.
LEAST = 3


@dataclass(frozen=True, slots=True)
class Usual:
    """What was before the faults: the share of images on sheets, the median of the answer time."""

    shared: float
    median_s: float


def usual(before: Sequence[Request]) -> Usual:
    return Usual(shared(before), quantile_s([one.seconds for one in before], 0.5) or 0.0)


def recovered_after_s(
    judgements: Sequence[Judgement], span: Span, *, window_s: float, usually: Usual, now_s: float
) -> float | None:
    """Seconds from the fault's end; None where it was not seen before the next fault (or `now_s`)."""
    about = [one for one in judgements if span.ended_s <= one.request.sent_s < span.until_s]
    end_s = min(now_s, span.until_s)
    steps = math.floor((end_s - window_s - span.ended_s) / STEP_S + 1e-9)
    for step in range(steps + 1):
        from_s = span.ended_s + step * STEP_S
        window = [one for one in about if from_s <= one.request.sent_s < from_s + window_s]
        if len(window) >= LEAST and _is_well(window, usually):
            return from_s - span.ended_s
    return None


def _is_well(window: Sequence[Judgement], usually: Usual) -> bool:
    if any(one.verdict is not Verdict.RIGHT for one in window):
        return False
    median_s = quantile_s([one.request.seconds for one in window], 0.5) or 0.0
    if median_s > max(SLOWER * usually.median_s, usually.median_s + SLOWER_S):
        return False
    return shared(one.request for one in window) >= USUAL * usually.shared


def caught_s(requests: Iterable[Request], span: Span) -> float | None:
    """How long after the fault's end the last of those was answered that were under way then; None where there were none."""
    ends = [one.ended_s for one in requests if one.sent_s <= span.ended_s < one.ended_s]
    return max(ends) - span.ended_s if ends else None


def shared(requests: Iterable[Request]) -> float:
    """Share of the answers whose image was on a sheet with others; 0 where none says so."""
    told = [request.last.layout for request in requests if request.last.layout]
    return sum(layout != ALONE for layout in told) / len(told) if told else 0.0


def ended_within(judgements: Sequence[Judgement], from_s: float, until_s: float) -> list[Judgement]:
    """Of the requests that ended in this time."""
    return [one for one in judgements if from_s <= one.request.ended_s < until_s]


def quantile_s(seconds: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
