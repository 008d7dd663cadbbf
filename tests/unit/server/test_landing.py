"""Messages take their places in turn, and nobody keeps one for long while others wait."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Kind, Problem
from app.server.landing import Landing

LONG_S = 30.0
PATIENCE_S = 0.05


class Call:
    """Takes a message in, which is whole when the test says so."""

    def __init__(self, landing: Landing, timeout_s: float = LONG_S) -> None:
        self.inside, self.whole = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._take(landing, timeout_s))

    async def _take(self, landing: Landing, timeout_s: float) -> Kind | None:
        try:
            async with landing.place(timeout_s):
                self.inside.set()
                await self.whole.wait()
        except Problem as problem:
            return problem.kind
        return None


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_as_there_are_places_are_taken_in_at_once() -> None:
    landing = Landing(2)
    calls = [Call(landing) for _ in range(4)]
    await settled()
    assert [call.inside.is_set() for call in calls] == [True, True, False, False]
    calls[1].whole.set()
    await calls[2].inside.wait()
    assert not calls[3].inside.is_set()
    for call in calls:
        call.whole.set()
    assert [await call.task for call in calls] == [None] * 4


async def test_a_slow_one_may_take_its_time_while_nobody_waits() -> None:
    landing = Landing(2, patience_s=0)
    slow, quick = Call(landing), Call(landing)
    quick.whole.set()
    assert await quick.task is None
    assert not slow.task.done()
    slow.whole.set()
    assert await slow.task is None


async def test_the_slowest_makes_room_for_who_waits() -> None:
    landing = Landing(2, PATIENCE_S)
    calls = [Call(landing) for _ in range(4)]
    assert [await call.task for call in calls[:2]] == [Kind.OVER_CAPACITY] * 2
    for call in calls[2:]:
        await call.inside.wait()
        call.whole.set()
    assert [await call.task for call in calls[2:]] == [None] * 2


async def test_who_comes_late_finds_that_the_slow_one_has_had_its_time() -> None:
    landing = Landing(1, PATIENCE_S)
    slow = Call(landing)
    await asyncio.wait({slow.task}, timeout=2 * PATIENCE_S)
    late = Call(landing)
    assert await slow.task is Kind.OVER_CAPACITY
    late.whole.set()
    assert await late.task is None


async def test_everybody_has_a_time_limit() -> None:
    landing = Landing(1)
    slow, waiting = Call(landing, 2 * PATIENCE_S), Call(landing, PATIENCE_S)
    assert await waiting.task is Kind.OVER_CAPACITY
    assert await slow.task is Kind.MALFORMED_REQUEST


@pytest.mark.parametrize("number", [0, 1])
async def test_who_leaves_frees_the_place_or_the_turn(number: int) -> None:
    landing = Landing(1)
    calls = [Call(landing) for _ in range(3)]
    await settled()
    calls.pop(number).task.cancel()
    for call in calls:
        call.whole.set()
    assert [await call.task for call in calls] == [None] * 2
