"""Several processes are one proxy: two API processes and two workers share lanes through a real Redis.

Images that arrive at different API processes meet on sheets, and every client gets its own boxes from either of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.detectors.markers import marker_id_of
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.load import (
    Client,
    NativeClient,
    Reply,
    SdkClient,
    identity_images,
    mistakes,
    request_ids_are_unique,
    run_load,
)

pytestmark = pytest.mark.redis

MAX_WAIT_S = 0.1
SETTINGS = {"TESSERA_MAX_WAIT_MS": str(round(1000 * MAX_WAIT_S)), "TESSERA_REQUEST_TIMEOUT_MS": "20000"}
RATE_PER_S = 20.0
# What a busy machine may add to a wait, seconds.
BUSY_S = 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roles")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[Cluster]:
    with running_cluster(folder, api=2, workers=2, emulator=("--record", str(folder / "sheets")), settings=SETTINGS) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster, folder: Path) -> Cluster:
    shared.emulator.reset()
    for file in (folder / "sheets").iterdir():
        file.unlink()
    return shared


def sheets_sent(folder: Path) -> list[frozenset[int]]:
    """The identities on every image that the emulator was sent, as it saw them itself."""
    answers = [json.loads(file.read_text())["answer"] for file in sorted((folder / "sheets").glob("*.json"))]
    return [
        frozenset(known for label in answer["Labels"] if (known := marker_id_of(label["Name"])) is not None)
        for answer in answers
    ]


def arrived_at(replies: list[Reply]) -> dict[int, str]:
    """Marker id -> which API process its request went to."""
    return {reply.image.marker_id: reply.request_id.split("-")[1] for reply in replies}


def test_images_that_arrive_at_different_processes_share_sheets(cluster: Cluster, folder: Path) -> None:
    """Seen from both ends: the pixels that the vendor got, and the sheets that the answers name."""
    replies = run_load([NativeClient(api.url) for api in cluster.apis], identity_images(range(80)), rate_per_s=RATE_PER_S)
    assert mistakes(replies) == []
    assert request_ids_are_unique(replies)
    door = arrived_at(replies)
    sent = sheets_sent(folder)
    assert sorted(marker for sheet in sent for marker in sheet) == sorted(door)  # each image was sent exactly once
    mixed = [sheet for sheet in sent if {door[marker] for marker in sheet} == {"0", "1"}]
    assert len(mixed) >= len(sent) / 3  # they take turns, so most sheets hold one of each

    by_sheet: dict[str, set[int]] = {}
    for reply in replies:
        (sheet_id,) = reply.sheets
        by_sheet.setdefault(sheet_id, set()).add(reply.image.marker_id)
    assert sorted(map(sorted, by_sheet.values())) == sorted(map(sorted, sent))


def test_clients_speak_grpc_to_api_processes_and_to_no_worker(cluster: Cluster) -> None:
    assert [bool(server.grpc) for server in (*cluster.apis, *cluster.workers)] == [True, True, False, False]


def test_both_workers_work_and_the_books_of_all_agree(cluster: Cluster) -> None:
    """Paid is counted by workers, answered by whoever delivers: over all processes both are exact."""
    paid_before, answered_before = cluster.paid(), cluster.answered()
    sheets_before = [sheets_of(worker.stats()) for worker in cluster.workers]

    def are_all_working() -> bool:
        return all(sheets_of(worker.stats()) > before for worker, before in zip(cluster.workers, sheets_before, strict=True))

    replies: list[Reply] = []
    clients: list[Client] = [NativeClient(api.url) for api in cluster.apis]
    for first in range(0, 180, 60):  # on a busy machine one of two may sleep through a second or two
        replies += run_load(clients, identity_images(range(first, first + 60)), rate_per_s=2 * RATE_PER_S)
        if are_all_working():
            break
    assert are_all_working()
    assert mistakes(replies) == []
    assert cluster.paid() - paid_before == cluster.emulator.paid()
    assert cluster.answered() - answered_before == len(replies)
    assert sum(reply.share for reply in replies) == pytest.approx(cluster.emulator.paid(), abs=0.01)


def sheets_of(stats: dict[str, dict[str, dict[str, int]]]) -> int:
    return sum(stats["sheets"]["by_layout"].values())


def test_tenants_and_dialects_never_share_a_sheet(cluster: Cluster, folder: Path) -> None:
    """Two access keys and a native client, spread over both processes: three lanes, whatever arrives at the same time."""
    clients: list[Client] = [
        SdkClient(cluster.apis[0].client(access_key="FIRSTTENANT")),
        SdkClient(cluster.apis[1].client(access_key="OTHERTENANT")),
        NativeClient(cluster.apis[0].url),
        SdkClient(cluster.apis[1].client(access_key="FIRSTTENANT")),
        SdkClient(cluster.apis[0].client(access_key="OTHERTENANT")),
        NativeClient(cluster.apis[1].url),
    ]
    replies = run_load(clients, identity_images(range(60)), rate_per_s=2 * RATE_PER_S)
    assert mistakes(replies) == []
    tenant = {marker: marker % 3 for marker in range(60)}  # clients take turns, and so do their tenants
    assert all(len({tenant[marker] for marker in sheet}) == 1 for sheet in sheets_sent(folder))
    assert any(len(sheet) == 2 for sheet in sheets_sent(folder))


def test_many_sheets_are_in_flight_while_the_next_ones_fill(cluster: Cluster) -> None:
    """With a vendor that takes a second, 20 images per second keep coming and going: gathering waits for no upstream call."""
    latency_s = 1.0
    cluster.emulator.behave(latency_ms=1000 * latency_s)
    replies = run_load([NativeClient(api.url) for api in cluster.apis], identity_images(range(80)), rate_per_s=RATE_PER_S)
    assert mistakes(replies) == []
    waits_s = sorted(float(reply.headers["x-tessera-wait-ms"]) / 1000 for reply in replies)
    assert waits_s[-1] < MAX_WAIT_S + BUSY_S
    assert waits_s[len(waits_s) // 2] < MAX_WAIT_S + BUSY_S / 5
    assert max(reply.seconds for reply in replies) < latency_s + MAX_WAIT_S + 2 * BUSY_S
    # 20 images per second make more than 10 sheets per second, each under way for a second.
    assert cluster.emulator.counters()["in_flight_peak"] >= 8
    assert cluster.emulator.paid() < 0.75 * len(replies)


def test_a_process_that_comes_later_joins_in(cluster: Cluster) -> None:
    """Another API process and another worker: no word to the others, the same lanes."""
    apis, workers = list(cluster.apis), list(cluster.workers)
    cluster.start("api", "worker")
    clients = [NativeClient(cluster.apis[0].url), NativeClient(cluster.apis[-1].url)]
    replies = run_load(clients, identity_images(range(30)), rate_per_s=RATE_PER_S)
    assert mistakes(replies) == []
    doors = {sheet: set[str]() for reply in replies for sheet in reply.sheets}
    for reply in replies:
        doors[reply.sheets[0]].add(reply.request_id.split("-")[1])
    assert {"0", "1"} in doors.values()
    for late in (cluster.apis[-1], cluster.workers[-1]):
        assert late.stop() == 0
    cluster.apis[:], cluster.workers[:] = apis, workers
    until("the others go on", lambda: {server.ready() for server in cluster.processes} == {(200, "ready")})
