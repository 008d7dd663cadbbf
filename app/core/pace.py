"""How fast a vendor that throttles is asked again. Pure (time is passed in); used by `providers.turns`.

A refusal for want of quota costs nothing, so the vendor is offered a little more than it took lately: that finds the quota and
uses all of it. What this avoids is a crowd that retries at random, in which the oldest question is as likely as any other to
be refused until its time is over.
"""

from __future__ import annotations

from collections import deque

# So long after its last refusal for want of quota a vendor counts as throttling, seconds.
THROTTLE_MEMORY_S = 5.0
# What the vendor took is counted over so long, seconds: quotas are per second, and one second alone is a coarse measure.
WINDOW_S = 2.0
# Offered times taken: while it refuses, and as soon as it has refused nothing for `CALM_S`.
PRESSING, GROWING = 1.15, 2.0
CALM_S = 1.0
# Slowest pace, calls per second: somebody has to notice that the vendor answers again.
SLOWEST_PER_S = 2.0


class Pace:
    """Of one vendor operation (quotas are per operation). Unlimited until the vendor throttles."""

    def __init__(self) -> None:
        self._taken_s: deque[float] = deque()
        self._throttled_s = float("-inf")
        self._began_s = float("-inf")

    def began(self, now_s: float) -> None:
        """A call goes out."""
        self._began_s = now_s

    def taken(self, now_s: float) -> None:
        """A call was answered, or failed for another reason than the quota."""
        self._taken_s.append(now_s)
        self._forget(now_s)

    def throttled(self, now_s: float) -> None:
        """A call was refused for want of quota."""
        self._throttled_s = now_s

    def throttles_for_s(self, now_s: float) -> float:
        """How long the vendor still counts as throttling; 0 if it does not."""
        return max(0.0, self._throttled_s + THROTTLE_MEMORY_S - now_s)

    def pause_s(self, now_s: float) -> float:
        """Time until the next call may go out."""
        if not self.throttles_for_s(now_s):
            return 0.0
        return max(0.0, self._began_s + 1.0 / self.per_s(now_s) - now_s)

    def per_s(self, now_s: float) -> float:
        """Calls per second that may go out while the vendor throttles."""
        self._forget(now_s)
        factor = PRESSING if now_s - self._throttled_s < CALM_S else GROWING
        return max(SLOWEST_PER_S, factor * len(self._taken_s) / WINDOW_S)

    def _forget(self, now_s: float) -> None:
        while self._taken_s and self._taken_s[0] <= now_s - WINDOW_S:
            self._taken_s.popleft()
