"""The bell and the heartbeat of a process that claims, against a shard that is played."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from app.accumulator.claiming import Bell, Heart, Nudger, Room
from app.accumulator.limits import Limits
from app.accumulator.tasks import Backoff, Tasks, wait_for_event
from app.errors import Kind, Problem

PATIENCE_S = 20.0


class PlayedShard:
    """A wake list in memory. `fail` makes the next calls fail; `calls` notes what was asked."""

    def __init__(self) -> None:
        self.tokens: asyncio.Queue[bool] = asyncio.Queue()
        self.calls: asyncio.Queue[str] = asyncio.Queue()
        self.failures = 0

    async def pop_wake(self) -> bool:
        self._note("pop")
        return await self.tokens.get()

    async def nudge(self) -> None:
        self._note("nudge")

    async def beat(self) -> None:
        self._note("beat")

    async def next_call(self) -> str:
        return await asyncio.wait_for(self.calls.get(), PATIENCE_S)

    def _note(self, call: str) -> None:
        self.calls.put_nowait(call)
        if self.failures:
            self.failures -= 1
            raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


@pytest.fixture
def shard() -> PlayedShard:
    return PlayedShard()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
async def bell(tasks: Tasks, shard: PlayedShard, room: Room) -> Bell:
    ringing = Bell(shard, room, Backoff(0.001, 0.001, random.Random(1), asyncio.Event()))
    tasks.spawn("bell", ringing.run())
    return ringing


@pytest.mark.usefixtures("bell")
async def test_the_bell_listens_only_while_somebody_waits(shard: PlayedShard, room: Room) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    assert shard.calls.empty()
    with room.seat():
        assert await shard.next_call() == "pop"


@pytest.mark.usefixtures("bell")
async def test_a_token_rings_for_everybody_in_the_room(shard: PlayedShard, room: Room) -> None:
    with room.seat(), room.seat():
        ring, other = room.next_ring(), room.next_ring()
        shard.tokens.put_nowait(True)
        assert await wait_for_event(ring, PATIENCE_S)
        assert other.is_set()
        assert not room.next_ring().is_set()


@pytest.mark.usefixtures("bell")
async def test_a_token_for_an_empty_room_is_passed_on(shard: PlayedShard, room: Room) -> None:
    with room.seat():
        assert await shard.next_call() == "pop"
    shard.tokens.put_nowait(True)
    assert await shard.next_call() == "nudge"


@pytest.mark.usefixtures("bell")
async def test_a_block_without_a_token_rings_for_nobody(shard: PlayedShard, room: Room) -> None:
    with room.seat():
        ring = room.next_ring()
        shard.tokens.put_nowait(False)
        assert [await shard.next_call() for _ in range(2)] == ["pop", "pop"]
        assert not ring.is_set()


@pytest.mark.usefixtures("bell")
async def test_the_bell_comes_back_after_a_failure(shard: PlayedShard, room: Room) -> None:
    shard.failures = 2
    with room.seat():
        ring = room.next_ring()
        shard.tokens.put_nowait(True)
        assert await wait_for_event(ring, PATIENCE_S)


def test_the_room_is_occupied_until_the_last_one_leaves(room: Room) -> None:
    with room.seat():
        with room.seat():
            assert room.occupied.is_set()
        assert room.occupied.is_set()
    assert not room.occupied.is_set()


# --- the nudger ---


async def test_many_nudges_at_once_are_one_for_each_shard(tasks: Tasks) -> None:
    nudger, shards = Nudger(), [PlayedShard(), PlayedShard()]
    nudger.nudge([])
    for _ in range(5):
        nudger.nudge(shards)
    tasks.spawn("nudger", nudger.run())
    for shard in shards:
        assert await shard.next_call() == "nudge"
        assert shard.calls.empty()


async def test_a_nudge_that_fails_is_not_repeated_and_stops_nobody(tasks: Tasks, shard: PlayedShard) -> None:
    nudger = Nudger()
    tasks.spawn("nudger", nudger.run())
    shard.failures = 1
    nudger.nudge([shard])
    assert await shard.next_call() == "nudge"
    assert shard.calls.empty()
    nudger.nudge([shard])
    assert await shard.next_call() == "nudge"


# --- the heart ---


def heart(shards: list[PlayedShard], *, rest_s: float, closing: asyncio.Event | None = None) -> Heart:
    return Heart(shards, Limits(beat_s=0.001, worker_ttl_s=0.01), rest_s, closing or asyncio.Event())


async def test_only_the_first_sign_of_life_after_a_rest_is_told_at_once(shard: PlayedShard) -> None:
    beating = heart([shard], rest_s=PATIENCE_S)
    assert beating.is_resting
    assert beating.use()
    assert not beating.use()
    assert not beating.is_resting


async def test_a_heart_in_use_beats_in_every_shard_and_comes_back_after_a_failure(tasks: Tasks) -> None:
    shards = [PlayedShard(), PlayedShard()]
    shards[0].failures = 2
    beating = heart(shards, rest_s=PATIENCE_S)
    beating.use()
    tasks.spawn("heart", beating.run())
    for shard in shards:
        assert [await shard.next_call() for _ in range(4)] == ["beat"] * 4


async def test_a_heart_that_was_not_used_for_a_lease_is_silent(shard: PlayedShard) -> None:
    """A process that runs but claims nothing any more is no living worker."""
    closing = asyncio.Event()
    beating = heart([shard], rest_s=0.0, closing=closing)
    beating.use()
    assert not await wait_for_event(closing, 0.02)
    running = asyncio.create_task(beating.run())
    assert not await wait_for_event(closing, 0.02)
    assert shard.calls.empty()
    closing.set()
    await running
