"""The watch over the event loops sees code of ours that holds one, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.loop_watch import Hold, LoopWatch, watching

LIMIT_S = 0.02
LONGER_S = 0.05
NEVER_S = 1e9
PATIENCE_S = 20.0

Action = Callable[[], object]


def as_if_in(path: Path) -> Callable[[Action], None]:
    """A function that calls its argument, as if it stood in the file `path`."""
    space: dict[str, Any] = {}
    exec(compile("def held(action):\n    action()\n", str(path), "exec"), space)
    held: Callable[[Action], None] = space["held"]
    return held


def compute() -> None:
    end_s = time.thread_time() + LONGER_S
    while time.thread_time() < end_s:
        pass


def block() -> None:
    threading.Event().wait(LONGER_S)


def held_by(watch: LoopWatch, held: Callable[[Action], None], action: Action) -> list[Hold]:
    """One callback of this thread: it acts, and is looked at from another thread before it returns."""

    def act_and_be_seen() -> None:
        action()
        looking = threading.Thread(target=watch.look)
        looking.start()
        looking.join()

    watch.begin()
    held(act_and_be_seen)
    watch.done()
    return watch.take_holds()


@pytest.mark.parametrize(
    ("file", "action", "busy_limit_s", "stall_limit_s", "holds"),
    [
        ("app/work/compose.py", compute, LIMIT_S, NEVER_S, 1),
        ("app/work/compose.py", block, NEVER_S, LIMIT_S, 1),
        ("app/work/compose.py", compute, NEVER_S, NEVER_S, 0),
        ("app/work/compose.py", block, LIMIT_S, NEVER_S, 0),  # waiting is not computing
        ("tests/unit/test_compose.py", compute, LIMIT_S, NEVER_S, 0),
        ("tests/unit/test_compose.py", block, NEVER_S, LIMIT_S, 0),
    ],
)
def test_what_counts_as_a_hold(
    tmp_path: Path, file: str, action: Action, busy_limit_s: float, stall_limit_s: float, holds: int
) -> None:
    watch = LoopWatch(tmp_path / "app", busy_limit_s=busy_limit_s, stall_limit_s=stall_limit_s)
    found = held_by(watch, as_if_in(tmp_path / file), action)
    assert [file in str(hold) for hold in found] == [True] * holds


def test_a_callback_that_has_returned_holds_nothing(tmp_path: Path) -> None:
    watch = LoopWatch(tmp_path / "app", busy_limit_s=LIMIT_S)
    watch.begin()
    as_if_in(tmp_path / "app/somewhere.py")(compute)
    watch.done()
    watch.look()
    assert watch.take_holds() == []


def test_a_long_callback_is_noted_once(tmp_path: Path) -> None:
    watch = LoopWatch(tmp_path / "app", busy_limit_s=LIMIT_S)
    held = as_if_in(tmp_path / "app/somewhere.py")

    def compute_and_be_seen_twice() -> None:
        compute()
        watch.look()
        watch.look()

    watch.begin()
    held(compute_and_be_seen_twice)
    watch.done()
    assert len(watch.take_holds()) == 1
    assert watch.take_holds() == []


def test_collecting_garbage_is_nobodys_hold(tmp_path: Path) -> None:
    watch = LoopWatch(tmp_path / "app", busy_limit_s=LIMIT_S)
    held = as_if_in(tmp_path / "app/somewhere.py")

    def collect() -> None:
        watch.collects("start", {})
        compute()
        watch.look()
        watch.collects("stop", {})

    def collect_and_compute() -> None:
        collect()
        compute()

    assert held_by(watch, held, collect) == []
    assert len(held_by(watch, held, collect_and_compute)) == 1


def test_garbage_collection_is_told_to_the_watch(tmp_path: Path) -> None:
    watch = LoopWatch(tmp_path / "app")
    with watching(watch):
        assert watch.collects in gc.callbacks
    assert watch.collects not in gc.callbacks


def test_asyncio_loops_are_watched_from_beside(tmp_path: Path) -> None:
    """The watching thread sees the loop while it is held: that of a coroutine that computes until it has been noted."""
    watch = LoopWatch(tmp_path / "app", busy_limit_s=LIMIT_S)
    held = as_if_in(tmp_path / "app/somewhere.py")
    end_s = time.monotonic() + PATIENCE_S

    def compute_until_noted() -> None:
        while not watch.noted and time.monotonic() < end_s:
            pass

    async def work() -> None:
        held(compute_until_noted)

    before = asyncio.Handle._run
    with watching(watch):
        asyncio.run(work())
    assert "somewhere.py" in str(watch.take_holds()[0])
    assert asyncio.Handle._run is before
