"""A circuit breaker, pure: remembers that something failed, so that not every caller has to find out by waiting for it."""

from __future__ import annotations

# How long a failure keeps others away, seconds: short enough that gridding (and the saving) is back soon after the store is,
# long enough that a dead store costs one caller in a second its time-out, and nobody else anything.
OPEN_S = 1.0


class Breaker:
    """Closed (all may try), open (none may), and one probe at a time after `OPEN_S`. Time is passed in."""

    def __init__(self, open_s: float = OPEN_S) -> None:
        self._open_s = open_s
        self._retry_at_s: float | None = None

    @property
    def is_closed(self) -> bool:
        return self._retry_at_s is None

    def may_try(self, now_s: float) -> bool:
        """Whether the caller should try. While open, the first to ask after the pause becomes the probe."""
        if self._retry_at_s is None:
            return True
        if now_s < self._retry_at_s:
            return False
        self._retry_at_s = now_s + self._open_s
        return True

    def failed(self, now_s: float) -> None:
        self._retry_at_s = now_s + self._open_s

    def succeeded(self) -> None:
        self._retry_at_s = None
