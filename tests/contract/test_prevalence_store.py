"""The prevalence store: memory and Redis do what the pure `Prevalence` does, and writers do not lose each other's images."""

from __future__ import annotations

import asyncio
import random

import pytest
from redis.asyncio import Redis

from app.accumulator import memory
from app.accumulator.keys import PREVALENCE_TTL_S
from app.accumulator.memory import MemoryPrevalence
from app.accumulator.redis import RedisAccumulator
from app.clock import SystemClock
from app.core.prevalence import MEMORY_IMAGES, Prevalence
from app.errors import Kind, Problem
from app.work.prevalence import Prevalences
from tests.contract.conftest import Bench
from tests.support.jobs import lane
from tests.support.redis_fleet import QUICK, Fleet, eventually
from tests.support.redis_server import RedisServer

# Streams are digests, and so spread over shards.
STREAMS = [lane(f"tenant-{number}").stream for number in range(5)]
STREAM = STREAMS[0]
# What a call may take on top of its own limit on a busy machine, seconds.
SLACK_S = 5.0


async def test_nothing_is_known_at_first_and_reading_changes_nothing(bench: Bench) -> None:
    store = (await bench.start()).prevalence
    assert [await store.read(STREAM) for _ in range(2)] == [Prevalence(), Prevalence()]


async def test_the_same_commands_give_the_same_numbers_as_the_pure_model(bench: Bench) -> None:
    """To the last bit: large lots, single images, other streams between."""
    store = (await bench.start()).prevalence
    model = dict.fromkeys(STREAMS, Prevalence())
    rng = random.Random(5)
    for _ in range(300):
        stream = rng.choice(STREAMS)
        images = rng.choice([0, 1, 1, 2, 9, 100, 5000])
        unsafe = rng.randint(0, images)
        judged = rng.uniform(0, images - unsafe)
        counts = (images, unsafe, judged, rng.uniform(0, judged))
        model[stream] = model[stream].seen(*counts)
        assert await store.seen(stream, *counts) == model[stream]
        other = rng.choice(STREAMS)
        assert await store.read(other) == model[other]


@pytest.mark.parametrize(
    "counts",
    [(1, 2, 0.0, 0.0), (-1, 0, 0.0, 0.0), (0, 1, 0.0, 0.0), (3, -1, 0.0, 0.0), (3, 0, 1.0, 2.0), (3, 0, 1.0, -1.0)],
)
async def test_impossible_counts_are_refused_and_change_nothing(bench: Bench, counts: tuple[int, int, float, float]) -> None:
    store = (await bench.start()).prevalence
    await store.seen(STREAM, 3, 1)
    with pytest.raises(ValueError, match="unsafe images"):
        await store.seen(STREAM, *counts)
    assert await store.read(STREAM) == Prevalence(3, 1)


async def test_memory_forgets_the_stream_that_was_added_to_longest_ago() -> None:
    store = MemoryPrevalence()
    for number in range(memory.MOST_STREAMS):
        await store.seen(f"{number}", 1, 0)
    await store.seen("0", 1, 0)
    await store.seen("new", 1, 0)
    assert await store.read("1") == Prevalence()
    assert (await store.read("0")).images > 1


@pytest.mark.redis
@pytest.mark.parametrize("shards", [1, 3])
async def test_several_processes_that_add_at_once_lose_nothing(redis_server: RedisServer, shards: int) -> None:
    async with Fleet(redis_server.url, shards=shards) as fleet:
        processes = [await fleet.both() for _ in range(4)]
        adding = [process.prevalence.seen(stream, 2, 1) for _ in range(10) for process in processes for stream in STREAMS]
        await asyncio.gather(*adding)
        expected = Prevalence()
        for _ in range(40):
            expected = expected.seen(2, 1)
        for stream in STREAMS:  # equal steps: whatever their order, the result is one and the same
            assert {await process.prevalence.read(stream) for process in processes} == {expected}


@pytest.mark.redis
async def test_what_one_process_sees_another_estimates(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet:
        one, other = [Prevalences((await fleet.both()).prevalence, SystemClock()) for _ in range(2)]
        for _ in range(50):
            one.seen(STREAM, 10, 1)
            other.seen(STREAM, 10, 0)

        async def both_know() -> bool:
            """Asking is what makes either try again, where a busy machine let a call run out of its time."""
            return all(abs(each.estimate(STREAM) - 0.05) < 0.01 for each in (one, other))

        await eventually(both_know)
        await one.close()
        await other.close()


@pytest.mark.redis
async def test_the_key_lives_for_a_day_from_the_last_image(redis_server: RedisServer) -> None:
    async with Fleet(redis_server.url) as fleet, Redis.from_url(redis_server.url) as client:
        store = (await fleet.both()).prevalence
        await store.seen(STREAM, 1, 0)
        name = f"{{{fleet.namespace}:0}}:prevalence:{STREAM}"
        await client.expire(name, 5)
        await store.read(STREAM)
        assert await client.ttl(name) <= 5
        await store.seen(STREAM, 1, 0)
        assert PREVALENCE_TTL_S - 60 < await client.ttl(name) <= PREVALENCE_TTL_S
        assert await client.type(name) == b"hash"
        await client.delete(name)


# --- a server that is not there ---


@pytest.mark.redis
async def test_a_server_that_is_gone_or_hangs_is_told_in_time(server: RedisServer, both: RedisAccumulator) -> None:
    async def add() -> Prevalence:
        return await both.prevalence.seen(STREAM, 1, 0)

    async def read() -> Prevalence:
        return await both.prevalence.read(STREAM)

    server.freeze()
    try:
        for call in (add, read):
            with pytest.raises(Problem) as hanging:
                await asyncio.wait_for(call(), QUICK.call_s + SLACK_S)
            assert hanging.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    finally:
        server.thaw()
    server.kill()
    for call in (add, read):
        with pytest.raises(Problem) as gone:
            await asyncio.wait_for(call(), QUICK.call_s + SLACK_S)
        assert gone.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    server.launch()


@pytest.mark.redis
async def test_what_a_process_saw_while_the_server_was_gone_is_there_when_it_is_back(
    server: RedisServer, both: RedisAccumulator
) -> None:
    prevalences = Prevalences(both.prevalence, SystemClock())
    server.kill()
    for _ in range(10):
        prevalences.seen(STREAM, 5, 1)
    assert prevalences.estimate(STREAM) == pytest.approx(12 / 54, abs=50 / MEMORY_IMAGES)
    server.launch()

    async def has_arrived() -> bool:
        prevalences.estimate(STREAM)
        try:
            return (await both.prevalence.read(STREAM)).images > 0
        except Problem:
            return False

    await eventually(has_arrived)
    assert (await both.prevalence.read(STREAM)).images == pytest.approx(50, rel=0.1)
    await prevalences.close()
