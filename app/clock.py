"""Time as a parameter: shells take a `Clock`, the pure core takes `now_s`. Monotonic seconds, wall time for calendars only."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds; only differences mean anything."""

    def now_s(self) -> float: ...


class SystemClock:
    """The machine's monotonic clock."""

    def now_s(self) -> float:
        return time.monotonic()


class WallClock:
    """Seconds since the epoch, for calendars only: they may jump."""

    def now_s(self) -> float:
        return time.time()


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move forward; time never runs back."""
        if seconds < 0:
            raise ValueError("a monotonic clock never runs back")
        self._now_s += seconds
