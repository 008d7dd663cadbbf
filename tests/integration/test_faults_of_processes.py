"""Processes die, and Redis with them, under load: two API processes, two workers, a real Redis, an emulator behind.

After each fault: no request without its one answer, no box in the wrong hands, and (where nobody's books died with him) what
the emulator was paid is what all processes together say they paid. Then images share sheets again, without anybody's help.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, running_cluster, until
from tests.support.load import Load, NativeClient, Reply, identity_images, mistakes, run_load
from tests.support.server import RunningServer

pytestmark = pytest.mark.redis

RATE_PER_S = 15.0
# Answered before the fault: the load has found its pace.
WARM = 12
# Sheets take so long that there is always one under way, milliseconds.
LATENCY_MS = 300
# An image that waits behind a dead worker is sent alone when this time is nearly over; the lease ends later.
REQUEST_TIMEOUT_S = 6.0
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "100",
    "TESSERA_PROVIDER_TIMEOUT_MS": "1000",
    "TESSERA_REQUEST_TIMEOUT_MS": str(round(1000 * REQUEST_TIMEOUT_S)),
}
FREEZE_S = 3.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(
        tmp_path_factory.mktemp("faults"), api=2, workers=2, emulator=("--latency-ms", str(LATENCY_MS)), settings=SETTINGS
    ) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    """The processes of this file, all of them well, with books to be compared from here on."""
    shared.replace_dead()
    until("images share sheets", lambda: shares_sheets(shared))
    shared.emulator.reset()
    return shared


def shares_sheets(cluster: Cluster) -> bool:
    """Whether two images that arrive at different processes meet on a sheet."""
    replies = run_load([NativeClient(api.url) for api in cluster.apis], identity_images(range(2)), rate_per_s=1000.0)
    assert mistakes(replies) == []
    return all(reply.layout != "1x1" for reply in replies)


def loaded(cluster: Cluster, images: int) -> Load:
    """Load on all API processes, at its pace."""
    load = Load([NativeClient(api.url) for api in cluster.apis], identity_images(range(images)), rate_per_s=RATE_PER_S).start()
    until("the load has found its pace", lambda: load.answered >= WARM)
    return load


def kill_in_mid_sheet(worker: RunningServer) -> None:
    """The sheet that it has just claimed will not be answered for another LATENCY_MS."""
    seen = claims(worker)
    until("it claims a sheet", lambda: claims(worker) > seen)
    worker.kill()


def claims(worker: RunningServer) -> int:
    return sum(line["event"] == "sheet claimed" for line in worker.logs())


def books(cluster: Cluster) -> tuple[int, int]:
    """What the emulator was paid, and what the processes say, since they last agreed."""
    until("the emulator is idle", lambda: cluster.emulator.counters()["in_flight"] == 0)
    return cluster.emulator.paid(), cluster.paid()


def slowest_s(replies: list[Reply]) -> float:
    return max(reply.seconds for reply in replies)


def test_a_worker_dies_in_mid_sheet_and_its_images_are_sent_alone_in_time(cluster: Cluster) -> None:
    late_before = cluster.bypassed()["late"]
    load = loaded(cluster, 60)
    kill_in_mid_sheet(cluster.workers[0])
    replies = load.wait()
    assert mistakes(replies) == []
    assert slowest_s(replies) <= REQUEST_TIMEOUT_S
    assert cluster.bypassed()["late"] > late_before
    assert shares_sheets(cluster)


def test_a_worker_dies_in_mid_sheet_and_another_one_takes_its_sheet(tmp_path: Path) -> None:
    """With time enough the lease ends first: the batch comes back, and is paid and answered once more. Unless its images have
    been taken back in that very moment: nobody held them any more.
    """
    settings = SETTINGS | {"TESSERA_REQUEST_TIMEOUT_MS": "20000"}
    with running_cluster(tmp_path, api=1, workers=2, emulator=("--latency-ms", str(LATENCY_MS)), settings=settings) as cluster:
        load = loaded(cluster, 60)
        kill_in_mid_sheet(cluster.workers[0])
        replies = load.wait()
        assert mistakes(replies) == []
        returned = {line["sheet_id"] for line in cluster.workers[1].logs() if line.get("attempt") == 2}
        assert returned or cluster.bypassed()["overdue"] + cluster.bypassed()["late"] > 0
        assert returned <= {line.get("sheet_id") for line in cluster.workers[0].logs()}
        assert all(any(sheet in reply.sheets for reply in replies) for sheet in returned)
        assert cluster.workers[1].stats()["accumulator"]["leases"]["reclaimed"] == len(returned)


def test_all_workers_die_and_images_go_alone_until_one_is_back(cluster: Cluster) -> None:
    load = loaded(cluster, 130)
    for worker in cluster.workers:
        worker.kill()
    replies = load.wait()
    assert mistakes(replies) == []
    assert slowest_s(replies) <= REQUEST_TIMEOUT_S
    assert cluster.bypassed()["no_worker"] > 0
    assert {api.ready() for api in cluster.apis} == {(200, "degraded")}
    cluster.replace_dead()
    until("images share sheets again", lambda: shares_sheets(cluster))
    assert {api.ready() for api in cluster.apis} == {(200, "ready")}


def test_an_api_process_dies_and_the_clients_of_others_do_not_notice(cluster: Cluster) -> None:
    """Its own clients lose their connections, as they must. Neighbours on its sheets get their answers."""
    load = loaded(cluster, 60)
    cluster.apis[0].kill()
    replies = load.wait()
    others = [reply for reply in replies if reply.request_id.startswith("r-1-")]
    assert mistakes(others) == []
    assert slowest_s(others) < REQUEST_TIMEOUT_S / 2
    assert mistakes(reply for reply in replies if reply.status) == []
    assert {reply.error.partition(":")[0] for reply in replies if not reply.status} <= {
        "ConnectError",
        "ReadError",
        "RemoteProtocolError",
    }
    assert any(reply.layout != "1x1" for reply in others[-10:])


def test_redis_is_replaced_by_an_empty_one(cluster: Cluster) -> None:
    paid_before = cluster.paid()
    load = loaded(cluster, 70)
    cluster.redis.restart_empty()
    replies = load.wait()
    assert mistakes(replies) == []
    assert slowest_s(replies) <= REQUEST_TIMEOUT_S
    billed, ours = books(cluster)
    assert ours - paid_before == billed
    assert shares_sheets(cluster)


def test_redis_freezes_for_a_while(cluster: Cluster) -> None:
    paid_before = cluster.paid()
    load = loaded(cluster, 100)
    cluster.redis.freeze()
    try:
        until("an image was sent alone", lambda: cluster_is_degraded(cluster))
    finally:
        cluster.redis.thaw()
    replies = load.wait()
    assert mistakes(replies) == []
    assert slowest_s(replies) <= REQUEST_TIMEOUT_S
    billed, ours = books(cluster)
    assert ours - paid_before == billed
    until("images share sheets again", lambda: shares_sheets(cluster))


def cluster_is_degraded(cluster: Cluster) -> bool:
    return {api.ready()[1] for api in cluster.apis} == {"degraded"}


def test_redis_that_is_not_there_yet_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Degraded is ready: images go alone. When Redis appears, gathering begins by itself."""
    with running_cluster(tmp_path, api=2, workers=1, redis_is_up=False, settings=SETTINGS) as cluster:
        assert {api.ready() for api in cluster.apis} == {(200, "degraded")}
        replies = run_load(
            [NativeClient(api.url) for api in cluster.apis], identity_images(range(20)), rate_per_s=2 * RATE_PER_S
        )
        assert mistakes(replies) == []
        assert {reply.layout for reply in replies} == {"1x1"}
        assert cluster.bypassed()["accumulator"] == len(replies)
        assert books(cluster) == (len(replies), len(replies))
        cluster.redis.launch()
        until("images share sheets", lambda: shares_sheets(cluster))
        assert {server.ready() for server in cluster.processes} == {(200, "ready")}
        assert books(cluster)[0] == books(cluster)[1]
