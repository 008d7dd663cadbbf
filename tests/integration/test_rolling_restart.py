"""Every process is replaced, one after the other, under load: no client is told, and images go on sharing sheets.

The clients are vendors' SDKs and plain HTTP ones behind a balancer that follows readiness; they send nothing twice.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPIError
from google.cloud import vision

from app.core.geometry import UnitBox
from app.demo.truth import Seen
from tests.support.cluster import Cluster, running_cluster, until
from tests.support.google_clients import asked, grpc_client
from tests.support.load import OK, Client, IdentityImage, Load, NativeClient, Reply, SdkClient, identity_images, mistakes
from tests.support.server import RunningServer
from tests.support.tcp_balancer import Balancer, balanced

pytestmark = pytest.mark.redis

RATE_PER_S = 16.0
# More than are sent before the last process has been replaced on a busy machine.
IMAGES = 900
WARM = 8
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "150",
    "TESSERA_REQUEST_TIMEOUT_MS": "20000",
    "TESSERA_PROVIDER_TIMEOUT_MS": "3000",
    "TESSERA_LAYOUTS": "2x1",
    # Several times what the balancer takes to notice.
    "TESSERA_DRAIN_S": "0.6",
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
        yield [NativeClient(balancer.url), SdkClient(front.client()), GoogleGrpcClient(google)]


def gridded(load: Load, since_s: float) -> int:
    return sum(reply.layout == "2x1" for reply in load.answers if reply.sent_s >= since_s)


def replace_one(cluster: Cluster, balancer: Balancer, old: RunningServer) -> None:
    """As a rolling update does that may not have more than there were: the old one goes, then a new one comes."""
    assert old.stop() == 0
    cluster.replace_dead()
    balancer.know([(api.url, api.grpc) for api in cluster.apis])
    until("all take traffic", lambda: balancer.ready == len(cluster.apis))


def test_all_processes_are_replaced_under_load(tmp_path: Path) -> None:
    with running_cluster(tmp_path, api=2, workers=2, emulator=LATENCY, settings=SETTINGS) as cluster, balanced() as balancer:
        first = list(cluster.processes)
        balancer.know([(api.url, api.grpc) for api in cluster.apis])
        until("both take traffic", lambda: balancer.ready == 2)
        with clients_of(balancer, cluster.apis[0]) as clients:
            load = Load(clients, identity_images(range(IMAGES)), rate_per_s=RATE_PER_S).start()
            until("images share sheets", lambda: gridded(load, 0.0) >= WARM)
            for old in (cluster.apis[0], cluster.workers[0], cluster.apis[1], cluster.workers[1]):
                replace_one(cluster, balancer, old)
            all_new_s = time.monotonic()
            until("images share sheets again", lambda: gridded(load, all_new_s) >= WARM)
            load.stop()
            replies = load.wait()
        assert mistakes(replies) == []
        assert not set(map(id, first)) & set(map(id, cluster.processes))
        assert cluster.bypassed()["late"] == 0
        assert {client: len([1 for reply in replies if reply.request_id.startswith(client)]) > 0 for client in ("r-0", "r-2")}
