"""The one pool in which pixels are touched: decoding and composing never run on the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class PixelPool:
    """Threads, not processes: Pillow lets go of the interpreter lock while it decodes, scales and encodes."""

    def __init__(self, threads: int = 0) -> None:
        """`threads`: 0 means one per core."""
        self._executor = ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1, thread_name_prefix="pixels")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the pool. A cancelled caller leaves; the thread finishes its image and is free again."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Wait for nothing: what is running ends by itself, what is queued is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
