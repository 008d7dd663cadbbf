"""A machine whose clock is wrong, for one process: Python imports this before anything else where it lies on PYTHONPATH.

CHAOS_CLOCK names a file with a number of seconds: wall time is wrong by so much, from the moment it is written. As when NTP
steps a clock, monotonic time goes on undisturbed. Whoever asks Python's `time` and `datetime` is told the wrong time.
"""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path
from typing import Any, Self

LOOK_S = 0.05

_real_time, _real_time_ns = time.time, time.time_ns
_RealDatetime = datetime.datetime


class _Wrong:
    """By how much; the file is read again every LOOK_S."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_s = float("-inf")
        self._seconds = 0.0

    def by_s(self) -> float:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            try:
                self._seconds = float(self._path.read_text() or 0)
            except (OSError, ValueError):
                self._seconds = 0.0
        return self._seconds


def install(path: Path) -> None:
    """From now on this process's wall clock is wrong by what the file says."""
    wrong = _Wrong(path)

    class Kind(type):
        """What C makes are datetimes, too."""

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, _RealDatetime)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, _RealDatetime)

    class Datetime(_RealDatetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return super().fromtimestamp(_real_time() + wrong.by_s(), tz)

        @classmethod
        def utcnow(cls) -> Self:
            return super().fromtimestamp(_real_time() + wrong.by_s(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Self:
            return cls.now()

    changed: Any = time
    changed.time = lambda: _real_time() + wrong.by_s()
    changed.time_ns = lambda: _real_time_ns() + round(wrong.by_s() * 1e9)
    there: Any = datetime
    Datetime.__name__ = Datetime.__qualname__ = "datetime"
    there.datetime = Datetime


if "CHAOS_CLOCK" in os.environ:
    install(Path(os.environ["CHAOS_CLOCK"]))
