"""Fixtures of the contract suites: a Redis server per test session, and accumulators of every implementation over it.

`bench` is where an accumulator test works: the implementation under test, and the clock that it goes by. After each test on
Redis every key that is left must have a time to live.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from app.accumulator.contract import Accumulator
from app.accumulator.keys import PERMANENT_KEYS
from app.accumulator.limits import Limits
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clock import Clock, ManualClock
from tests.support.redis_fleet import Fleet
from tests.support.redis_rights import denied, make_user
from tests.support.redis_server import RedisServer

LEASE_S = 10.0
MAX_PENDING = 50
# A busy machine must not look like a broken server; and time that a test moves by hand must not make the worker look dead.
PATIENT = Limits(call_s=10.0, worker_ttl_s=1e9, flight_s=10.0)

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Implementation:
    """One row of the table: memory, or Redis with so many shards."""

    name: str
    shards: int = 0

    @property
    def uses_redis(self) -> bool:
        return self.shards > 0


IMPLEMENTATIONS = (Implementation("memory"), Implementation("redis", 1), Implementation("redis, 3 shards", 3))


@dataclass(slots=True)
class Bench:
    """Makes started accumulators of one implementation; on Redis all of a test's share lanes."""

    implementation: Implementation
    url: str
    stack: AsyncExitStack
    clock: ManualClock = field(default_factory=lambda: ManualClock(1000.0))
    namespace: str = field(default_factory=lambda: f"test-{next(_numbers)}")

    async def start(
        self, *, clock: Clock | None = None, max_pending: int = MAX_PENDING, lease_s: float = LEASE_S
    ) -> Accumulator:
        accumulator: Accumulator
        if self.implementation.uses_redis:
            accumulator = RedisAccumulator(
                self.url,
                process_id=f"process-{next(_numbers)}",
                max_pending=max_pending,
                lease_s=lease_s,
                shards=self.implementation.shards,
                namespace=self.namespace,
                clock=clock or self.clock,
                limits=PATIENT,
            )
        else:
            ticking = clock or self.clock
            accumulator = MemoryAccumulator(ticking, max_pending=max_pending, lease_s=lease_s, wall=ticking)
        self.stack.push_async_callback(accumulator.close)
        await accumulator.start()
        return accumulator


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server of the test's own, to be mistreated."""
    own = RedisServer.start()
    yield own
    own.stop()


@pytest.fixture
async def both(server: RedisServer) -> AsyncIterator[RedisAccumulator]:
    """Both sides of an accumulator on it."""
    async with Fleet(server.url) as fleet:
        yield await fleet.both()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def users_url(redis_server: RedisServer) -> Iterator[str]:
    """The same server, for a user who has the rights of docs/redis.md and no other."""
    yield make_user(redis_server.url, "suite", "test", "fleet")
    assert denied(redis_server.url) == []


@pytest.fixture(
    params=[pytest.param(row, id=row.name, marks=[pytest.mark.redis] if row.uses_redis else []) for row in IMPLEMENTATIONS]
)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    implementation: Implementation = request.param
    url = request.getfixturevalue("redis_server").url if implementation.uses_redis else ""
    async with AsyncExitStack() as stack:
        yield Bench(implementation, request.getfixturevalue("users_url") if url else "", stack)
        if implementation.uses_redis:
            await assert_all_keys_expire(url)
    if implementation.uses_redis:
        await clear(url)


@pytest.fixture
async def accumulator(bench: Bench) -> Accumulator:
    return await bench.start()


async def assert_all_keys_expire(url: str) -> None:
    """Every key has a time to live, or is on the permanent list (which is empty)."""
    async with Redis.from_url(url) as client:
        names = [name async for name in client.scan_iter()]
        endless = [name.decode() for name in names if await client.ttl(name) == -1]
    assert [name for name in endless if name not in PERMANENT_KEYS] == []


async def clear(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.flushall()


@pytest.fixture
async def fleet(redis_server: RedisServer, users_url: str) -> AsyncIterator[Fleet]:
    async with Fleet(users_url) as ships:
        yield ships
        await assert_all_keys_expire(redis_server.url)
    await clear(redis_server.url)


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_server.url) as raw:
        yield raw
