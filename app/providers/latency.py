"""How long a provider takes: a live quantile over recent calls. Pure (time is passed in); fed by `calling`.

Read by `calling` (is there still time for an attempt?) and by the front half (flush time of an image: its deadline minus
the p95). Recent calls count most: a call's weight halves every half-life, and a thin prior stands in while nothing is
known, so that the first images of a quiet night are not judged by yesterday's storm.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

PRIOR_DURATIONS_S = (0.08, 0.2, 0.4, 0.8)  # a vendor's call takes 80 to 800 ms (design, section 4)
PRIOR_WEIGHT = 0.5  # of all of them together, in fresh calls: ten real ones and the p95 is theirs
HALF_LIFE_S = 30.0  # a vendor's slow spell is noticed within seconds and forgotten within minutes
MOST_CALLS = 256  # enough for a p95 with a dozen calls above it; keeps a query at about 0.1 ms
FRESH_S = 0.25  # a quantile this old is still good: at thousands of arrivals per second nobody sorts for each

_P95 = 0.95


@dataclass(frozen=True, slots=True)
class _Call:
    ended_at_s: float
    duration_s: float


class LatencyTracker:
    """Durations of successful calls, newest last. Not thread-safe: belongs to one event loop."""

    def __init__(self) -> None:
        self._calls: deque[_Call] = deque(maxlen=MOST_CALLS)
        self._p95_s = 0.0
        self._p95_until_s = float("-inf")

    def observe(self, now_s: float, duration_s: float) -> None:
        """A call that succeeded just now."""
        self._calls.append(_Call(now_s, duration_s))

    def p95_s(self, now_s: float) -> float:
        """The duration that 19 of 20 calls stay below; up to `FRESH_S` old."""
        if now_s >= self._p95_until_s:
            self._p95_s = self.quantile_s(_P95, now_s)
            self._p95_until_s = now_s + FRESH_S
        return self._p95_s

    def quantile_s(self, share: float, now_s: float) -> float:
        """The duration that `share` (0..1) of the calls stay within, by weight."""
        weighted = [(duration_s, PRIOR_WEIGHT / len(PRIOR_DURATIONS_S)) for duration_s in PRIOR_DURATIONS_S]
        weighted += [(call.duration_s, 0.5 ** ((now_s - call.ended_at_s) / HALF_LIFE_S)) for call in self._calls]
        weighted.sort()
        wanted = share * sum(weight for _, weight in weighted)
        reached = 0.0
        for duration_s, weight in weighted[:-1]:
            reached += weight
            if reached >= wanted:
                return duration_s
        return weighted[-1][0]
