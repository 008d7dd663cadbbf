"""The threads of one provider: preparing a request and reading its answer are CPU work on megabytes, off the event loop.

A small pool of its own, so that a slow credential server can never use up the threads that the rest of the process lives on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.errors import Kind, Problem

P = ParamSpec("P")
R = TypeVar("R")

# Hashing and base64 release the interpreter's lock and take about 20 ms for the largest image: four keep up with hundreds
# of sheets per second, and one of them stuck on a metadata server leaves three.
_THREADS = 4


class Threads:
    """Runs a provider's blocking work. Once closed, it refuses more."""

    def __init__(self, provider: str, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"provider-{provider}")
        self._closed = False

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `work`, or what it raises. Raises Problem(SHUTTING_DOWN) once closed."""
        if self._closed:
            raise Problem(Kind.SHUTTING_DOWN, "The provider is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Waits for nothing: work under way ends by itself, what is queued is dropped."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
