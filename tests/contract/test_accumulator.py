"""The accumulator's guarantees, by number, for every implementation. Time is moved by hand; claims do not wait."""

from __future__ import annotations

import asyncio

import pytest

from app.accumulator.contract import Accumulator, Settlement, Withdrawal
from app.clock import SystemClock
from app.core.model import Failure, Outcome, Release, Task
from app.errors import Kind, Problem
from tests.contract.conftest import LEASE_S, MAX_PENDING, Bench
from tests.support.claims import PATIENCE_S, all_batches, claim, enqueue_all, enqueue_many, result_of, waiting
from tests.support.jobs import job, job_ids, lane, outcome, outcomes


async def test_an_empty_accumulator_gives_nothing(accumulator: Accumulator) -> None:
    assert await accumulator.claim(0.0) is None
    assert await waiting(accumulator) == 0
    assert await accumulator.withdraw("nobody") is Withdrawal.GONE


# --- G1: every admitted job ends in exactly one outcome ---


async def test_g1_each_waiter_gets_the_outcome_of_its_own_job(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b", "c", "d", capacity=4)
    batch = await claim(accumulator)
    settlement = await accumulator.complete(batch, list(reversed(outcomes(batch))))
    assert settlement == Settlement(frozenset("abcd"))
    for name, future in futures.items():
        assert await result_of(future) == outcome(name, label=name)


async def test_g1_outcomes_may_come_in_parts_and_the_rest_stays_claimed(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    assert await accumulator.complete(batch, [outcome("b")]) == Settlement(frozenset("b"))
    assert await result_of(futures["b"]) == outcome("b")
    assert not futures["a"].done()
    assert await accumulator.extend(batch, LEASE_S)
    assert await accumulator.claim(0.0) is None
    assert await accumulator.complete(batch, [outcome("a")]) == Settlement(frozenset("a"))
    assert await result_of(futures["a"]) == outcome("a")


async def test_g1_the_first_outcome_of_a_job_is_the_only_one(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    twice = [outcome("a", label="first"), outcome("a", label="second")]
    assert await accumulator.complete(batch, twice) == Settlement(frozenset("a"))
    assert await accumulator.complete(batch, [outcome("a", label="third")]) == Settlement(frozenset())
    assert await result_of(futures["a"]) == outcome("a", label="first")


async def test_g1_outcomes_of_strangers_are_passed_over(accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    assert await accumulator.complete(batch, [outcome("stranger")]) == Settlement(frozenset())
    assert await accumulator.complete(batch, []) == Settlement(frozenset())


async def test_g1_a_failure_is_an_outcome_too(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", capacity=1)
    failed = Outcome("a", Failure(Kind.THROTTLED, "too fast", retry_after_s=1.5))
    await accumulator.complete(await claim(accumulator), [failed])
    assert await result_of(futures["a"]) == failed


async def test_g1_the_same_job_again_is_the_same_wait(accumulator: Accumulator) -> None:
    one = job("a")
    assert await accumulator.enqueue(one) is await accumulator.enqueue(one)
    assert await waiting(accumulator) == 1


async def test_a_job_arrives_as_it_was_sent(accumulator: Accumulator) -> None:
    image = bytes(range(256)) * 400
    sent = job("a", lane=lane(capacity=1), image=image)
    await accumulator.enqueue(sent)
    batch = await claim(accumulator)
    assert [item.job for item in batch.items] == [sent]
    assert (batch.lane, batch.generation, batch.attempt) == (sent.lane, 1, 1)


async def test_items_tell_how_long_they_waited_and_how_much_time_is_left(bench: Bench, accumulator: Accumulator) -> None:
    await accumulator.enqueue(job("a", max_wait_s=0.5, time_left_s=30.0))
    bench.clock.advance(0.5)
    (item,) = (await claim(accumulator)).items
    assert [item.waited_s, item.time_left_s] == pytest.approx([0.5, 29.5])


# --- G2, G3, G4: how batches are formed ---


@pytest.mark.parametrize(("capacity", "sizes"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (9, [5])])
async def test_g2_a_batch_never_holds_more_than_its_lanes_capacity(
    bench: Bench, accumulator: Accumulator, capacity: int, sizes: list[int]
) -> None:
    await enqueue_all(accumulator, *"abcde", capacity=capacity)
    bench.clock.advance(1.0)
    batches = await all_batches(accumulator)
    assert [len(batch.items) for batch in batches] == sizes
    assert [name for batch in batches for name in job_ids(batch)] == list("abcde")


async def test_g3_lanes_never_mix(bench: Bench, accumulator: Accumulator) -> None:
    lanes = [lane(f"tenant-{number}") for number in range(6)]
    for number in range(18):
        await accumulator.enqueue(job(lane=lanes[number % 6]))
    bench.clock.advance(1.0)
    batches = await all_batches(accumulator)
    assert sum(len(batch.items) for batch in batches) == 18
    assert all({item.job.lane for item in batch.items} == {batch.lane} for batch in batches)


async def test_g4_the_ready_lane_with_the_earliest_flush_time_is_first(bench: Bench, accumulator: Accumulator) -> None:
    """Full lanes that would flush late, a due one between them, and one that is not ready although it flushes first of all."""
    for tenant, max_wait_s, images in (("late", 9.0, 2), ("due", 0.3, 1), ("soon", 5.0, 2)):
        for _ in range(images):
            await accumulator.enqueue(job(lane=lane(tenant), max_wait_s=max_wait_s))
    bench.clock.advance(0.25)
    await accumulator.enqueue(job(lane=lane("not ready"), max_wait_s=0.01))
    await accumulator.enqueue(job(lane=lane("due"), max_wait_s=0.001))
    claimed = [batch.lane.tenant for batch in await all_batches(accumulator)]
    assert claimed == ["due", "soon", "late"]


async def test_g4_within_a_lane_the_oldest_job_is_first_even_if_a_younger_one_is_due(
    bench: Bench, accumulator: Accumulator
) -> None:
    await accumulator.enqueue(job("old", max_wait_s=9.0))
    bench.clock.advance(0.1)
    await accumulator.enqueue(job("young", max_wait_s=0.1))
    bench.clock.advance(0.1)
    await accumulator.enqueue(job("youngest", max_wait_s=0.1))
    assert job_ids(await claim(accumulator)) == ["old", "young"]


# --- G5: when a lane is ready ---


async def test_g5_full(accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a")
    assert await accumulator.claim(0.0) is None
    await enqueue_all(accumulator, "b")
    assert (await claim(accumulator)).release is Release.FULL


async def test_g5_due(bench: Bench, accumulator: Accumulator) -> None:
    await accumulator.enqueue(job("a", max_wait_s=0.5))
    bench.clock.advance(0.499)
    assert await accumulator.claim(0.0) is None
    bench.clock.advance(0.001)
    assert (await claim(accumulator)).release is Release.DUE


async def test_g5_idle(bench: Bench, accumulator: Accumulator) -> None:
    releases = []
    for number in range(5):
        await accumulator.enqueue(job(f"{number}", max_wait_s=0.5))
        batch = await accumulator.claim(0.0)
        if batch is None:
            bench.clock.advance(0.5)
            batch = await claim(accumulator)
        releases.append(batch.release)
        await accumulator.complete(batch, outcomes(batch))
        bench.clock.advance(60.0)
    assert releases == [Release.DUE] * 3 + [Release.IDLE] * 2


async def test_g5_what_a_batch_leaves_behind_keeps_its_own_flush_time(bench: Bench, accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b", "c")
    assert job_ids(await claim(accumulator)) == ["a", "b"]
    assert await accumulator.claim(0.0) is None
    bench.clock.advance(0.2)
    batch = await claim(accumulator)
    assert (job_ids(batch), batch.release) == (["c"], Release.DUE)


# --- G6, G7: leases ---


async def test_g6_a_claimed_batch_is_invisible_until_its_lease_ends(bench: Bench, accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    first = await claim(accumulator)
    bench.clock.advance(LEASE_S - 0.001)
    assert await accumulator.claim(0.0) is None
    assert await waiting(accumulator) == 0
    bench.clock.advance(0.001)
    assert await waiting(accumulator) == 2
    again = await claim(accumulator)
    assert (again.id, again.attempt, again.release, job_ids(again)) == (first.id, 2, first.release, ["a", "b"])
    assert again.generation > first.generation


async def test_g6_extend_moves_the_end_of_the_lease(bench: Bench, accumulator: Accumulator) -> None:
    await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    bench.clock.advance(LEASE_S / 2)
    assert await accumulator.extend(batch, 3 * LEASE_S)
    bench.clock.advance(2 * LEASE_S)
    assert await accumulator.claim(0.0) is None
    bench.clock.advance(LEASE_S)
    assert job_ids(await claim(accumulator)) == ["a", "b"]


async def test_g6_a_returned_batch_comes_back_without_what_was_completed_or_withdrawn(
    bench: Bench, accumulator: Accumulator
) -> None:
    await enqueue_all(accumulator, *"abcd", capacity=4)
    batch = await claim(accumulator)
    await accumulator.complete(batch, [outcome("a")])
    await accumulator.withdraw("c")
    bench.clock.advance(LEASE_S)
    assert job_ids(await claim(accumulator)) == ["b", "d"]


async def test_g7_a_late_holder_is_refused_delivers_nothing_and_changes_nothing(bench: Bench, accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b")
    late = await claim(accumulator)
    bench.clock.advance(LEASE_S)
    present = await claim(accumulator)
    assert await accumulator.complete(late, outcomes(late)) == Settlement(frozenset(), stale=True)
    assert not await accumulator.extend(late, 100 * LEASE_S)
    assert not await accumulator.give_back(late)
    assert not any(future.done() for future in futures.values())
    bench.clock.advance(LEASE_S)  # the late holder's extension did nothing
    last = await claim(accumulator)
    assert last.attempt == 3
    assert await accumulator.complete(present, [outcome("a")]) == Settlement(frozenset(), stale=True)
    assert await accumulator.complete(last, outcomes(last)) == Settlement(frozenset("ab"))
    assert await result_of(futures["a"]) == outcome("a", label="a")


async def test_g7_the_holder_of_an_ended_lease_may_finish_while_nobody_else_has_taken_it(
    bench: Bench, accumulator: Accumulator
) -> None:
    """It has been paid for, and a generation fences exactly those whom somebody has overtaken."""
    futures = await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    bench.clock.advance(2 * LEASE_S)
    assert await accumulator.complete(batch, [outcome("a")]) == Settlement(frozenset("a"))
    assert await accumulator.extend(batch, LEASE_S)
    assert await accumulator.claim(0.0) is None
    assert await result_of(futures["a"]) == outcome("a")


async def test_g6_a_batch_given_back_is_ready_at_once_its_attempt_does_not_count_and_its_giver_is_late(
    accumulator: Accumulator,
) -> None:
    await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    assert await accumulator.complete(batch, [outcome("a")]) == Settlement(frozenset("a"))
    assert await accumulator.give_back(batch)
    assert not await accumulator.give_back(batch)
    assert await waiting(accumulator) == 1
    assert (await accumulator.complete(batch, [outcome("b")])).stale
    again = await claim(accumulator)
    assert (again.id, again.attempt, job_ids(again)) == (batch.id, 1, ["b"])


# --- G9: capacity ---


async def test_g9_over_capacity_is_refused_at_once_and_leaves_nothing_behind(bench: Bench) -> None:
    accumulator = await bench.start(max_pending=3)
    await enqueue_all(accumulator, "a", "b", "c", capacity=9)
    with pytest.raises(Problem) as refusal:
        await accumulator.enqueue(job("d", lane=lane(capacity=9)))
    assert refusal.value.kind is Kind.OVER_CAPACITY
    assert await accumulator.withdraw("d") is Withdrawal.GONE
    assert await waiting(accumulator) == 3
    await accumulator.withdraw("b")
    await enqueue_all(accumulator, "d", capacity=9)
    bench.clock.advance(1.0)
    assert job_ids(await claim(accumulator)) == ["a", "c", "d"]


async def test_g9_what_is_claimed_takes_no_room(bench: Bench) -> None:
    accumulator = await bench.start(max_pending=2)
    await enqueue_all(accumulator, "a", "b")
    await claim(accumulator)
    await enqueue_all(accumulator, "c", "d")
    assert await waiting(accumulator) == 2


# --- G10: draining ---


async def test_g10_draining_makes_everything_that_is_pending_ready_and_drops_nothing(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b", "c")
    await accumulator.enqueue(job("other", lane=lane("other")))
    await accumulator.drain()
    batches = await all_batches(accumulator)
    assert sorted(map(job_ids, batches)) == [["a", "b"], ["c"], ["other"]]
    assert sorted(batch.release for batch in batches) == [Release.DRAIN, Release.DRAIN, Release.FULL]
    for batch in batches:
        await accumulator.complete(batch, outcomes(batch))
    assert await result_of(futures["c"]) == outcome("c", label="c")


async def test_g10_after_draining_nothing_is_gathered_any_more(accumulator: Accumulator) -> None:
    await accumulator.drain()
    with pytest.raises(Problem) as refusal:
        await accumulator.enqueue(job())
    assert refusal.value.kind is Kind.SHUTTING_DOWN


# --- G13: leaving ---


async def test_g13_the_last_worker_that_leaves_finds_all_that_is_pending_ready(accumulator: Accumulator) -> None:
    futures = await enqueue_all(accumulator, "a", "b", "c")
    futures["other"] = await accumulator.enqueue(job("other", lane=lane("other")))
    assert await accumulator.leave()
    batches = await all_batches(accumulator)
    assert sorted(map(job_ids, batches)) == [["a", "b"], ["c"], ["other"]]
    for batch in batches:
        await accumulator.complete(batch, outcomes(batch))
    for name, future in futures.items():
        assert await result_of(future) == outcome(name, label=name)


# --- G11: jobs without time ---


async def test_g11_a_job_whose_time_has_run_out_is_never_claimed(bench: Bench, accumulator: Accumulator) -> None:
    await accumulator.enqueue(job("short", time_left_s=5.0))
    bench.clock.advance(1.0)
    await accumulator.enqueue(job("long", max_wait_s=9.0, time_left_s=50.0))
    bench.clock.advance(4.0)
    assert job_ids(await accumulator.claim(0.0)) == []
    bench.clock.advance(5.0)
    assert job_ids(await claim(accumulator)) == ["long"]


async def test_g11_nor_is_one_whose_time_ran_out_while_somebody_else_held_it(bench: Bench, accumulator: Accumulator) -> None:
    await accumulator.enqueue(job("short", time_left_s=LEASE_S / 2))
    await accumulator.enqueue(job("long", time_left_s=50.0))
    await claim(accumulator)
    bench.clock.advance(LEASE_S)
    assert job_ids(await claim(accumulator)) == ["long"]


async def test_g11_a_waiter_is_told_when_the_time_of_its_job_has_run_out(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    future = await accumulator.enqueue(job("a", time_left_s=0.05, max_wait_s=9.0))
    told = await result_of(future)
    assert isinstance(told.result, Failure)
    assert told.result.kind is Kind.DEADLINE_EXCEEDED
    assert await accumulator.withdraw("a") is Withdrawal.GONE


# --- waiting and closing, in real time ---


async def test_a_waiting_claim_is_woken_by_a_full_batch(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    claiming = asyncio.create_task(accumulator.claim(PATIENCE_S))
    await enqueue_all(accumulator, "a")
    await enqueue_all(accumulator, "b")
    assert job_ids(await claiming) == ["a", "b"]


async def test_a_waiting_claim_is_woken_by_the_time_of_a_job_that_came_later(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    await accumulator.enqueue(job("late", lane=lane("late"), max_wait_s=PATIENCE_S))
    claiming = asyncio.create_task(accumulator.claim(PATIENCE_S))
    await accumulator.enqueue(job("soon", lane=lane("soon"), max_wait_s=0.05))
    assert job_ids(await claiming) == ["soon"]


async def test_a_waiting_claim_is_woken_by_what_another_gives_back(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    await enqueue_all(accumulator, "a", "b")
    batch = await claim(accumulator)
    claiming = asyncio.create_task(accumulator.claim(PATIENCE_S))
    await accumulator.give_back(batch)
    assert job_ids(await claiming) == ["a", "b"]


async def test_a_waiting_claim_is_woken_by_draining(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    await accumulator.enqueue(job("a", max_wait_s=PATIENCE_S))
    claiming = asyncio.create_task(accumulator.claim(PATIENCE_S))
    await accumulator.drain()
    assert job_ids(await claiming) == ["a"]


async def test_a_claim_ends_with_nothing_when_its_time_is_over(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    assert await asyncio.wait_for(accumulator.claim(0.05), PATIENCE_S) is None


async def test_many_claims_at_once_share_what_there_is(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    claims = [asyncio.create_task(accumulator.claim(PATIENCE_S)) for _ in range(8)]
    for number in range(16):
        await accumulator.enqueue(job(f"{number}", lane=lane(f"tenant-{number // 2}")))
    batches = await asyncio.gather(*claims)
    assert sorted(int(name) for batch in batches for name in job_ids(batch)) == list(range(16))


async def test_closing_cancels_what_waits_and_ends_claims(bench: Bench) -> None:
    accumulator = await bench.start(clock=SystemClock())
    future = await accumulator.enqueue(job("a", max_wait_s=PATIENCE_S))
    claiming = asyncio.create_task(accumulator.claim(PATIENCE_S))
    await asyncio.sleep(0)
    await accumulator.close()
    assert future.cancelled()
    assert await claiming is None
    await accumulator.close()


async def test_what_waits_is_counted_by_task_wherever_it_waits(bench: Bench, accumulator: Accumulator) -> None:
    assert await accumulator.pending() == dict.fromkeys(Task, 0)
    for number, task in enumerate(Task):
        for tenant in ("one", "other"):
            await enqueue_many(accumulator, number + 1, lane(tenant, task=task, capacity=3))
    assert await accumulator.pending() == {Task.DETECT: 2, Task.CLASSIFY: 4, Task.MODERATE: 6}
    held = [await claim(accumulator) for _ in range(2)]
    assert [batch.lane.task for batch in held] == [Task.MODERATE] * 2
    assert await accumulator.pending() == {Task.DETECT: 2, Task.CLASSIFY: 4, Task.MODERATE: 0}
    await accumulator.give_back(held[0])
    assert await accumulator.pending() == {Task.DETECT: 2, Task.CLASSIFY: 4, Task.MODERATE: 3}


async def test_whose_time_has_run_out_no_longer_waits_for_its_task(bench: Bench, accumulator: Accumulator) -> None:
    for number, task in enumerate(Task):
        await accumulator.enqueue(job(lane=lane(task=task, capacity=4), time_left_s=10.0 * (number + 1)))
    bench.clock.advance(10.0)
    assert await accumulator.pending() == {Task.DETECT: 0, Task.CLASSIFY: 1, Task.MODERATE: 1}


async def test_as_many_as_fit_may_wait(bench: Bench, accumulator: Accumulator) -> None:
    for number in range(MAX_PENDING):
        await accumulator.enqueue(job(f"{number}"))
    assert await waiting(accumulator) == MAX_PENDING
    bench.clock.advance(1.0)
    assert len(await all_batches(accumulator)) == MAX_PENDING / 2
