"""Prevalences: estimates at once, the store behind them told and asked in the background, one call at a time per stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from app.accumulator.memory import MemoryPrevalence
from app.clock import ManualClock
from app.core.prevalence import MEMORY_IMAGES, Prevalence
from app.errors import Kind, Problem
from app.work.prevalence import MOST_OWED, MOST_STREAMS, REFRESH_S, Prevalences

PRIOR = Prevalence().estimate
PATIENCE_S = 10.0
AWAY = Problem(Kind.ACCUMULATOR_UNAVAILABLE, "gone")


@dataclass(slots=True)
class FakeStore:
    """Counts as the memory store does; each call waits for `gate`, fails with `problem`, and is written down."""

    problem: BaseException | None = None
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    known: MemoryPrevalence = field(default_factory=MemoryPrevalence)
    under_way: dict[str, int] = field(default_factory=dict)

    async def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> Prevalence:
        assert images > 0
        await self._called(stream, images, unsafe)
        return await self.known.seen(stream, images, unsafe, judged, alarms)

    async def read(self, stream: str) -> Prevalence:
        await self._called(stream, 0, 0)
        return await self.known.read(stream)

    async def _called(self, stream: str, images: int, unsafe: int) -> None:
        self.calls.append((stream, images, unsafe))
        self.under_way[stream] = self.under_way.get(stream, 0) + 1
        assert self.under_way[stream] == 1, "one call at a time per stream"
        try:
            await self.gate.wait()
        finally:
            self.under_way[stream] -= 1
        if self.problem is not None:
            raise self.problem


@dataclass(slots=True)
class Bench:
    store: FakeStore
    clock: ManualClock
    prevalences: Prevalences


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """The store answers at once, unless the test shuts its gate."""
    store, clock = FakeStore(), ManualClock(100.0)
    store.gate.set()
    prevalences = Prevalences(store, clock)
    yield Bench(store, clock, prevalences)
    store.gate.set()
    await prevalences.close()


async def settled() -> None:
    """All tasks that can go on have done so: the fake store needs no more than a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_unknown_stream_has_the_estimate_of_the_prior_and_is_read(bench: Bench) -> None:
    await bench.store.known.seen("s", 100, 1)
    assert bench.prevalences.estimate("s") == PRIOR
    await settled()
    assert bench.store.calls == [("s", 0, 0)]
    assert bench.prevalences.estimate("s") == Prevalence(100, 1).estimate
    await settled()
    assert len(bench.store.calls) == 1


async def test_what_was_seen_counts_at_once_and_reaches_the_store(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.prevalences.seen("s", 10, 1)
    assert bench.prevalences.estimate("s") == Prevalence(10, 1).estimate
    bench.store.gate.set()
    await settled()
    assert bench.store.calls == [("s", 10, 1)]
    assert await bench.store.known.read("s") == Prevalence(10, 1)


async def test_what_others_have_added_comes_with_the_answer(bench: Bench) -> None:
    await bench.store.known.seen("s", 100, 50)
    bench.prevalences.seen("s", 10, 0)
    await settled()
    assert bench.prevalences.estimate("s") == Prevalence(100, 50).seen(10, 0).estimate


async def test_what_comes_meanwhile_is_added_up_into_one_call_and_shown_before(bench: Bench) -> None:
    bench.store.gate.clear()
    for images, unsafe in [(3, 1), (4, 0), (5, 2)]:
        bench.prevalences.seen("s", images, unsafe)
        await settled()
    shown = Prevalence().seen(3, 1).seen(4, 0).seen(5, 2)
    assert bench.prevalences.estimate("s") == shown.estimate
    bench.store.gate.set()
    await settled()
    assert bench.store.calls == [("s", 3, 1), ("s", 9, 2)]
    assert bench.prevalences.estimate("s") == Prevalence().seen(3, 1).seen(9, 2).estimate


async def test_an_answer_does_not_hide_what_came_while_it_was_on_its_way(bench: Bench) -> None:
    await bench.store.known.seen("s", 50, 0)
    bench.store.gate.clear()
    bench.prevalences.estimate("s")
    await settled()
    bench.prevalences.seen("s", 2, 2)
    bench.store.gate.set()
    await settled()
    assert bench.store.calls == [("s", 0, 0), ("s", 2, 2)]
    assert bench.prevalences.estimate("s") == Prevalence(50, 0).seen(2, 2).estimate


async def test_an_old_value_is_returned_while_it_is_refreshed_once(bench: Bench) -> None:
    bench.prevalences.seen("s", 10, 0)
    await settled()
    await bench.store.known.seen("s", 10, 10)
    bench.clock.advance(REFRESH_S)
    assert bench.prevalences.estimate("s") == Prevalence(10, 0).estimate
    await settled()
    assert len(bench.store.calls) == 1
    bench.clock.advance(0.01)
    bench.store.gate.clear()
    assert {bench.prevalences.estimate("s") for _ in range(5)} == {Prevalence(10, 0).estimate}
    await settled()
    bench.store.gate.set()
    await settled()
    assert bench.store.calls[1:] == [("s", 0, 0)]
    assert bench.prevalences.estimate("s") == Prevalence(10, 0).seen(10, 10).estimate


async def test_streams_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.prevalences.seen("a", 1, 0)
    bench.prevalences.seen("b", 1, 1)
    await settled()
    assert bench.store.calls == [("a", 1, 0), ("b", 1, 1)]


async def test_while_the_store_is_away_nothing_is_lost_and_it_is_said_once(bench: Bench) -> None:
    bench.store.problem = AWAY
    with capture_logs() as lines:
        for _ in range(3):
            bench.prevalences.seen("s", 10, 1)
            await settled()
            bench.clock.advance(2 * REFRESH_S)
        bench.store.problem = None
        assert bench.prevalences.estimate("s") == Prevalence().seen(10, 1).seen(10, 1).seen(10, 1).estimate
        await settled()
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert bench.store.calls == [("s", 10, 1), ("s", 20, 2), ("s", 30, 3), ("s", 30, 3)]
    assert await bench.store.known.read("s") == Prevalence(30, 3)


async def test_a_store_that_has_just_failed_is_left_alone_for_a_while_by_all_streams(bench: Bench) -> None:
    bench.store.problem = AWAY
    bench.prevalences.seen("a", 1, 0)
    await settled()
    bench.prevalences.seen("a", 1, 0)
    bench.prevalences.estimate("b")
    await settled()
    assert bench.store.calls == [("a", 1, 0)]
    bench.clock.advance(REFRESH_S)
    bench.prevalences.estimate("b")
    await settled()
    assert bench.store.calls == [("a", 1, 0), ("b", 0, 0)]


async def test_a_mistake_in_the_store_harms_nobody(bench: Bench) -> None:
    bench.store.problem = RuntimeError("a mistake")
    with capture_logs() as lines:
        bench.prevalences.seen("s", 1, 1)
        await settled()
    assert [line["log_level"] for line in lines] == ["error", "warning"]
    assert bench.prevalences.estimate("s") == Prevalence(1, 1).estimate


async def test_what_is_owed_is_bounded_and_keeps_its_share(bench: Bench) -> None:
    bench.store.problem = AWAY
    for _ in range(100):
        bench.prevalences.seen("s", 100, 10)
        await settled()
    bench.store.problem = None
    bench.clock.advance(REFRESH_S)
    bench.prevalences.estimate("s")
    await settled()
    _, images, unsafe = bench.store.calls[-1]
    assert MEMORY_IMAGES <= images <= MOST_OWED
    assert unsafe / images == pytest.approx(0.1, rel=0.01)


async def test_only_unsafe_images_stay_possible_however_much_is_owed(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.prevalences.seen("s", 1, 1)
    await settled()
    bench.prevalences.seen("s", MOST_OWED + 1, MOST_OWED + 1)
    bench.store.gate.set()
    await settled()
    assert bench.store.calls[-1] == ("s", (MOST_OWED + 1) // 2, (MOST_OWED + 1) // 2)


@pytest.mark.parametrize(("images", "unsafe", "counted"), [(0, 0, None), (-1, 0, None), (2, 3, (2, 2)), (2, -1, (2, 0))])
async def test_impossible_counts_raise_nothing(bench: Bench, images: int, unsafe: int, counted: tuple[int, int] | None) -> None:
    bench.prevalences.seen("s", images, unsafe)
    await settled()
    assert bench.store.calls == ([("s", *counted)] if counted else [])


async def test_the_mean_is_weighted_by_images(bench: Bench) -> None:
    assert bench.prevalences.mean() is None
    bench.prevalences.estimate("nothing seen")
    assert bench.prevalences.mean() is None
    bench.prevalences.seen("a", 96, 0)
    bench.prevalences.seen("b", 16, 8)
    assert bench.prevalences.mean() == pytest.approx((96 * 2 / 100 + 16 * 10 / 20) / 112)


async def test_the_stream_that_was_used_longest_ago_is_forgotten_first(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.prevalences.seen("oldest", 10, 0)
    bench.prevalences.seen("kept", 10, 0)
    for number in range(MOST_STREAMS - 2):
        bench.prevalences.estimate(f"{number}")
    bench.prevalences.estimate("kept")
    bench.prevalences.estimate("one more")
    assert bench.prevalences.estimate("kept") < PRIOR
    assert bench.prevalences.mean() == Prevalence(10, 0).estimate
    assert bench.prevalences.estimate("oldest") == PRIOR


async def test_closing_delivers_what_is_owed_although_the_store_has_just_failed(bench: Bench) -> None:
    bench.store.problem = AWAY
    bench.prevalences.seen("s", 1, 1)
    await settled()
    bench.store.problem = None
    await bench.prevalences.close()
    assert await bench.store.known.read("s") == Prevalence(1, 1)
    bench.prevalences.seen("s", 1, 0)
    await settled()
    assert await bench.store.known.read("s") == Prevalence(1, 1)
    assert bench.prevalences.estimate("s") == Prevalence(1, 1).seen(1, 0).estimate


async def test_closing_does_not_wait_for_a_store_that_does_not_answer(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.prevalences.seen("s", 1, 1)
    async with asyncio.timeout(PATIENCE_S):
        await bench.prevalences.close()
    assert bench.store.under_way == {"s": 0}
