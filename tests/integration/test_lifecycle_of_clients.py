"""A client that leaves: its image is withdrawn, its cell is free for somebody else, and nobody pays for it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import running_cluster, until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.load import IdentityImage, NativeClient, identity_images, mistakes, run_load
from tests.support.server import RunningServer, running_server

LATENCY_MS = 500
CONNECT_S = 10.0
# Two cells and much patience: an image goes out with the next one, or not at all.
SETTINGS = {"TESSERA_MAX_WAIT_MS": "20000", "TESSERA_LAYOUTS": "2x1", "TESSERA_PROVIDER_TIMEOUT_MS": "3000"}


@dataclass(frozen=True, slots=True)
class Stage:
    """The process that clients talk to, and what stands behind it."""

    front: RunningServer
    emulator: RunningEmulator

    def waiting(self) -> int:
        return int(self.front.stats()["images"]["pending"]["detect"])

    def cancelled(self) -> int:
        return int(self.front.stats()["requests"]["by_outcome"].get("cancelled", 0))


@pytest.fixture(scope="module", params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("leaving")
    latency = ("--latency-ms", str(LATENCY_MS))
    if request.param == "redis":
        with running_cluster(folder, api=1, workers=1, emulator=latency, settings=SETTINGS) as cluster:
            yield Stage(cluster.apis[0], cluster.emulator)
        return
    with (
        running_emulator("--no-classical", *latency) as emulator,
        running_server(folder / "all.log", TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as server,
    ):
        yield Stage(server, emulator)


def begun(server: RunningServer, image: IdentityImage) -> http.client.HTTPConnection:
    """A client that has sent its request and waits; closing the connection is leaving."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=CONNECT_S)
    connection.request("POST", "/v1/detect", image.content, {"Content-Type": "image/jpeg"})
    return connection


def test_who_leaves_while_waiting_is_not_paid_for_and_leaves_a_free_cell(stage: Stage) -> None:
    stage.emulator.reset()
    cancelled_before = stage.cancelled()
    leaving, *staying = identity_images(range(3))
    connection = begun(stage.front, leaving)
    until("its image waits", lambda: stage.waiting() == 1)
    connection.close()
    until("its image is gone", lambda: stage.waiting() == 0)
    replies = run_load([NativeClient(stage.front.url)], staying, rate_per_s=100.0)
    assert mistakes(replies) == []
    assert {reply.layout for reply in replies} == {"2x1"}
    assert len({reply.sheets for reply in replies}) == 1
    assert stage.emulator.paid() == 1
    assert stage.cancelled() == cancelled_before + 1


def test_who_leaves_while_the_sheet_is_under_way_takes_nothing_from_a_neighbour(stage: Stage) -> None:
    """It may have been paid for already: then it stays on the sheet, and only its answer goes nowhere."""
    stage.emulator.reset()
    answered_before = stage.front.stats()["requests"]["by_outcome"]["answered"]
    leaving, staying = identity_images((20, 21))  # its answer is kept for its retry: nobody else may ask for it here
    connection = begun(stage.front, leaving)
    until("its image waits", lambda: stage.waiting() == 1)
    neighbour = begun(stage.front, staying)
    until("their sheet is under way", lambda: stage.emulator.counters()["in_flight"] == 1)
    connection.close()
    reply = neighbour.getresponse()
    body = reply.read().decode()
    neighbour.close()
    assert reply.status == 200
    assert staying.truth.label in body
    assert leaving.truth.label not in body
    assert stage.emulator.paid() == 1
    assert stage.front.stats()["requests"]["by_outcome"]["answered"] == answered_before + 1


def test_a_crowd_that_leaves_costs_nothing(stage: Stage) -> None:
    """However many come and go: none is paid for, none stays behind."""
    stage.emulator.reset()
    for image in identity_images(range(10)):
        connection = begun(stage.front, image)
        until("its image waits", lambda: stage.waiting() == 1)
        connection.close()
        until("its image is gone", lambda: stage.waiting() == 0)
    assert stage.emulator.counters()["totals"]["requests"] == 0
