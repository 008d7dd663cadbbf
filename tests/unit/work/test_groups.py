"""Parts of a group side by side: all are awaited, one lost lease ends all, and none is left lying about."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from app.providers.calling import LeaseLost
from app.work.groups import side_by_side


class Parts:
    """Coroutines that tell when they have begun, and end when they may."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.may_end = asyncio.Event()

    async def part(self, name: str) -> None:
        self.begun.append(name)
        await self.may_end.wait()
        self.ended.append(name)

    async def lost(self) -> None:
        raise LeaseLost("batch")


async def test_all_parts_are_under_way_at_once_and_all_are_awaited() -> None:
    parts = Parts()
    both = asyncio.create_task(side_by_side([parts.part("a"), parts.part("b")], "parts"))
    while len(parts.begun) < 2:
        await asyncio.sleep(0)
    assert parts.ended == []
    parts.may_end.set()
    await both
    assert parts.ended == ["a", "b"]


async def test_a_lost_lease_ends_all() -> None:
    parts = Parts()
    with pytest.raises(LeaseLost):
        await side_by_side([parts.part("a"), parts.lost()], "parts")
    assert (parts.begun, parts.ended) == (["a"], [])


async def test_another_error_is_told_as_it_is() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        await side_by_side([broken()], "parts")
    assert raised.group_contains(ZeroDivisionError)


async def test_who_is_cancelled_leaves_no_part_behind() -> None:
    parts = Parts()
    both = [parts.part("a"), parts.part("b")]

    async def cancelled_at_once() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await side_by_side(both, "parts")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled_at_once())
    assert parts.ended == []
    assert [inspect.getcoroutinestate(part) for part in both] == [inspect.CORO_CLOSED] * 2


def test_parts_that_cannot_begin_are_closed() -> None:
    """Without a task around them there is no group; with warnings as errors an un-awaited part would fail the test, too."""
    both = [asyncio.sleep(0), asyncio.sleep(0)]
    with pytest.raises(RuntimeError):
        side_by_side(both, "parts").send(None)
    assert [inspect.getcoroutinestate(part) for part in both] == [inspect.CORO_CLOSED] * 2
