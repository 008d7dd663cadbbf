"""What is lost or unreadable in Redis costs itself: its neighbours are answered, and whoever waits for it is told."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.accumulator.codec import encode_job, encode_outcome
from app.accumulator.contract import Withdrawal
from app.core.model import Failure
from app.errors import Kind
from tests.support.jobs import job, job_ids, lane, outcome, outcomes
from tests.support.redis_fleet import Fleet, claimed, result_of

pytestmark = pytest.mark.redis


async def test_a_job_whose_image_is_gone_fails_alone(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    futures = {name: await both.enqueue(job(name)) for name in "ab"}
    await client.delete(f"{fleet.tag}:image:a")
    batch = await claimed(both)
    assert job_ids(batch) == ["b"]
    told = (await result_of(futures["a"])).result
    assert isinstance(told, Failure)
    assert told.kind is Kind.ACCUMULATOR_UNAVAILABLE
    assert (await both.complete(batch, outcomes(batch))).delivered == {"b"}
    assert await result_of(futures["b"]) == outcome("b", label="b")


async def test_a_job_that_cannot_be_read_fails_alone_and_stops_nobody(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    future = await both.enqueue(job("a", lane=lane(capacity=1)))
    await client.set(f"{fleet.tag}:image:a", b"TS\x09", keepttl=True)
    assert await both.claim(0.0) is None
    assert isinstance((await result_of(future)).result, Failure)


async def test_damaged_and_mixed_up_images_cost_themselves_and_no_neighbour(fleet: Fleet, client: Redis) -> None:
    both = await fleet.both()
    whole = lane(capacity=4)
    futures = {name: await both.enqueue(job(name, lane=whole)) for name in ("well", "bent", "cut", "mixed")}
    for name, payload in {
        "bent": encode_job(job("bent", lane=whole)).replace(b"tenant", b"tenent"),
        "cut": encode_job(job("cut", lane=whole))[:-1],
        "mixed": encode_job(job("somebody else's", lane=lane("other"))),
    }.items():
        await client.set(f"{fleet.tag}:image:{name}", payload, keepttl=True)
    batch = await claimed(both)
    assert job_ids(batch) == ["well"]
    await both.complete(batch, outcomes(batch))
    assert await result_of(futures.pop("well")) == outcome("well", label="well")
    for future in futures.values():
        told = (await result_of(future)).result
        assert isinstance(told, Failure)
        assert told.kind is Kind.ACCUMULATOR_UNAVAILABLE


async def test_an_outcome_that_is_damaged_is_a_failure_for_whoever_looks_for_it(fleet: Fleet, client: Redis) -> None:
    """Found by a withdrawal, before the reply list told of it."""
    both = await fleet.both()
    future = await both.enqueue(job("a", lane=lane(capacity=1)))
    lose_reply = "redis.call('HDEL', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], 'damaged', 'PX', 30000)"
    await client.eval(lose_reply, 2, f"{fleet.tag}:jobs", f"{fleet.tag}:outcome:a", "a")
    assert await both.withdraw("a", only_pending=True) is Withdrawal.GONE
    assert isinstance((await result_of(future)).result, Failure)


async def test_a_reply_that_got_lost_costs_one_look(fleet: Fleet, client: Redis) -> None:
    """As when it was popped into a connection that broke at that moment."""
    both = await fleet.both()
    future = await both.enqueue(job("a", lane=lane(capacity=1)))
    batch = await claimed(both)
    lose_reply = "redis.call('HDEL', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], ARGV[2], 'PX', 30000)"
    tag = fleet.tag
    await client.eval(lose_reply, 2, f"{tag}:jobs", f"{tag}:outcome:a", job_ids(batch)[0], encode_outcome(outcome("a")))
    assert await result_of(future) == outcome("a")
