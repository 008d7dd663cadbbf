"""The rights that docs/redis.md gives to a user of Redis are enough, and no more than that.

Both: everything in this folder that goes to Redis goes there as that user (`conftest`).
"""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.core.flights import Flight, Standing
from app.core.quota import Amount, Ask, Limits, tenant_key
from tests.support.jobs import job, lane, outcome, outcomes
from tests.support.redis_fleet import Fleet, claimed, result_of
from tests.support.redis_rights import denied, make_user
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.redis

USER = "production"


@pytest.fixture
def address(redis_server: RedisServer) -> str:
    """Of a user who sees nothing but the keys that the document says."""
    denied(redis_server.url)
    return make_user(redis_server.url, USER)


async def test_a_job_a_flight_and_a_quota_go_all_their_way(address: str, redis_server: RedisServer) -> None:
    async with Fleet(address, namespace="tessera") as fleet:
        api, worker = await fleet.api(), await fleet.worker()
        future = await api.enqueue(job("one", lane=lane(capacity=1)))
        batch = await claimed(worker)
        assert await worker.extend(batch, 10.0)
        await worker.complete(batch, outcomes(batch))
        assert await result_of(future) == outcome("one", label="one")
        flight = Flight("0" * 64, "token")
        assert (await api.flights.begin(flight, 5.0)).standing is Standing.MINE
        await api.flights.abandon(flight)
        verdicts = await api.quotas.take(
            tenant_key("shop"), Limits(images_per_s=5, burst=5), [Ask("a", 1, Amount.of(0.01, 1), 40.0)]
        )
        assert verdicts["a"].refused is None
    assert denied(redis_server.url) == []


@pytest.mark.parametrize("words", ["ROLE", "CLUSTER SLOTS", "CONFIG GET maxmemory-policy", "PING", "CLIENT SETNAME x"])
async def test_it_may_look_where_it_is(client: Redis, address: str, words: str) -> None:
    assert await client.execute_command("ACL", "DRYRUN", USER, *words.split()) == b"OK"  # type: ignore[no-untyped-call]  # the library has no types for it


@pytest.mark.parametrize(
    "words",
    [
        "GET other",
        "SET {tessera other",
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SWAPDB 0 1",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "ACL SETUSER tessera ~*",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
        "SHUTDOWN",
        "REPLICAOF a 1",
        "MONITOR",
        "CLIENT KILL TYPE normal",
        "SUBSCRIBE other",
        "EVAL return(redis.call('FLUSHALL')) 0",
    ],
)
async def test_it_may_do_nothing_else(address: str, redis_server: RedisServer, words: str) -> None:
    async with Redis.from_url(address) as user:
        with pytest.raises(ResponseError, match=r"permission|user executing the script can't run"):
            await user.execute_command(*words.split())  # type: ignore[no-untyped-call]  # the library has no types for it
    denied(redis_server.url)
