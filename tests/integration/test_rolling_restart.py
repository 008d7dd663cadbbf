"""Every process is replaced by one of another release, one after the other, under load: no client is told.

The two releases write jobs in different formats, so that none of them can work for the other: images go on sharing sheets all
the same, each with those of its own release. The clients are vendors' SDKs and plain HTTP ones behind a balancer that follows
readiness. boto3 keeps its connections, and one that has been idle all through the drain may be used just as it is closed:
HTTP/1.1 has no remedy for that, and boto3 tries again by itself. Nobody else sends anything twice.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPIError
from google.cloud import vision

from app.accumulator.keys import FORMAT
from app.core.geometry import UnitBox
from app.demo.truth import Seen
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.google_clients import asked, grpc_client
from tests.support.load import OK, Client, IdentityImage, Load, NativeClient, Reply, SdkClient, identity_images, mistakes
from tests.support.server import REPOSITORY, RunningServer
from tests.support.tcp_balancer import Balancer, balanced

pytestmark = pytest.mark.redis

RATE_PER_S = 16.0
# More than are sent before the last process has been replaced on a busy machine.
IMAGES = 900
WARM = 8
# Eight processes start here, one after the other in part: on a machine that is busy with other tests a minute, seconds.
LONGEST_RUN_S = 240
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "150",
    "TESSERA_REQUEST_TIMEOUT_MS": "20000",
    "TESSERA_PROVIDER_TIMEOUT_MS": "3000",
    "TESSERA_LAYOUTS": "2x1",
    # Several times what the balancer takes to notice.
    "TESSERA_DRAIN_S": "1",
}
LATENCY = ("--latency-ms", "200")


class GoogleGrpcClient:
    """Google's own client over one gRPC channel, told not to try again by itself. The request's id travels as metadata."""

    def __init__(self, client: vision.ImageAnnotatorClient) -> None:
        self._client = client

    def ask(self, image: IdentityImage, request_id: str) -> Reply:
        sent_s = time.monotonic()
        requests = asked((image.content, ["OBJECT_LOCALIZATION"]))
        try:
            told = self._client.batch_annotate_images(requests=requests, retry=None, metadata=[("x-request-id", request_id)])
        except GoogleAPIError as error:
            return Reply(image, request_id, sent_s, time.monotonic() - sent_s, 0, f"{type(error).__name__}: {error}")
        (answer,) = told.responses
        seen = tuple(_seen(found) for found in answer.localized_object_annotations)
        return Reply(image, request_id, sent_s, time.monotonic() - sent_s, OK, seen=seen, headers={"x-request-id": request_id})

    def close(self) -> None:
        """The channel is its owner's."""


def _seen(found: vision.LocalizedObjectAnnotation) -> Seen:
    first, _, third, _ = found.bounding_poly.normalized_vertices
    return Seen(found.name, found.score, UnitBox(first.x, first.y, third.x, third.y))


@contextmanager
def clients_of(balancer: Balancer, some: RunningServer) -> Iterator[list[Client]]:
    """They know one address each, as behind a name: whoever stands there may change."""
    front = dataclasses.replace(some, url=balancer.url)
    with grpc_client(balancer.grpc) as google:
        fresh = {"Connection": "close"}
        yield [NativeClient(balancer.url, fresh), SdkClient(front.client(attempts=2)), GoogleGrpcClient(google)]


def gridded(load: Load, since_s: float) -> int:
    return sum(reply.layout == "2x1" for reply in load.answers if reply.sent_s >= since_s)


def other_release(folder: Path) -> Path:
    """This one as it will be after a change of its format: it runs from a copy, in which the number is another."""
    shutil.copytree(REPOSITORY / "app", folder / "app")
    keys = folder / "app" / "accumulator" / "keys.py"
    text = keys.read_text()
    keys.write_text(text.replace(f"\nFORMAT = {FORMAT}\n", f"\nFORMAT = {FORMAT + 1}\n"))
    assert keys.read_text() != text
    return folder


def replace(cluster: Cluster, balancer: Balancer, *olds: RunningServer) -> None:
    """As a rolling update does that may not have more than there were: the old ones go, then new ones come."""
    with ThreadPoolExecutor(len(olds)) as pool:
        assert set(pool.map(RunningServer.stop, olds)) == {0}
    cluster.replace_dead()
    balancer.know([(api.url, api.grpc) for api in cluster.apis])
    until("all take traffic", lambda: balancer.ready == len(cluster.apis))


@pytest.mark.timeout(LONGEST_RUN_S)
def test_all_processes_are_replaced_under_load(tmp_path: Path) -> None:
    """One of each role at a time, as deployments do; an API process takes traffic when a worker of its format is there."""
    with running_cluster(tmp_path, api=2, workers=2, emulator=LATENCY, settings=SETTINGS) as cluster, balanced() as balancer:
        api, other_api, worker, other_worker = cluster.processes
        balancer.know([(api.url, api.grpc) for api in cluster.apis])
        until("both take traffic", lambda: balancer.ready == len(cluster.apis))
        with clients_of(balancer, api) as clients:
            load = Load(clients, identity_images(range(IMAGES)), rate_per_s=RATE_PER_S).start()
            until("images share sheets", lambda: gridded(load, 0.0) >= WARM)
            cluster.release = other_release(tmp_path / "release")
            replace(cluster, balancer, worker, api)
            replace(cluster, balancer, other_worker, other_api)
            all_new_s = time.monotonic()
            until("images share sheets again", lambda: gridded(load, all_new_s) >= WARM)
            load.stop()
            replies = load.wait()
        assert mistakes(replies) == []
        assert {reply.request_id[:3] for reply in replies} >= {"r-0", "r-2"}
        assert {server.stats()["bypass"]["no_worker"] for server in cluster.apis} == {0}
