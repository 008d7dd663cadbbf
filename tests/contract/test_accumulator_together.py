"""The Redis accumulator where several servers stand together: Sentinel and Cluster, run for real.

Whatever a fail-over forgets (a replica is always a little behind), whoever waits is told of at once: his image goes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.accumulator.keys import ShardKeys, shard_of
from app.accumulator.redis import RedisAccumulator
from app.core.model import Lane
from app.core.quota import Amount, Ask, Limit, Limits, tenant_key
from app.core.quota_account import Lot
from app.errors import Kind, Problem
from tests.support.google_upstream import tls_for
from tests.support.jobs import job, job_ids, lane, outcome, outcomes
from tests.support.redis_fleet import LOOK_S, PATIENCE_S, Fleet, claimed, eventually, gathers_again, result_of
from tests.support.redis_server import RedisServer, free_port
from tests.support.redis_together import RedisCluster, WatchedRedis, redis_cluster, watched_redis

pytestmark = pytest.mark.redis

SHARDS = 4


# --- TLS ---


async def test_one_server_over_tls(tmp_path: Path) -> None:
    """Who cannot prove whose server it is, is not spoken to."""
    port, own = free_port(), tls_for("127.0.0.1")
    (tmp_path / "key.pem").write_bytes(own.key_pem)
    (tmp_path / "cert.pem").write_bytes(own.certificate_pem)
    (tmp_path / "other.pem").write_bytes(tls_for("127.0.0.1").certificate_pem)
    files = ("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "cert.pem")
    options = [str(tmp_path / word) if word.endswith(".pem") else word for word in files]
    server = RedisServer.start("--tls-port", str(port), "--tls-auth-clients", "no", *options)
    address = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}"
    try:
        async with Fleet(f"{address}/cert.pem") as fleet, Fleet(f"{address}/other.pem") as strangers:
            both = await fleet.both()
            await gathers_again(both, both)
            with pytest.raises(Problem) as refusal:
                await strangers.build().start()
            assert refusal.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
    finally:
        server.stop()


# --- sentinel ---


@pytest.fixture
def watched() -> Iterator[WatchedRedis]:
    with watched_redis() as redis:
        yield redis


async def test_a_master_that_dies_takes_nobody_along(watched: WatchedRedis) -> None:
    """What waits and what is under way is answered or given up at once; then all goes on, on a server that knows no script."""
    async with Fleet(watched.url) as fleet:
        api, worker = await fleet.api(), await fleet.worker()
        waiting = [await api.enqueue(job(lane=lane(capacity=9), max_wait_s=PATIENCE_S)) for _ in range(3)]
        under_way = await api.enqueue(job("held", lane=lane("held", capacity=1)))
        held = await claimed(worker)
        watched.master().kill()
        await gathers_again(api, worker)
        await worker.complete(held, outcomes(held))
        assert (await result_of(under_way)).job_id == "held"
        await api.drain()
        async with answering(worker):
            assert [(await result_of(future)).job_id for future in waiting]


async def test_a_master_that_is_demoted_is_left(watched: WatchedRedis) -> None:
    """It lives on and answers every write with READONLY; connections to it would stay useless for ever."""
    async with Fleet(watched.url) as fleet:
        both = await fleet.both()
        await gathers_again(both, both)
        before = watched.master()
        watched.fail_over()

        async def is_demoted() -> bool:
            return watched.master() is not before

        await eventually(is_demoted)
        await gathers_again(both, both)
        assert both.is_listening


async def test_sentinels_are_needed_to_find_the_master_and_not_to_use_it(watched: WatchedRedis) -> None:
    async with Fleet(watched.url) as fleet, Fleet(watched.url.replace("=of-sentinels", "=wrong")) as strangers:
        both = await fleet.both()
        stranger = strangers.build()
        with pytest.raises(Problem) as refusal:
            await stranger.start()
        assert refusal.value.kind is Kind.ACCUMULATOR_UNAVAILABLE
        for sentinel in watched.sentinels:
            sentinel.stop()
        await gathers_again(both, both)


@asynccontextmanager
async def answering(worker: RedisAccumulator) -> AsyncIterator[None]:
    """Whatever is claimed is answered, as long as this lasts."""

    async def answer_all() -> None:
        while True:
            try:
                batch = await worker.claim(PATIENCE_S)
                if batch is not None:
                    await worker.complete(batch, outcomes(batch))
            except Problem:
                await asyncio.sleep(LOOK_S)

    task = asyncio.create_task(answer_all())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- cluster ---


@pytest.fixture
def cluster() -> Iterator[RedisCluster]:
    with redis_cluster(replicas=1) as redis:
        yield redis


@pytest.fixture
async def fleet(cluster: RedisCluster) -> AsyncIterator[Fleet]:
    async with Fleet(cluster.url, shards=SHARDS) as ships:
        yield ships


def tag_of(fleet: Fleet, one: Lane) -> str:
    return ShardKeys.of(fleet.namespace, shard_of(one.key, SHARDS)).tag


def lane_at(cluster: RedisCluster, fleet: Fleet, *, dying: bool) -> Lane:
    """A lane that lies on the first master, which has a replica, or on another one."""
    lanes = (lane(f"tenant-{number}", capacity=1) for number in range(100))
    return next(one for one in lanes if (cluster.owner(tag_of(fleet, one)) is cluster.masters[0]) is dying)


async def test_shards_lie_on_several_nodes_and_all_are_served(cluster: RedisCluster, fleet: Fleet) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    lanes = [lane(f"tenant-{number}", capacity=1) for number in range(20)]
    assert len({cluster.owner(tag_of(fleet, one)).port for one in lanes}) > 1
    async with answering(worker):
        futures = {f"{number}": await api.enqueue(job(f"{number}", lane=one)) for number, one in enumerate(lanes)}
        assert [await result_of(future) for future in futures.values()] == [outcome(name, label=name) for name in futures]
    assert sum((await api.pending()).values()) == 0
    await clients_have_accounts(api)


async def clients_have_accounts(api: RedisAccumulator) -> None:
    """A client's keys lie together, whichever node that is."""
    limits = Limits(images_per_s=0.001, burst=2, dollars_per_month=1)
    for number in range(10):
        client, asks = tenant_key(f"client:{number}"), [Ask(f"{place}", 1, Amount.of(0.01, 1), 60.0) for place in range(3)]
        verdicts = await api.quotas.take(client, limits, asks)
        assert [verdicts[ask.id].refused for ask in asks] == [None, None, Limit.RATE]
        used = await api.quotas.settle(client, Lot("teller", 1, tuple(asks[:1]), Amount.of(0.005, 0.5)))
        assert (used.spent, used.reserved) == (Amount.of(0.005, 0.5), asks[1].amount)


async def test_a_slot_that_moves_under_load_loses_nothing(cluster: RedisCluster, fleet: Fleet) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    one = lane("moving", capacity=2)
    tag = tag_of(fleet, one)
    image = bytes(50_000)

    async def sent(number: int) -> str:
        await asyncio.sleep(number * 0.01)  # a hundred a second
        return (await result_of(await api.enqueue(job(f"{number}", lane=one, max_wait_s=0.02, image=image)))).job_id

    async with answering(worker), asyncio.TaskGroup() as load:
        sending = [load.create_task(sent(number)) for number in range(120)]
        for _ in range(4):
            target = next(master for master in cluster.masters if master is not cluster.owner(tag))
            await asyncio.to_thread(cluster.move, tag, target)
            await asyncio.sleep(0.2)
    assert [task.result() for task in sending] == [f"{number}" for number in range(120)]


async def test_one_node_that_dies_holds_up_its_own_shards_only_and_its_replica_takes_over(
    cluster: RedisCluster, fleet: Fleet
) -> None:
    api, worker = await fleet.api(), await fleet.worker()
    dying, living = lane_at(cluster, fleet, dying=True), lane_at(cluster, fleet, dying=False)
    await gathers_again(api, worker, dying.tenant)
    lost = await api.enqueue(job("lost", lane=dying, max_wait_s=PATIENCE_S))
    cluster.masters[0].kill()
    future = await api.enqueue(job("meanwhile", lane=living))
    batch = await claimed(worker)
    while job_ids(batch) != ["meanwhile"]:
        batch = await claimed(worker)
    await worker.complete(batch, outcomes(batch))
    assert await result_of(future) == outcome("meanwhile", label="meanwhile")
    async with answering(worker):
        assert (await result_of(lost)).job_id == "lost"
    await gathers_again(api, worker, dying.tenant)
