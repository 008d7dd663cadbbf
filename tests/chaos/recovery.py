"""How soon after a fault is all as it was, and how long did answers take meanwhile? Pure.

Recovered is the first moment from which on all requests of a window get right answers, and images share sheets again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tests.chaos.history import Request, Span
from tests.chaos.judge import ALONE, Judgement, Verdict

STEP_S = 0.1
# Of what was usual before the faults, at least so much: which images meet is chance.
USUAL = 0.5
# Fewer requests in a window say nothing.
LEAST = 3


def recovered_after_s(
    judgements: Sequence[Judgement], span: Span, *, window_s: float, usual_shared: float, now_s: float
) -> float | None:
    """Seconds from the fault's end; None where it was not seen before the next fault (or `now_s`)."""
    about = [one for one in judgements if span.ended_s <= one.request.sent_s < span.until_s]
    end_s = min(now_s, span.until_s)
    steps = math.floor((end_s - window_s - span.ended_s) / STEP_S + 1e-9)
    for step in range(steps + 1):
        from_s = span.ended_s + step * STEP_S
        window = [one for one in about if from_s <= one.request.sent_s < from_s + window_s]
        if len(window) >= LEAST and _is_well(window, usual_shared):
            return from_s - span.ended_s
    return None


def _is_well(window: Sequence[Judgement], usual_shared: float) -> bool:
    if any(one.verdict is not Verdict.RIGHT for one in window):
        return False
    return shared(one.request for one in window) >= USUAL * usual_shared


def shared(requests: Iterable[Request]) -> float:
    """Share of the answers whose image was on a sheet with others; 0 where none says so."""
    told = [request.last.layout for request in requests if request.last.layout]
    return sum(layout != ALONE for layout in told) / len(told) if told else 0.0


def within(judgements: Sequence[Judgement], from_s: float, until_s: float) -> list[Judgement]:
    """Of the requests that were sent in this time."""
    return [one for one in judgements if from_s <= one.request.sent_s < until_s]


def quantile_s(seconds: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
