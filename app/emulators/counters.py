"""What an emulator was asked for and what it was paid for. Kept on the event loop, served by `control`."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_PAYMENTS = 100_000
"""Payments that are remembered one by one; of more, the latest."""


class Fate(StrEnum):
    """How a call that was not paid for ended."""

    REFUSED = "refused"  # the caller's mistake, a bad image included
    THROTTLED = "throttled"
    FAILED = "failed"  # 5xx, or the connection dropped before the image was looked at


@dataclass(frozen=True, slots=True)
class Payment:
    """One inference: when (monotonic, the same in all processes of a machine), for what, and the markers in the picture."""

    at_s: float
    item: str
    markers: tuple[int, ...]


class Counters:
    """Counts by operation. A call is paid for once the image was looked at, however its answer then travels."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """All counts to zero. Calls that are under way stay in flight, and their end is counted."""
        self._requests: Counter[str] = Counter()
        self._inferences: Counter[str] = Counter()
        self._payments: deque[Payment] = deque(maxlen=MOST_PAYMENTS)
        self._fates: dict[Fate, Counter[str]] = {fate: Counter() for fate in Fate}
        self._struck: Counter[str] = Counter()
        self._in_flight_peak = self._in_flight

    def arrived(self, operation: str) -> None:
        self._requests[operation] += 1
        self._in_flight += 1
        self._in_flight_peak = max(self._in_flight_peak, self._in_flight)

    def left(self) -> None:
        """A call that arrived has ended, in whatever way."""
        self._in_flight -= 1

    def paid(self, item: str, markers: Iterable[int] = ()) -> None:
        """One inference: an operation, or an extra with a price of its own."""
        self._inferences[item] += 1
        self._payments.append(Payment(time.monotonic(), item, tuple(sorted(set(markers)))))

    def struck(self, kind: str) -> None:
        """A fault struck a call."""
        self._struck[kind] += 1

    def ended(self, operation: str, fate: Fate) -> None:
        self._fates[fate][operation] += 1

    def payments(self) -> list[dict[str, object]]:
        """Each inference paid, in order."""
        return [{"at_s": one.at_s, "item": one.item, "markers": list(one.markers)} for one in self._payments]

    def as_json(self) -> dict[str, object]:
        by_fate = {fate.value: dict(counts) for fate, counts in self._fates.items()}
        return {
            "requests": dict(self._requests),
            "inferences": dict(self._inferences),
            **by_fate,
            "totals": {
                "requests": self._requests.total(),
                "inferences": self._inferences.total(),
                **{fate.value: counts.total() for fate, counts in self._fates.items()},
            },
            "struck": dict(self._struck),
            "in_flight": self._in_flight,
            "in_flight_peak": self._in_flight_peak,
        }
