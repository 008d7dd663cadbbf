"""Two releases in one Redis that write jobs in different formats: neither takes, fails or counts on what is the other's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.accumulator.keys import FORMAT
from app.accumulator.redis import RedisAccumulator
from app.errors import Kind, Problem
from tests.support.claims import waiting
from tests.support.jobs import job, job_ids, lane, outcome, outcomes
from tests.support.redis_fleet import Fleet, claimed, result_of
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.redis

NEXT = FORMAT + 1
STREAM = "5a"


@pytest.fixture
async def both_releases(redis_server: RedisServer) -> AsyncIterator[Fleet]:
    async with Fleet(redis_server.url, lease_s=0.5) as ships:
        yield ships


async def process(fleet: Fleet, role: str, format_number: int) -> RedisAccumulator:
    accumulator = fleet.build(intake=role == "api", workshop=role == "worker", format_number=format_number)
    await accumulator.start()
    return accumulator


async def test_jobs_wait_for_a_worker_that_knows_their_format(both_releases: Fleet) -> None:
    """The same lane, ready in both: each worker takes its own, and neither has burnt an attempt of the other's."""
    fleet = both_releases
    old, new = await process(fleet, "api", FORMAT), await process(fleet, "api", NEXT)
    old_worker, new_worker = await process(fleet, "worker", FORMAT), await process(fleet, "worker", NEXT)
    olds = [await old.enqueue(job(name)) for name in ("old-1", "old-2")]
    news = [await new.enqueue(job(name)) for name in ("new-1", "new-2")]
    for worker, names in ((new_worker, ["new-1", "new-2"]), (old_worker, ["old-1", "old-2"])):
        batch = await claimed(worker)
        assert (job_ids(batch), batch.attempt) == (names, 1)
        assert await worker.claim(0.0) is None
        await worker.complete(batch, outcomes(batch))
    for future, name in zip((*olds, *news), ("old-1", "old-2", "new-1", "new-2"), strict=True):
        assert await result_of(future) == outcome(name, label=name)


async def test_an_api_process_counts_on_workers_of_its_own_format_only(both_releases: Fleet) -> None:
    fleet = both_releases
    old, new = await process(fleet, "api", FORMAT), await process(fleet, "api", NEXT)
    await process(fleet, "worker", FORMAT)
    await old.enqueue(job())
    with pytest.raises(Problem) as refusal:
        await new.enqueue(job())
    assert refusal.value.kind is Kind.NO_WORKER
    await process(fleet, "worker", NEXT)
    await new.enqueue(job())
    assert (await waiting(old), await waiting(new)) == (1, 1)


async def test_a_worker_that_leaves_is_not_counted_on_though_it_finishes_what_it_holds(both_releases: Fleet) -> None:
    api, worker = await process(both_releases, "api", FORMAT), await process(both_releases, "worker", FORMAT)
    future = await api.enqueue(job("held", lane=lane(capacity=1)))
    held = await claimed(worker)
    await worker.leave()
    assert await worker.extend(held, 5.0)
    with pytest.raises(Problem) as refusal:
        await api.enqueue(job())
    assert refusal.value.kind is Kind.NO_WORKER
    await worker.complete(held, outcomes(held))
    assert await result_of(future) == outcome("held", label="held")


async def test_what_is_known_of_a_stream_outlives_a_change_of_the_format(both_releases: Fleet) -> None:
    old, new = await process(both_releases, "api", FORMAT), await process(both_releases, "api", NEXT)
    await old.prevalence.seen(STREAM, 10, 2)
    assert (await new.prevalence.read(STREAM)).unsafe == 2.0
