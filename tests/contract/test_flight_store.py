"""The flight store, by the numbers of its guarantees: memory and Redis do what the pure `Flights` does."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest
from redis.asyncio import Redis

from app.accumulator.contract import FlightStore
from app.accumulator.keys import FLIGHT_LEASES, ShardKeys
from app.accumulator.limits import Limits
from app.accumulator.memory_flights import MemoryFlights
from app.accumulator.redis import RedisAccumulator
from app.clock import ManualClock
from app.core.flights import DETECTION_BYTES, Begun, Flight, Flights, How, Keep, Standing
from app.core.model import Outcome
from app.errors import Kind, Problem
from tests.contract.conftest import Bench
from tests.support.jobs import outcome
from tests.support.redis_fleet import PATIENCE_S, QUICK, Fleet
from tests.support.redis_server import RedisServer

LEASE_S = 4.0
KEEP_S = 20.0
KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4)]
KEY = KEYS[0]
FOUND = outcome("job")
# What a call may take on top of its own limit on a busy machine, seconds.
SLACK_S = 5.0
MINE = Begun(Standing.MINE)


def asker(token: str, retry_id: str = "", key: str = KEY) -> Flight:
    return Flight(key, token, frozenset(filter(None, [retry_id])))


@pytest.fixture
async def store(bench: Bench) -> FlightStore:
    return (await bench.start()).flights


async def came_by(store: FlightStore, flight: Flight) -> How | Standing:
    """How the flight's asker came by the outcome, which is the right one; or where it stands."""
    begun = await store.begin(flight, LEASE_S)
    if begun.standing is not Standing.FINISHED:
        return begun.standing
    assert begun.outcome == FOUND
    return begun.how


async def test_f1_one_leads_and_the_others_are_told_for_how_long(store: FlightStore) -> None:
    first, *others = await asyncio.gather(*(store.begin(asker(f"{number}"), LEASE_S) for number in range(5)))
    assert first == MINE
    assert others == [Begun(Standing.THEIRS, left_s=LEASE_S)] * 4
    assert await store.begin(asker("another", key=KEYS[1]), LEASE_S) == MINE


async def test_f2_a_lease_is_extended_by_its_leader_only_and_the_next_leads_after_its_end(
    store: FlightStore, bench: Bench
) -> None:
    await store.begin(asker("a"), LEASE_S)
    await store.begin(asker("b"), LEASE_S)
    bench.clock.advance(LEASE_S - 1)
    assert await store.extend(asker("a"), LEASE_S)
    assert not await store.extend(asker("b"), LEASE_S)
    bench.clock.advance(LEASE_S - 1)
    assert await store.begin(asker("b"), LEASE_S) == Begun(Standing.THEIRS, left_s=1.0)
    bench.clock.advance(1.0)
    assert await store.begin(asker("b"), LEASE_S) == MINE
    assert not await store.extend(asker("a"), LEASE_S)


async def test_f3_a_late_leader_s_outcome_is_refused_and_changes_nothing(store: FlightStore, bench: Bench) -> None:
    await store.begin(asker("a"), LEASE_S)
    bench.clock.advance(LEASE_S)
    assert not await store.finish(asker("nobody"), FOUND, Keep.CACHE, KEEP_S)
    await store.begin(asker("b"), LEASE_S)
    assert not await store.finish(asker("a"), FOUND, Keep.CACHE, KEEP_S)
    assert await store.begin(asker("c"), LEASE_S) == Begun(Standing.THEIRS, left_s=LEASE_S)
    assert await store.finish(asker("b"), FOUND, Keep.CACHE, KEEP_S)
    assert not await store.finish(asker("b"), outcome("other"), Keep.CACHE, KEEP_S)
    assert await came_by(store, asker("c")) is How.FLIGHT


@pytest.mark.parametrize(
    ("keep", "waiting", "same_id", "equal"),
    [
        (Keep.WAITING, How.FLIGHT, Standing.MINE, Standing.THEIRS),
        (Keep.RETURNING, How.FLIGHT, How.RETRY, Standing.MINE),
        (Keep.UNCLAIMED, How.FLIGHT, How.RETRY, How.RETRY),
        (Keep.CACHE, How.FLIGHT, How.RETRY, How.CACHE),
    ],
)
async def test_f4_an_outcome_is_found_by_those_for_whom_it_is_kept(
    store: FlightStore, keep: Keep, waiting: How, same_id: How | Standing, equal: How | Standing
) -> None:
    await store.begin(asker("a", "call"), LEASE_S)
    await store.begin(asker("b"), LEASE_S)
    assert await store.finish(asker("a"), FOUND, keep, KEEP_S)
    assert await came_by(store, asker("b")) is waiting
    assert await came_by(store, asker("a again", "call")) is same_id
    assert await came_by(store, asker("c", "another call")) is equal


@pytest.mark.parametrize("keep", [Keep.RETURNING, Keep.UNCLAIMED, Keep.CACHE])
async def test_f4_only_until_its_time_is_over(store: FlightStore, bench: Bench, keep: Keep) -> None:
    await store.begin(asker("a", "call"), LEASE_S)
    await store.finish(asker("a"), FOUND, keep, KEEP_S)
    bench.clock.advance(KEEP_S - 0.001)
    assert await came_by(store, asker("b", "call")) is How.RETRY
    bench.clock.advance(0.001)
    assert await came_by(store, asker("b", "call")) is Standing.MINE


@pytest.mark.parametrize("keep", [Keep.WAITING, Keep.RETURNING])
async def test_f4_what_nobody_can_come_for_is_not_kept(store: FlightStore, keep: Keep) -> None:
    await store.begin(asker("a"), LEASE_S)
    assert await store.finish(asker("a"), FOUND, keep, KEEP_S)
    assert await store.begin(asker("b"), LEASE_S) == MINE


@pytest.mark.parametrize("keep", [Keep.WAITING, Keep.RETURNING])
async def test_f4_a_newcomer_takes_nothing_from_those_who_have_not_fetched_it_yet(store: FlightStore, keep: Keep) -> None:
    """He shares it as long as one of them is still to come; then it is gone, and he leads."""
    for token in ("a", "b", "c"):
        await store.begin(asker(token), LEASE_S)
    assert await store.finish(asker("a"), FOUND, keep, KEEP_S)
    assert await came_by(store, asker("b")) is How.FLIGHT
    assert await came_by(store, asker("newcomer")) is How.FLIGHT
    assert await came_by(store, asker("c")) is How.FLIGHT
    assert await came_by(store, asker("late")) is Standing.MINE


@pytest.mark.parametrize("ends", ["finish", "abandon"])
async def test_f5_who_waits_is_told_when_the_flight_ends_in_another_process(bench: Bench, ends: str) -> None:
    """(In memory there is only one.)"""
    here = (await bench.start()).flights
    there = (await bench.start()).flights if bench.implementation.uses_redis else here
    await here.begin(asker("a"), LEASE_S)
    with there.listen(KEY) as ended, there.listen(KEYS[1]) as other:
        await there.begin(asker("b"), LEASE_S)
        assert await here.is_joined(asker("a"))
        if ends == "finish":
            await here.finish(asker("a"), FOUND, Keep.WAITING, KEEP_S)
        else:
            await here.abandon(asker("a"))
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        assert not other.is_set()
    assert await came_by(there, asker("b")) is (How.FLIGHT if ends == "finish" else Standing.MINE)


async def test_who_waits_and_leaves_has_not_joined_and_ends_nothing(store: FlightStore) -> None:
    await store.begin(asker("a"), LEASE_S)
    assert not await store.is_joined(asker("a"))
    await store.begin(asker("b"), LEASE_S)
    await store.abandon(asker("b"))
    assert not await store.is_joined(asker("a"))
    assert (await store.begin(asker("c"), LEASE_S)).standing is Standing.THEIRS
    await store.abandon(asker("a"))
    await store.abandon(asker("c"))
    await store.abandon(asker("never begun"))
    assert await store.begin(asker("d"), LEASE_S) == MINE


async def test_the_same_commands_give_the_same_answers_as_the_pure_model(bench: Bench) -> None:
    store, model, rng = (await bench.start()).flights, Flights(max_bytes=10**9), random.Random(7)
    askers = [asker(f"{number}", rng.choice(["", "x", "y"]), rng.choice(KEYS)) for number in range(24)]
    for _ in range(600):
        who, keep, keep_s = rng.choice(askers), rng.choice(list(Keep)), rng.uniform(0.5, 5.0)
        now_s = bench.clock.now_s()
        match rng.choice(["begin", "begin", "finish", "extend", "abandon", "joined", "later"]):
            case "begin":
                theirs, ours = await store.begin(who, LEASE_S), model.begin(who, LEASE_S, now_s)
                assert (theirs.standing, theirs.how, theirs.outcome) == (ours.standing, ours.how, ours.outcome)
                assert theirs.left_s == pytest.approx(ours.left_s, abs=1e-5)
            case "finish":
                found: Outcome = outcome(f"{rng.random()}")
                kept = model.finish(who, found, keep, now_s + keep_s)
                assert await store.finish(who, found, keep, keep_s) == kept
            case "extend":
                assert await store.extend(who, LEASE_S) == model.extend(who, LEASE_S, now_s)
            case "abandon":
                await store.abandon(who)
                model.abandon(who)
            case "joined":
                assert await store.is_joined(who) == model.is_joined(who)
            case "later":
                bench.clock.advance(rng.choice([0.1, 1.0, LEASE_S]))


async def test_f6_memory_keeps_so_many_bytes_and_the_oldest_outcome_goes_first() -> None:
    store = MemoryFlights(ManualClock(), max_bytes=4 * DETECTION_BYTES)
    for key in KEYS[:3]:
        await store.begin(asker("a", key=key), LEASE_S)
        await store.finish(asker("a", key=key), FOUND, Keep.CACHE, KEEP_S)
    assert [await came_by(store, asker("b", key=key)) for key in KEYS[:3]] == [Standing.MINE, How.CACHE, How.CACHE]


# --- Redis only ---


@pytest.mark.redis
async def test_f6_every_key_has_a_time_to_live(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet, Redis.from_url(redis_server.url) as client:
        store = (await fleet.both()).flights
        await store.begin(asker("a"), LEASE_S)
        name = ShardKeys.of(fleet.namespace, 0).flight(KEY)
        assert LEASE_S < await client.ttl(name) <= FLIGHT_LEASES * LEASE_S
        await store.begin(asker("b"), LEASE_S)
        await store.finish(asker("a"), FOUND, Keep.WAITING, KEEP_S)
        assert 0 < await client.ttl(name) <= KEEP_S
        assert await client.type(name) == b"hash"
        await client.delete(name)


@pytest.mark.redis
async def test_what_is_damaged_is_not_read(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet, Redis.from_url(redis_server.url) as client:
        store = (await fleet.both()).flights
        await store.begin(asker("a"), LEASE_S)
        await store.finish(asker("a"), FOUND, Keep.CACHE, KEEP_S)
        name = ShardKeys.of(fleet.namespace, 0).flight(KEY)
        await client.hset(name, "outcome", b"damaged")
        begun = await store.begin(asker("b"), LEASE_S)
        assert (begun.standing, begun.outcome) == (Standing.FINISHED, None)
        await client.delete(name)


@pytest.mark.redis
async def test_f7_a_server_that_hangs_or_is_gone_is_told_in_time(server: RedisServer, both: RedisAccumulator) -> None:
    """And what was begun for a caller who waited no longer is let go, once the server is back."""
    store = both.flights
    await store.begin(asker("warm"), LEASE_S)
    server.freeze()
    try:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(Problem) as hanging:
            await store.begin(asker("a", key=KEYS[1]), LEASE_S)
        assert asyncio.get_running_loop().time() - began_s < Limits().flight_s + SLACK_S
        assert hanging.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    finally:
        server.thaw()
    async with asyncio.timeout(PATIENCE_S):
        while await standing(store) is not Standing.MINE:
            await asyncio.sleep(QUICK.longest_backoff_s / 10)
    server.kill()
    with pytest.raises(Problem) as gone:
        await store.begin(asker("c"), LEASE_S)
    assert gone.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    server.launch()


async def standing(store: FlightStore) -> Standing | None:
    try:
        return (await store.begin(asker("b", key=KEYS[1]), LEASE_S)).standing
    except Problem:
        return None
