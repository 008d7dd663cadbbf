"""Finds code of ours that holds an event loop: a thread looks at every asyncio loop of the process, and notes where it stands
when one callback has taken too long.

In: `begin` and `done` around every callback (installed by `watching`). Out: `Hold`s, each with the stack at that moment. Only
frames of code below `folder` count: a test may do heavy work of its own on its loop. uvloop's loops are not seen. Nor does
garbage collection count: it comes when it likes, and a process full of tests has far more to look through than a server.
Used by tests/conftest.py.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# A callback that computes for so long delays every other request of the process by as much. Measured in the loop's own CPU
# time, so that a machine shared with other work raises no alarm.
BUSY_LIMIT_S = 0.25
# A callback that neither computes nor returns waits for something: a blocking call. Wall time, so generous: the other
# processes of a busy machine count in it.
STALL_LIMIT_S = 2.0
LOOK_EVERY_S = 0.05  # how late a hold may be seen; each look takes microseconds


@dataclass(frozen=True, slots=True)
class Hold:
    """One callback held its loop; `stack` is where it stood in our code when that was noticed, innermost call last."""

    seconds: float
    stack: str

    def __str__(self) -> str:
        return f"the event loop was held for more than {self.seconds:.2f} s by:\n{self.stack}"


@dataclass(slots=True)
class _Callback:
    thread_id: int
    clock_id: int
    began_s: float
    busy_before_s: float
    noted: bool = False
    collects_since: tuple[float, float] | None = None

    def now(self) -> tuple[float, float]:
        """Wall time and CPU time, seconds."""
        return time.monotonic(), time.clock_gettime(self.clock_id)

    def collected(self) -> None:
        """Both measures leave out the collection that ends now."""
        before, now = self.collects_since or self.now(), self.now()
        self.began_s += now[0] - before[0]
        self.busy_before_s += now[1] - before[1]
        self.collects_since = None


class LoopWatch:
    """Watches the callbacks of all threads; `folder` is where code counts as ours."""

    def __init__(self, folder: Path, *, busy_limit_s: float = BUSY_LIMIT_S, stall_limit_s: float = STALL_LIMIT_S) -> None:
        self._folder = f"{folder}{os.sep}"
        self._busy_limit_s = busy_limit_s
        self._stall_limit_s = stall_limit_s
        self._running: dict[int, _Callback] = {}
        self._holds: list[Hold] = []
        self._stop = threading.Event()

    def begin(self) -> None:
        """This thread's loop starts a callback."""
        thread_id = threading.get_ident()
        clock_id = time.pthread_getcpuclockid(thread_id)
        self._running[thread_id] = _Callback(thread_id, clock_id, time.monotonic(), time.clock_gettime(clock_id))

    def done(self) -> None:
        self._running.pop(threading.get_ident(), None)

    def collects(self, phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        """This thread's turn to collect garbage has come, or is over (a hook of `gc.callbacks`)."""
        if (callback := self._running.get(threading.get_ident())) is not None:
            if phase == "start":
                callback.collects_since = callback.now()
            else:
                callback.collected()

    @property
    def noted(self) -> bool:
        """Whether there is a hold to take."""
        return bool(self._holds)

    def take_holds(self) -> list[Hold]:
        """What was noted since the last call."""
        holds, self._holds = self._holds, []
        return holds

    def look(self) -> None:
        """Note every callback that is over a limit now, once."""
        for callback in list(self._running.values()):
            if not callback.noted and callback.collects_since is None and (seconds := self._over_limit_s(callback)):
                callback.noted = True
                self._note(callback, seconds)

    def _over_limit_s(self, callback: _Callback) -> float | None:
        try:
            busy_s = time.clock_gettime(callback.clock_id) - callback.busy_before_s
        except OSError:  # its thread has just ended
            return None
        if busy_s > self._busy_limit_s:
            return busy_s
        stalled_s = time.monotonic() - callback.began_s
        return stalled_s if stalled_s > self._stall_limit_s else None

    def _note(self, callback: _Callback, seconds: float) -> None:
        frame = sys._current_frames().get(callback.thread_id)
        if frame is None or self._running.get(callback.thread_id) is not callback:
            return  # it came to its end while we looked
        stack = [entry for entry in traceback.extract_stack(frame) if entry.filename.startswith(self._folder)]
        if stack:
            self._holds.append(Hold(seconds, "".join(traceback.format_list(stack))))

    def run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def watching(watch: LoopWatch) -> Iterator[None]:
    """Look at every asyncio loop of this process until the block ends."""
    run_callback = asyncio.Handle._run

    def watched(handle: asyncio.Handle) -> None:
        watch.begin()
        try:
            run_callback(handle)
        finally:
            watch.done()

    thread = threading.Thread(target=watch.run, name="loop watch", daemon=True)
    asyncio.Handle._run = watched  # type: ignore[method-assign, assignment]  # asyncio has no hook for this
    gc.callbacks.append(watch.collects)
    thread.start()
    try:
        yield
    finally:
        asyncio.Handle._run = run_callback  # type: ignore[method-assign]  # asyncio has no hook for this
        gc.callbacks.remove(watch.collects)
        watch.stop()
        thread.join()
