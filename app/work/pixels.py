"""The one place in which pixels are touched: decoding and composing never run on the event loop.

Two queues: decoding takes its turn behind other images; what is short (reading a header) or finishes what has been decoded
(putting a sheet together) does not wait behind all those that are still to be decoded.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


# Where a container's share of the processors is written: "<microseconds> <per microseconds>", or "max <...>".
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """Processors that this process may use: those it is bound to, or fewer where its container has a smaller share."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or one without a limit
        return cores


class PixelPool:
    """Threads, not processes: Pillow lets go of the interpreter lock while it decodes, scales and encodes."""

    def __init__(self, threads: int = 0) -> None:
        """`threads`: so many for each of the two queues; 0 means one per core."""
        threads = threads or usable_cores()
        self._in_turn = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._ahead = ThreadPoolExecutor(threads, thread_name_prefix="pixels")

    async def in_turn(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in its turn. A cancelled caller leaves; the thread finishes its image and is free again."""
        return await asyncio.get_running_loop().run_in_executor(self._in_turn, lambda: function(*args, **kwargs))

    async def ahead(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, ahead of everything that is still to be decoded."""
        return await asyncio.get_running_loop().run_in_executor(self._ahead, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Wait for nothing: what is running ends by itself, what is queued is dropped."""
        self._in_turn.shutdown(wait=False, cancel_futures=True)
        self._ahead.shutdown(wait=False, cancel_futures=True)
