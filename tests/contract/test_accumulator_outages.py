"""The Redis accumulator when Redis misbehaves: every call ends in its own time, nothing is lost for ever, all comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from app.accumulator.contract import Withdrawal
from app.accumulator.redis import RedisAccumulator
from app.core.model import Batch, Failure
from app.errors import Kind, Problem
from tests.support.claims import waiting
from tests.support.jobs import job, job_ids, lane, outcome, outcomes
from tests.support.redis_fleet import PATIENCE_S, QUICK, Fleet, claimed, eventually, gathers_again, result_of
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.redis

# What a call may take on top of its own limit on a busy machine, seconds.
SLACK_S = 5.0


@pytest.fixture
async def fleet(server: RedisServer) -> AsyncIterator[Fleet]:
    async with Fleet(server.url) as ships:
        yield ships


async def problem_of(call: Coroutine[Any, Any, object], limit_s: float = QUICK.call_s) -> Kind:
    """The kind of problem that the call ends with, which it does within its limit."""
    with pytest.raises(Problem) as raised:
        async with asyncio.timeout(limit_s + SLACK_S):
            await call
    return raised.value.kind


# --- a server that is not there ---


async def test_starting_without_a_server_says_so_and_comes_good_by_itself(server: RedisServer, fleet: Fleet) -> None:
    server.kill()
    both = fleet.build()
    assert await problem_of(both.start()) is Kind.ACCUMULATOR_UNAVAILABLE
    assert not both.is_listening
    assert await problem_of(both.enqueue(job())) is Kind.ACCUMULATOR_UNAVAILABLE
    assert await problem_of(both.claim(0.0)) is Kind.ACCUMULATOR_UNAVAILABLE
    server.launch()
    await gathers_again(both, both)
    assert both.is_listening


async def test_a_claim_waits_through_an_outage(server: RedisServer, fleet: Fleet) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    claiming = asyncio.create_task(worker.claim(PATIENCE_S))
    server.restart_empty()

    async def is_admitted() -> bool:
        try:
            await api.enqueue(job("a", lane=lane(capacity=1)))
        except Problem:
            return False
        return True

    await eventually(is_admitted)
    assert job_ids(await claiming) == ["a"]


async def test_a_claim_without_a_server_tells_when_its_time_is_over(server: RedisServer, fleet: Fleet) -> None:
    worker = await fleet.worker()
    server.kill()
    began_s = time.monotonic()
    assert await problem_of(worker.claim(0.5)) is Kind.ACCUMULATOR_UNAVAILABLE
    assert time.monotonic() - began_s > 0.4


# --- a server that comes back empty ---


async def test_what_a_restarted_server_has_forgotten_is_told_to_those_who_wait(server: RedisServer, fleet: Fleet) -> None:
    """They need not wait for their time-outs: their images can be sent alone at once."""
    both = await fleet.both()
    pending = await both.enqueue(job("pending", max_wait_s=PATIENCE_S))
    under_way = await both.enqueue(job("under way", lane=lane(capacity=1)))
    batch = await claimed(both)
    server.restart_empty()
    for future in (pending, under_way):
        told = (await result_of(future)).result
        assert isinstance(told, Failure)
        assert told.kind is Kind.ACCUMULATOR_UNAVAILABLE
    assert (await both.complete(batch, outcomes(batch))).stale
    assert not await both.extend(batch, 10.0)
    assert await both.withdraw("pending") is Withdrawal.GONE
    await gathers_again(both, both)


async def test_several_processes_find_each_other_again_after_a_restart(server: RedisServer, fleet: Fleet) -> None:
    api, other, worker = await fleet.api(), await fleet.api(), await fleet.worker()
    server.restart_empty()
    await gathers_again(api, worker)
    await gathers_again(other, worker)


async def test_a_server_that_has_forgotten_the_scripts_is_taught_again(server: RedisServer, fleet: Fleet) -> None:
    both = await fleet.both()
    async with Redis.from_url(server.url) as client:
        await client.script_flush()
        future = await both.enqueue(job("a", lane=lane(capacity=1)))
        await client.script_flush()
        batch = await claimed(both)
        await client.script_flush()
        await both.complete(batch, outcomes(batch))
    assert await result_of(future) == outcome("a", label="a")


# --- a server that is frozen ---


CALLS: dict[str, Callable[[RedisAccumulator, Batch], Coroutine[Any, Any, object]]] = {
    "enqueue": lambda both, _batch: both.enqueue(job()),
    "withdraw": lambda both, _batch: both.withdraw("pending"),
    "claim": lambda both, _batch: both.claim(0.0),
    "extend": lambda both, batch: both.extend(batch, 10.0),
    "give_back": lambda both, batch: both.give_back(batch),
    "drain": lambda both, _batch: both.drain(),
    "pending": lambda both, _batch: both.pending(),
}


async def test_every_call_to_a_frozen_server_ends_in_its_time_and_all_comes_back(server: RedisServer, fleet: Fleet) -> None:
    """All at the same time: none waits for another."""
    both, other = await fleet.both(), await fleet.both()
    await both.enqueue(job("pending", max_wait_s=PATIENCE_S))
    await both.enqueue(job("under way", lane=lane(capacity=1)))
    batch = await claimed(both)
    server.freeze()
    try:
        kinds = await asyncio.gather(*(problem_of(call(both, batch)) for call in CALLS.values()))
        assert dict(zip(CALLS, kinds, strict=True)) == dict.fromkeys(CALLS, Kind.ACCUMULATOR_UNAVAILABLE)
    finally:
        server.thaw()
    await gathers_again(other, other)


async def test_a_process_closes_in_its_time_although_the_server_is_frozen(server: RedisServer) -> None:
    async with Fleet(server.url) as fleet:
        both = await fleet.both()
        await both.enqueue(job())
        server.freeze()
        try:
            async with asyncio.timeout(3 * QUICK.call_s + SLACK_S):
                await both.close()
        finally:
            server.thaw()


async def test_an_image_that_a_frozen_server_had_in_its_buffers_is_not_paid_for_afterwards(
    server: RedisServer, fleet: Fleet
) -> None:
    """The enqueue failed, the image was sent alone; when the server wakes up it admits the job all the same."""
    both = await fleet.both()
    server.freeze()
    assert await problem_of(both.enqueue(job("late", max_wait_s=PATIENCE_S))) is Kind.ACCUMULATOR_UNAVAILABLE
    server.thaw()
    await gathers_again(both, both)

    async def nothing_waits() -> bool:
        return await waiting(both) == 0

    await eventually(nothing_waits)
    assert await both.claim(0.0) is None


async def test_a_batch_that_a_frozen_server_handed_to_nobody_comes_back(server: RedisServer, fleet: Fleet) -> None:
    """The claim failed; the server leased the batch when it woke up. It must not be hidden until the lease ends."""
    both = await fleet.both()
    future = await both.enqueue(job("a", lane=lane(capacity=1)))
    server.freeze()
    assert await problem_of(both.claim(0.0)) is Kind.ACCUMULATOR_UNAVAILABLE
    server.thaw()
    batch = await claimed(both)
    assert job_ids(batch) == ["a"]
    await both.complete(batch, outcomes(batch))
    assert await result_of(future) == outcome("a", label="a")


async def test_an_outcome_that_was_paid_for_outlasts_a_frozen_server(server: RedisServer, fleet: Fleet) -> None:
    both = await fleet.both()
    future = await both.enqueue(job("a", lane=lane(capacity=1)))
    batch = await claimed(both)
    server.freeze()
    completing = asyncio.create_task(both.complete(batch, outcomes(batch)))
    await asyncio.wait({completing}, timeout=1.5 * QUICK.call_s)
    assert not completing.done()
    server.thaw()
    await completing
    assert await result_of(future) == outcome("a", label="a")


async def test_an_outcome_that_cannot_be_delivered_is_given_up_in_its_time(server: RedisServer) -> None:
    hasty = replace(QUICK, deliver_s=1.0)
    async with Fleet(server.url, limits=hasty) as fleet:
        both = await fleet.both()
        await both.enqueue(job("a", lane=lane(capacity=1)))
        batch = await claimed(both)
        server.kill()
        assert await problem_of(both.complete(batch, outcomes(batch)), hasty.deliver_s) is Kind.ACCUMULATOR_UNAVAILABLE


# --- a server that refuses some commands ---


async def test_a_server_that_has_become_a_replica_is_left_for_the_one_behind_the_address(
    server: RedisServer, fleet: Fleet
) -> None:
    """Connections stay open at a failover; only the error tells. Afterwards none of the old ones is in use."""
    both = await fleet.both()
    async with Redis.from_url(server.url) as client:
        before = {entry["id"] for entry in await client.client_list()}
        await client.replicaof("127.0.0.1", "1")
        assert await problem_of(both.enqueue(job())) is Kind.ACCUMULATOR_UNAVAILABLE
        await client.replicaof("NO", "ONE")
        await gathers_again(both, both)
        ours = await client.client_id()
        assert {entry["id"] for entry in await client.client_list()} & before == {f"{ours}"}


async def test_a_server_that_does_not_show_its_settings_is_used_all_the_same() -> None:
    """Managed ones forbid CONFIG."""
    server = RedisServer.start("--rename-command", "CONFIG", "")
    try:
        async with Fleet(server.url) as fleet:
            both = await fleet.both()
            await gathers_again(both, both)
    finally:
        server.stop()


async def test_a_batch_whose_images_cannot_be_read_is_given_back() -> None:
    server = RedisServer.start("--rename-command", "MGET", "")
    try:
        async with Fleet(server.url) as fleet:
            both = await fleet.both()
            await both.enqueue(job("a", lane=lane(capacity=1)))
            assert await problem_of(both.claim(0.0)) is Kind.ACCUMULATOR_UNAVAILABLE

            async def is_back() -> bool:
                return await waiting(both) == 1

            await eventually(is_back)
    finally:
        server.stop()


# --- connections that drop ---


async def test_dropped_connections_cost_nothing_that_was_under_way(server: RedisServer, fleet: Fleet) -> None:
    """Claims that wait, replies that are listened for, idle connections: all are replaced without anybody noticing."""
    api, worker = await fleet.api(), await fleet.worker()
    async with Redis.from_url(server.url) as client:
        for number in range(5):
            name = f"{number}"
            claiming = asyncio.create_task(worker.claim(PATIENCE_S))
            future = None
            while future is None:
                await client.client_kill_filter(_type="normal", skipme=True)
                try:
                    future = await api.enqueue(job(name, lane=lane(capacity=1)))
                except Problem:
                    await asyncio.sleep(0.01)
            batch = await claiming
            assert job_ids(batch) == [name]
            assert batch is not None
            await client.client_kill_filter(_type="normal", skipme=True)
            await worker.complete(batch, outcomes(batch))
            assert await result_of(future) == outcome(name, label=name)


async def test_under_dropping_connections_every_image_gets_exactly_one_answer(server: RedisServer, fleet: Fleet) -> None:
    """Two API processes, two workers, and somebody who cuts all connections ten times: an answer or a refusal for each."""
    apis, workers = [await fleet.api() for _ in range(2)], [await fleet.worker() for _ in range(2)]
    answers: dict[str, int] = {}

    async def ask(api: RedisAccumulator, name: str) -> None:
        try:
            future = await api.enqueue(job(name, max_wait_s=0.05))
        except Problem:
            answers[name] = answers.get(name, 0) + 1
            return
        got = await result_of(future)
        assert got.job_id == name
        answers[name] = answers.get(name, 0) + 1

    async def work(worker: RedisAccumulator) -> None:
        while True:
            try:
                batch = await worker.claim(0.5)
                if batch is not None:
                    await worker.complete(batch, outcomes(batch))
            except Problem:
                await asyncio.sleep(0.01)

    working = [asyncio.create_task(work(worker)) for worker in workers]
    names = [f"{number}" for number in range(200)]
    async with Redis.from_url(server.url) as client, asyncio.timeout(2 * PATIENCE_S), asyncio.TaskGroup() as tasks:
        for number, name in enumerate(names):
            tasks.create_task(ask(apis[number % 2], name))
            await asyncio.sleep(0.005)
            if number % 20 == 19:
                await client.client_kill_filter(_type="normal", skipme=True)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    assert answers == dict.fromkeys(names, 1)
