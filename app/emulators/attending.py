"""How every emulated service treats a call: it is counted, takes its time, and may be struck by what the script says.

In: an operation's name and the way to its reply. Out: the reply. Called by each vendor's service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from app.emulators.counters import Counters
from app.emulators.faults import Fault, FaultKind
from app.emulators.script import Brake, Script

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attendant:
    """Counters, script and threads of one service."""

    counters: Counters
    script: Script
    pool: ThreadPoolExecutor

    async def attend(self, operation: str, reply: Callable[[], Awaitable[T]], answered: Callable[[T], bool]) -> T:
        """Count the call in and out. An answer waits until its time has come; a refusal leaves at once."""
        loop = asyncio.get_running_loop()
        ready_s = loop.time() + self.script.latency_s()
        self.counters.arrived(operation)
        try:
            found = await reply()
            if answered(found):
                await asyncio.sleep(max(0.0, ready_s - loop.time()))
            return found
        finally:
            self.counters.left()

    def brake(self) -> Brake | None:
        """Whether the call that arrives now is throttled."""
        return self.script.brake(asyncio.get_running_loop().time())

    def struck(self, operation: str, refusals: Mapping[FaultKind, Callable[[], Exception]]) -> Fault | None:
        """The fault that strikes this call. Those that are plain refusals of this vendor are raised."""
        fault = self.script.fault(operation)
        if fault is None:
            return None
        self.counters.struck(fault.kind.value)
        if fault.kind in refusals:
            raise refusals[fault.kind]()
        return fault

    async def in_pool(self, work: Callable[[], T]) -> T:
        """For pixels, hashes and files: the event loop only decides and waits."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)
