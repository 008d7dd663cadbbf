"""What tests of any accumulator do over and over: enqueue, claim, wait for an outcome."""

from __future__ import annotations

import asyncio

from app.accumulator.contract import Accumulator
from app.core.model import Batch, Lane, Outcome
from tests.support.jobs import job, lane

# Longest a delivery may take on a busy machine, seconds.
PATIENCE_S = 20.0


async def enqueue_all(accumulator: Accumulator, *ids: str, capacity: int = 2) -> dict[str, asyncio.Future[Outcome]]:
    return {name: await accumulator.enqueue(job(name, lane=lane(capacity=capacity))) for name in ids}


async def enqueue_many(accumulator: Accumulator, images: int, lane: Lane) -> None:
    for _ in range(images):
        await accumulator.enqueue(job(lane=lane))


async def claim(accumulator: Accumulator) -> Batch:
    batch = await accumulator.claim(0.0)
    assert batch is not None
    return batch


async def waiting(accumulator: Accumulator) -> int:
    """Jobs of all tasks that nobody holds."""
    return sum((await accumulator.pending()).values())


async def result_of(future: asyncio.Future[Outcome]) -> Outcome:
    return await asyncio.wait_for(future, PATIENCE_S)


async def all_batches(accumulator: Accumulator) -> list[Batch]:
    batches = []
    while (batch := await accumulator.claim(0.0)) is not None:
        batches.append(batch)
    return batches
