"""Futures by job id: one result at most, none left alone."""

from __future__ import annotations

import asyncio

from app.accumulator.waiters import Waiter, Waiters
from app.clock import ManualClock, SystemClock
from app.core.model import Failure
from app.errors import Kind
from tests.support.jobs import job, lane, outcome


def waiters(expired: list[str] | None = None, clock: ManualClock | SystemClock | None = None) -> Waiters:
    def note(waiter: Waiter) -> None:
        if expired is not None:
            expired.append(waiter.job_id)

    return Waiters(clock or ManualClock(), note)


async def test_an_outcome_reaches_the_one_who_waits_for_it_once() -> None:
    waiting = waiters()
    future = waiting.add(job("a", lane=lane("x"))).future
    assert len(waiting) == 1
    assert waiting.deliver(outcome("a", label="first"))
    assert not waiting.deliver(outcome("a", label="second"))
    assert future.result() == outcome("a", label="first")
    assert len(waiting) == 0


async def test_outcomes_for_nobody_are_passed_over() -> None:
    assert not waiters().deliver(outcome("stranger"))


async def test_a_future_that_its_owner_gave_up_is_not_touched() -> None:
    waiting = waiters()
    future = waiting.add(job("a")).future
    future.cancel()
    assert not waiting.deliver(outcome("a"))
    assert future.cancelled()


async def test_cancelling_ends_the_wait_and_does_nothing_to_strangers_or_finished_ones() -> None:
    waiting = waiters()
    future = waiting.add(job("a")).future
    waiting.cancel("a")
    waiting.cancel("a")
    waiting.cancel("stranger")
    assert future.cancelled()
    done = waiting.add(job("b")).future
    waiting.deliver(outcome("b"))
    waiting.cancel("b")
    assert done.result() == outcome("b")


async def test_closing_cancels_everything() -> None:
    waiting = waiters()
    futures = [waiting.add(job()).future for _ in range(3)]
    assert [waiter.future for waiter in waiting.all()] == futures
    waiting.close()
    assert all(future.cancelled() for future in futures)
    assert waiting.all() == []


async def test_when_a_jobs_time_runs_out_its_waiter_is_told_and_the_store_as_well() -> None:
    expired: list[str] = []
    waiting = waiters(expired, SystemClock())
    future = waiting.add(job("a", time_left_s=0.01)).future
    result = (await asyncio.wait_for(future, 20)).result
    assert isinstance(result, Failure)
    assert result.kind is Kind.DEADLINE_EXCEEDED
    assert expired == ["a"]
    assert waiting.get("a") is None


async def test_only_the_clock_says_when_time_has_run_out() -> None:
    """The loop's timer fires after 10 ms, but by the clock nothing has passed, until it is moved."""
    clock = ManualClock()
    waiting = waiters(clock=clock)
    future = waiting.add(job("a", time_left_s=0.01)).future
    await asyncio.wait({future}, timeout=0.05)
    assert not future.done()
    clock.advance(0.01)
    assert (await asyncio.wait_for(future, 20)).job_id == "a"
