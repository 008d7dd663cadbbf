"""A whole deployment over Redis Sentinel and over Redis Cluster: the master dies under load, and no client is told.

While nobody can be written to, images go alone; once a replica has been promoted they share sheets again, without any process
having been restarted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, running_cluster, until
from tests.support.load import Client, Load, NativeClient, Reply, SdkClient, identity_images, mistakes
from tests.support.redis_together import redis_cluster, watched_redis

pytestmark = pytest.mark.redis

RATE_PER_S = 20.0
IMAGES = 200
# Images that share sheets before anything is broken, and again before the load may stop.
WARM = 10
# Of a fail-over: a second until the server counts as dead, one or so for the vote, two until the last call to it has run out of
# time; and a busy machine, seconds.
RECOVERY_S = 15.0
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "150",
    "TESSERA_REQUEST_TIMEOUT_MS": "20000",
    "TESSERA_PROVIDER_TIMEOUT_MS": "3000",
    "TESSERA_LAYOUTS": "2x1",
}


def clients_of(cluster: Cluster) -> list[Client]:
    """Several tenants, so that there are several lanes; each of them at each API process."""
    tenants = [SdkClient(api.client(access_key=f"TENANT{number}")) for number in range(3) for api in cluster.apis]
    return [*tenants, *(NativeClient(api.url) for api in cluster.apis)]


def is_gridded(reply: Reply) -> bool:
    return reply.layout not in ("", "1x1")


def gridded(load: Load, since_s: float = 0.0) -> int:
    """Answered so far from shared sheets, of those that were sent since then."""
    return sum(is_gridded(reply) for reply in load.answers if reply.sent_s >= since_s)


def kill_under_load(cluster: Cluster, kill: Callable[[], object]) -> tuple[list[Reply], float]:
    """All replies, and the time of the kill; the load ends when images share sheets again as before."""
    load = Load(clients_of(cluster), identity_images(range(IMAGES)), rate_per_s=RATE_PER_S).start()
    until("images share sheets", lambda: gridded(load) >= WARM)
    killed_s = time.monotonic()
    kill()
    until("readiness falls, but not below what is ready", lambda: (200, "degraded") in {api.ready() for api in cluster.apis})
    until("all are well again", lambda: {server.ready() for server in cluster.processes} == {(200, "ready")}, RECOVERY_S)
    well_s = time.monotonic()
    until("images share sheets again", lambda: gridded(load, since_s=well_s) >= WARM)
    load.stop()
    return load.wait(), killed_s


def errors(cluster: Cluster) -> list[object]:
    """Nothing of this is a mistake of ours."""
    return [line for server in cluster.processes for line in server.logs() if line["level"] == "error"]


def report(what: str, replies: Sequence[Reply], killed_s: float) -> None:
    """What docs/redis.md says of it; `pytest -s` shows it."""
    after = [reply for reply in replies if reply.sent_s >= killed_s]
    first = min((reply.sent_s + reply.seconds for reply in after if is_gridded(reply)), default=killed_s)
    alone = sum(not is_gridded(reply) for reply in after)
    print(
        f"\n{what}: {len(replies)} images, gridded again {first - killed_s:.1f} s after the kill, {alone} alone, "
        f"slowest answer {max(reply.seconds for reply in replies):.1f} s"
    )


def test_sentinel_promotes_a_replica_under_load(tmp_path: Path) -> None:
    with (
        watched_redis() as redis,
        running_cluster(tmp_path, api=2, workers=2, settings=SETTINGS | {"TESSERA_REDIS_URL": redis.url}) as cluster,
    ):
        replies, killed_s = kill_under_load(cluster, redis.master().kill)
        report("sentinel", replies, killed_s)
        assert mistakes(replies) == []
        assert errors(cluster) == []


def test_a_replica_in_a_cluster_takes_over_under_load(tmp_path: Path) -> None:
    with redis_cluster(replicas=1) as redis:
        settings = SETTINGS | {"TESSERA_REDIS_URL": redis.url, "TESSERA_REDIS_SHARDS": "6"}
        with running_cluster(tmp_path, api=1, workers=1, settings=settings) as cluster:
            replies, killed_s = kill_under_load(cluster, redis.masters[0].kill)
            report("cluster", replies, killed_s)
            assert mistakes(replies) == []
            assert errors(cluster) == []
