"""What the Redis accumulator adds to the contract, with a server in good health: keys, processes, wake-ups, cancellation."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.accumulator.contract import Accumulator, Withdrawal
from app.accumulator.keys import OTHER_KEYS, SHARD_KEYS, KeySpec
from app.accumulator.limits import Limits
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clock import SystemClock
from app.core.model import Batch, Release
from app.errors import Kind, Problem
from tests.support.claims import waiting
from tests.support.jobs import job, job_ids, lane, outcome, outcomes
from tests.support.redis_fleet import PATIENCE_S, QUICK, Fleet, claimed, eventually, result_of
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.redis

# A flush that is later than this on an idle machine would be felt by clients; this one is busy, seconds.
LATEST_FLUSH_S = 0.15


# --- keys ---


def spec_of(name: str) -> KeySpec:
    """The row of the table that a key belongs to."""
    kind = re.sub(r"^\{.*?\}:", "", name).split(":")[0]
    return next(spec for spec in SHARD_KEYS + OTHER_KEYS if spec.name.split(":")[0] == kind)


async def test_keys_have_the_type_and_at_most_the_time_to_live_of_the_table(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    for _ in range(3):
        await both.enqueue(job(time_left_s=60.0))
    batch = await claimed(both)
    await fleet.api()
    await both.complete(batch, [outcome(batch.items[0].job.id)])
    seen = set()
    async for raw in client.scan_iter():
        name = raw.decode()
        spec = spec_of(name)
        seen.add(spec.name)
        assert await client.type(raw) == spec.type.encode(), name
        assert 0 < await client.ttl(raw) <= (spec.ttl_s or 75.0), name
    assert seen >= {"queue", "due", "lanes", "jobs", "deadlines", "leases", "batches", "workers", "sequence", "image:<job>"}


async def test_when_all_is_done_no_job_leaves_anything_behind(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    futures = [await both.enqueue(job()) for _ in range(4)]
    await both.enqueue(job("withdrawn"))
    await both.withdraw("withdrawn")
    for _ in range(2):
        batch = await claimed(both)
        await both.complete(batch, outcomes(batch))
    for future in futures:
        await result_of(future)

    async def only_the_lane_is_remembered() -> bool:
        kinds = {spec_of(name.decode()).name async for name in client.scan_iter()}
        return kinds <= {"workers", "sequence", "rate:<lane>", "wake"}

    await eventually(only_the_lane_is_remembered)


async def test_images_lie_under_keys_of_their_own(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    image = b"\xff\xd8" + bytes(100_000)
    await both.enqueue(job("a", image=image))
    holding = [name async for name in client.scan_iter() if (await client.memory_usage(name) or 0) > 50_000]
    assert holding == [f"{fleet.tag}:image:a".encode()]


@pytest.mark.parametrize("name", [spec.name for spec in SHARD_KEYS if spec.name != "workers"])  # back at the next heartbeat
async def test_a_key_that_the_store_has_evicted_costs_what_it_held_and_nothing_more(
    fleet: Fleet, client: Redis, name: str
) -> None:
    """Some managed stores evict keys by themselves. Whatever is gone, the next images are gathered as if nothing had been."""
    both = await fleet.both()
    await both.enqueue(job("claimed", lane=lane(capacity=1)))
    held = await claimed(both)
    await both.enqueue(job("pending", lane=lane(capacity=3)))
    await client.delete(f"{fleet.tag}:{name}")
    future = await both.enqueue(job("next", lane=lane("other", capacity=1)))
    batch = await claimed(both)
    while "next" not in job_ids(batch):
        batch = await claimed(both)
    await both.complete(batch, outcomes(batch))
    assert await result_of(future) == outcome("next", label="next")
    for job_id in ("claimed", "pending"):  # nobody waits for what is lost until its time is up
        if job_id not in (await both.complete(held, outcomes(held))).delivered:
            assert await both.withdraw(job_id, only_pending=True) in {Withdrawal.PENDING, Withdrawal.GONE}
    assert await waiting(both) == 0


async def test_works_over_a_unix_socket(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.unix_url) as fleet:
        both = await fleet.both()
        future = await both.enqueue(job("a", lane=lane(capacity=1)))
        await both.complete(await claimed(both), [outcome("a")])
        assert await result_of(future) == outcome("a")


# --- processes ---


async def test_images_of_different_processes_share_batches_and_outcomes_find_their_way_home(fleet: Fleet) -> None:
    one, other, worker = await fleet.api(), await fleet.api(), await fleet.worker()
    claiming = asyncio.create_task(claimed(worker))
    futures = [await one.enqueue(job("a")), await other.enqueue(job("b"))]
    batch = await claiming
    assert (job_ids(batch), batch.release) == (["a", "b"], Release.FULL)
    await worker.complete(batch, outcomes(batch))
    assert [await result_of(future) for future in futures] == [outcome("a", label="a"), outcome("b", label="b")]


async def test_draining_concerns_lanes_with_jobs_of_the_process_that_drains(fleet: Fleet) -> None:
    leaving, staying, worker = await fleet.api(), await fleet.api(), await fleet.worker()
    await staying.enqueue(job("other", lane=lane("other"), max_wait_s=PATIENCE_S))
    await leaving.enqueue(job("mine", max_wait_s=PATIENCE_S))
    await leaving.drain()
    assert job_ids(await claimed(worker)) == ["mine"]
    assert await worker.claim(0.0) is None


async def test_a_worker_that_leaves_leaves_the_rest_to_another_one(fleet: Fleet) -> None:
    """What waits has time to find company, as long as anybody is there to claim it."""
    api, leaving, staying = await fleet.api(), await fleet.worker(), await fleet.worker()
    await api.enqueue(job("a", max_wait_s=PATIENCE_S))
    assert not await leaving.leave()
    assert await leaving.claim(0.0) is None
    await api.enqueue(job("b", max_wait_s=PATIENCE_S))
    assert job_ids(await claimed(staying)) == ["a", "b"]
    assert await staying.leave()
    with pytest.raises(Problem) as refusal:
        await api.enqueue(job("c"))
    assert refusal.value.kind is Kind.NO_WORKER


async def test_a_job_that_one_process_withdraws_is_gone_for_the_worker_of_another(fleet: Fleet) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    await api.enqueue(job("a", max_wait_s=0.05))
    assert await api.withdraw("a") is Withdrawal.PENDING
    assert await worker.claim(0.1) is None


async def test_an_api_process_alone_is_told_that_no_worker_is_alive(fleet: Fleet) -> None:
    api = await fleet.api()
    with pytest.raises(Problem) as refusal:
        await api.enqueue(job())
    assert refusal.value.kind is Kind.NO_WORKER
    assert await waiting(api) == 0


async def test_a_worker_counts_from_its_start_and_no_longer_than_to_its_end(fleet: Fleet) -> None:
    """It need not have claimed anything yet: the first image after a start must not find nobody."""
    api, worker = await fleet.api(), await fleet.worker()
    await api.enqueue(job())
    await worker.close()
    with pytest.raises(Problem) as refusal:
        await api.enqueue(job())
    assert refusal.value.kind is Kind.NO_WORKER


async def test_a_claim_in_progress_counts_as_alive_however_long_it_lasts(fleet: Fleet) -> None:
    api = await fleet.api()
    worker = fleet.build(intake=False, limits=Limits(beat_s=0.05, worker_ttl_s=0.5))
    await worker.start()
    claiming = asyncio.create_task(worker.claim(PATIENCE_S))
    await asyncio.sleep(1.0)  # twice the time after which a silent worker counts as dead
    await api.enqueue(job("a", max_wait_s=0.0))
    assert job_ids(await claiming) == ["a"]


async def test_closing_takes_waiting_jobs_along_so_that_nobody_pays_for_them(fleet: Fleet) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    future = await api.enqueue(job("a"))
    await api.close()
    assert future.cancelled()
    assert await waiting(worker) == 0


async def test_outcomes_for_a_process_that_is_gone_harm_nobody(fleet: Fleet) -> None:
    """It went without closing: its outcomes wait for it for a short while, and expire."""
    gone, worker = await fleet.api(), await fleet.worker()
    await gone.enqueue(job("a", lane=lane(capacity=1)))
    batch = await claimed(worker)
    await gone._tasks.close()
    assert (await worker.complete(batch, outcomes(batch))).delivered == {"a"}


# --- waking ---


async def test_no_wake_up_is_lost_among_many_claimers_that_come_and_go(fleet: Fleet) -> None:
    """Every image leaves soon after its flush time although claims are cancelled and run out of time all the while."""
    api = await fleet.api()
    workers = [await fleet.worker() for _ in range(3)]
    seen: asyncio.Queue[str] = asyncio.Queue()
    lateness_s: list[float] = []
    due_s: dict[str, float] = {}

    async def claim_for_ever(worker: RedisAccumulator, wait_s: float) -> None:
        while True:
            batch = await worker.claim(wait_s)
            for item in batch.items if batch else ():
                lateness_s.append(time.monotonic() - due_s[item.job.id])
                seen.put_nowait(item.job.id)
            if batch:
                await worker.complete(batch, outcomes(batch))

    async def cancel_for_ever(worker: RedisAccumulator) -> None:
        while True:
            task = asyncio.create_task(worker.claim(PATIENCE_S))
            await asyncio.wait({task}, timeout=0.03)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            if result is not None and not isinstance(result, BaseException):
                await worker.give_back(result)

    steady = [
        asyncio.create_task(claim_for_ever(worker, wait_s)) for worker, wait_s in zip(workers, (5.0, 0.07, 0.05), strict=True)
    ]
    fickle = [asyncio.create_task(cancel_for_ever(worker)) for worker in workers]
    names = [f"{number}" for number in range(60)]
    for number, name in enumerate(names):
        due_s[name] = time.monotonic() + 0.1
        await api.enqueue(job(name, lane=lane(f"tenant-{number}", capacity=9), max_wait_s=0.1))
        await asyncio.sleep(0.02)
    async with asyncio.timeout(PATIENCE_S):
        assert {await seen.get() for _ in names} == set(names)
    for task in steady + fickle:
        task.cancel()
    await asyncio.gather(*steady, *fickle, return_exceptions=True)
    assert sorted(lateness_s)[len(lateness_s) // 2] < LATEST_FLUSH_S


async def test_a_flush_that_is_due_is_claimed_close_to_its_time(fleet: Fleet) -> None:
    both = await fleet.both()
    lateness_s: list[float] = []
    for _ in range(5):
        claiming = asyncio.create_task(claimed(both))
        await both.enqueue(job(lane=lane(f"tenant-{len(lateness_s)}"), max_wait_s=0.1))
        began_s = time.monotonic()
        await claiming
        lateness_s.append(time.monotonic() - began_s - 0.1)
    assert min(lateness_s) > -0.05
    assert sorted(lateness_s)[2] < LATEST_FLUSH_S


# Two of a claim's blocks, and of a process's beats.
IDLE_S = 2.0


async def test_waiting_is_no_polling(redis_server: RedisServer, client: Redis) -> None:
    """An idle process blocks: a handful of commands a second, however many claims wait."""
    async with Fleet(redis_server.url, limits=Limits()) as fleet:
        both = await fleet.both()
        claims = [asyncio.create_task(both.claim(IDLE_S)) for _ in range(3)]
        before = (await client.info("stats"))["total_commands_processed"]
        await asyncio.gather(*claims)
        after = (await client.info("stats"))["total_commands_processed"]
    # Per second: 3 looks, 1 beat, 2 blocks end, and what they cost inside the scripts.
    assert after - before < IDLE_S * 60


async def test_the_end_of_a_lease_is_noticed_by_those_who_wait(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url, lease_s=0.3) as fleet:
        holder, other = await fleet.both(), await fleet.worker()
        await holder.enqueue(job("a", lane=lane(capacity=1)))
        await claimed(holder)
        again = await claimed(other)
        assert (job_ids(again), again.attempt) == (["a"], 2)


async def test_shards_are_claimed_from_in_the_order_of_their_flush_times(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url, shards=5) as fleet:
        both = await fleet.both()
        waits_s = [0.05, 0.04, 0.03, 0.02, 0.01, 0.0]
        for number, wait_s in enumerate(waits_s):
            await both.enqueue(job(f"{wait_s}", lane=lane(f"tenant-{number}"), max_wait_s=wait_s))
        await asyncio.sleep(0.1)
        assert [job_ids(await claimed(both))[0] for _ in waits_s] == [f"{wait_s}" for wait_s in sorted(waits_s)]


# --- cancellation ---


async def is_cancelled(call: Coroutine[Any, Any, object], steps: int) -> bool:
    """Cancel the call after so many steps of the loop. False when it had ended before that."""
    task = asyncio.create_task(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    return isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)


ACCUMULATORS = ["memory", "redis"]
CANCEL_STEPS = [0, 1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30, 50]


@pytest.fixture(params=ACCUMULATORS)
async def either(request: pytest.FixtureRequest, fleet: Fleet) -> AsyncIterator[Accumulator]:
    if request.param == "redis":
        yield await fleet.both()
        return
    memory = MemoryAccumulator(SystemClock(), max_pending=1000, lease_s=30.0)
    yield memory
    await memory.close()


async def nothing_is_pending(accumulator: Accumulator) -> None:
    async def holds() -> bool:
        return await waiting(accumulator) == 0

    await eventually(holds)


async def test_an_enqueue_that_is_cancelled_leaves_no_job_behind(either: Accumulator) -> None:
    """Wherever it is cancelled, nobody waits for the job any more, so nobody may pay for it."""
    for steps in CANCEL_STEPS:
        one = job(lane=lane("cancelled", capacity=99), max_wait_s=PATIENCE_S)
        if not await is_cancelled(either.enqueue(one), steps):
            await either.withdraw(one.id)
        await nothing_is_pending(either)


async def test_a_claim_that_is_cancelled_loses_no_batch(either: Accumulator) -> None:
    for steps in CANCEL_STEPS:
        await either.enqueue(job(f"{steps}", lane=lane(capacity=1)))
        got: asyncio.Queue[Batch | None] = asyncio.Queue()

        async def claim(got: asyncio.Queue[Batch | None] = got) -> None:
            got.put_nowait(await either.claim(PATIENCE_S))

        if await is_cancelled(claim(), steps):
            got.put_nowait(await either.claim(PATIENCE_S))
        assert job_ids(got.get_nowait()) == [f"{steps}"]


async def test_a_completion_that_is_cancelled_delivers_all_the_same(either: Accumulator) -> None:
    """It has been paid for. Only one that had not even begun is the holder's to repeat."""
    for steps in CANCEL_STEPS:
        name = f"{steps}"
        future = await either.enqueue(job(name, lane=lane(capacity=1)))
        batch = await either.claim(PATIENCE_S)
        assert batch is not None
        if await is_cancelled(either.complete(batch, outcomes(batch)), steps) and steps == 0:
            await either.complete(batch, outcomes(batch))
        assert await result_of(future) == outcome(name, label=name)


async def test_a_withdrawal_that_is_cancelled_withdraws_all_the_same(either: Accumulator) -> None:
    for steps in CANCEL_STEPS:
        name = f"{steps}"
        future = await either.enqueue(job(name, lane=lane(capacity=99), max_wait_s=PATIENCE_S))
        if await is_cancelled(either.withdraw(name), steps) and steps == 0:
            await either.withdraw(name)
        await nothing_is_pending(either)
        assert future.cancelled()


async def test_a_look_that_is_cancelled_loses_no_outcome(either: Accumulator) -> None:
    """It has been paid for, and is on its way to whoever waits."""
    for steps in CANCEL_STEPS:
        name = f"{steps}"
        future = await either.enqueue(job(name, lane=lane(capacity=1)))
        batch = await either.claim(PATIENCE_S)
        assert batch is not None
        await asyncio.gather(
            either.complete(batch, outcomes(batch)), is_cancelled(either.withdraw(name, only_pending=True), steps)
        )
        assert await result_of(future) == outcome(name, label=name)


async def test_extending_and_giving_back_may_be_cancelled_anywhere(either: Accumulator) -> None:
    await either.enqueue(job("a", lane=lane(capacity=1)))
    for steps in CANCEL_STEPS:
        batch = await either.claim(PATIENCE_S)
        assert batch is not None
        await is_cancelled(either.extend(batch, 30.0), steps)
        if await is_cancelled(either.give_back(batch), steps) and steps == 0:
            await either.give_back(batch)


async def test_complete_takes_only_what_claim_has_given(fleet: Fleet) -> None:
    both = await fleet.both()
    memory = MemoryAccumulator(SystemClock(), max_pending=1, lease_s=1.0)
    await memory.enqueue(job("a", lane=lane(capacity=1)))
    foreign = await memory.claim(0.0)
    assert foreign is not None
    with pytest.raises(TypeError):
        await both.complete(foreign, [])
    await memory.close()


# --- memory ---


async def test_a_server_that_may_throw_images_away_is_warned_of(fleet: Fleet, client: Redis) -> None:
    await client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with capture_logs() as lines:
            await fleet.api()
    finally:
        await client.config_set("maxmemory-policy", "noeviction")
    assert [(line["log_level"], line["policy"]) for line in lines if "policy" in line] == [("warning", "allkeys-lru")]


async def test_at_its_memory_limit_redis_refuses_images_but_what_makes_room_goes_on(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    futures = [await both.enqueue(job(name, lane=lane(capacity=1), image=bytes(10_000))) for name in "ab"]
    await both.enqueue(job("waiting", max_wait_s=PATIENCE_S))
    held = await claimed(both)
    await client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Problem) as refusal:
            await both.enqueue(job("c"))
        assert refusal.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
        await both.complete(held, outcomes(held))
        batch = await claimed(both)
        assert await both.extend(batch, 10.0)
        assert await both.give_back(batch)
        batch = await claimed(both)
        await both.complete(batch, outcomes(batch))
        assert [(await result_of(future)).job_id for future in futures] == ["a", "b"]
        assert await both.withdraw("waiting") is Withdrawal.PENDING
        await both.drain()
        assert await waiting(both) == 0
    finally:
        await client.config_set("maxmemory", "0")


async def test_a_process_that_is_built_and_never_started_closes_quietly(fleet: Fleet) -> None:
    never = fleet.build(limits=QUICK)
    assert not never.is_listening
    with pytest.raises(Problem):
        await never.enqueue(job())
