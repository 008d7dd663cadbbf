"""Going down: nobody who was let in loses his answer, and nothing is left behind.

SIGTERM: readiness falls at once while requests are still taken (TESSERA_DRAIN_S, for balancers); then what has gathered goes
out, answers are delivered, and the process ends with exit code 0. The embedded emulator never outlives its parent.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import running_cluster, until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.load import Client, Load, NativeClient, SdkClient, identity_images, mistakes, run_load
from tests.support.server import RunningServer, running_server

RATE_PER_S = 20.0
WARM = 10
# Sent after readiness has fallen: a balancer takes a moment to notice.
UNAWARE = 5
LATENCY_MS = 300
DRAIN_S = 1.0
# Longest that going down may take without a drain, seconds: the slowest answer under way, and a busy machine.
GOING_DOWN_S = 10.0
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "100",
    "TESSERA_PROVIDER_TIMEOUT_MS": "3000",
    "TESSERA_REQUEST_TIMEOUT_MS": "15000",
}
# An image that waits so long is let go by a drain, and by nothing else.
PATIENT = SETTINGS | {"TESSERA_MAX_WAIT_MS": "10000", "TESSERA_LAYOUTS": "2x2"}
SLOW = ("--latency-ms", str(LATENCY_MS))


@dataclass(frozen=True, slots=True)
class Stage:
    """One process that clients talk to, everything behind it, and the processes that would log sheets."""

    front: RunningServer
    workers: Sequence[RunningServer]
    emulator: RunningEmulator


@contextmanager
def in_memory(folder: Path, **settings: str) -> Iterator[Stage]:
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator("--no-classical", *SLOW))
        server = stack.enter_context(running_server(folder / "all.log", TESSERA_UPSTREAM_URL=emulator.url, **settings))
        yield Stage(server, [server], emulator)


@contextmanager
def over_redis(folder: Path, **settings: str) -> Iterator[Stage]:
    with running_cluster(folder, api=1, workers=1, emulator=SLOW, settings=settings) as cluster:
        yield Stage(cluster.apis[0], cluster.workers, cluster.emulator)


STAGES = [pytest.param(in_memory, id="memory"), pytest.param(over_redis, id="redis", marks=pytest.mark.redis)]


def under_load(servers: Sequence[RunningServer], images: int = 200) -> Load:
    """Clients of both kinds, at their pace."""
    clients: list[Client] = [client for server in servers for client in (NativeClient(server.url), SdkClient(server.client()))]
    load = Load(clients, identity_images(range(images)), rate_per_s=RATE_PER_S).start()
    until("the load has found its pace", lambda: load.answered >= WARM)
    return load


@pytest.mark.parametrize("stage", STAGES)
def test_sigterm_under_load_loses_nothing(stage: Callable[..., Stage], tmp_path: Path) -> None:
    with stage(tmp_path, TESSERA_DRAIN_S=str(DRAIN_S), **SETTINGS) as here:  # type: ignore[attr-defined]  # a context manager
        load = under_load([here.front])
        told_s = time.monotonic()
        here.front.signal(signal.SIGTERM)
        until("readiness falls", lambda: here.front.ready() == (503, "draining"))
        already = load.sent
        until("more requests are sent all the same", lambda: load.sent >= already + UNAWARE)
        load.stop()  # the balancer has noticed
        replies = load.wait()
        assert here.front.wait() == 0
        assert DRAIN_S <= time.monotonic() - told_s < DRAIN_S + GOING_DOWN_S
    assert len(replies) >= already + UNAWARE
    assert mistakes(replies) == []


def test_while_draining_an_answer_is_the_last_one_on_its_connection(tmp_path: Path) -> None:
    """A client that keeps its connection would otherwise stay to the end, and might ask again just as it is closed."""
    (image,) = identity_images(range(1))
    with in_memory(tmp_path, TESSERA_DRAIN_S="20", **SETTINGS) as here:
        kept = http.client.HTTPConnection(urlsplit(here.front.url).netloc, timeout=GOING_DOWN_S)

        def answer() -> http.client.HTTPResponse:
            kept.request("POST", "/v1/detect", image.content, {"Content-Type": "image/jpeg"})
            response = kept.getresponse()
            response.read()
            return response

        assert answer().getheader("connection") is None
        here.front.signal(signal.SIGTERM)
        until("readiness falls", lambda: here.front.ready() == (503, "draining"))
        last = answer()
        assert (last.status, last.getheader("connection")) == (200, "close")
        kept.close()
        here.front.kill()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_what_has_gathered_goes_out_at_once(stage: Callable[..., Stage], number: signal.Signals, tmp_path: Path) -> None:
    """Without a drain time as well: a lone image leaves its window early, and its client gets its answer."""
    with stage(tmp_path, **PATIENT) as here:  # type: ignore[attr-defined]  # a context manager
        load = Load([NativeClient(here.front.url)], identity_images(range(2)), rate_per_s=1000.0).start()
        until("both images wait", lambda: here.front.stats()["images"]["pending"]["detect"] == 2)
        here.front.signal(number)
        replies = load.wait()
        assert here.front.wait() == 0
        assert mistakes(replies) == []
        assert max(reply.seconds for reply in replies) < GOING_DOWN_S
        assert here.emulator.paid() == 1
        claimed = [line for worker in here.workers for line in worker.logs() if line["event"] == "sheet claimed"]
        assert [(line["release"], line["images"]) for line in claimed] == [("drain", 2)]


@pytest.mark.redis
def test_a_worker_goes_down_under_load_and_nobody_notices(tmp_path: Path) -> None:
    """It finishes what it holds and leaves the rest to others: no image is late, none is paid twice."""
    with running_cluster(tmp_path, api=2, workers=2, emulator=SLOW, settings=SETTINGS) as cluster:
        load = under_load(cluster.apis, 70)
        assert cluster.workers[0].stop() == 0
        replies = load.wait()
        assert mistakes(replies) == []
        assert cluster.bypassed()["late"] == 0
        assert cluster.workers[1].stats()["accumulator"]["leases"] == {"reclaimed": 0, "refused": 0}
        assert cluster.emulator.paid() == round(sum(reply.share for reply in replies))


@pytest.mark.redis
def test_all_go_down_at_once_and_every_image_is_answered_first(tmp_path: Path) -> None:
    """As a whole deployment does. The last worker sends out what waits before it goes: nobody goes alone, nobody is late."""
    with running_cluster(tmp_path, api=1, workers=1, emulator=SLOW, settings=PATIENT) as cluster:
        (api,), (worker,) = cluster.apis, cluster.workers
        load = Load([NativeClient(api.url)], identity_images(range(2)), rate_per_s=1000.0).start()
        until("both images wait", lambda: api.stats()["images"]["pending"]["detect"] == 2)
        assert worker.stop() == 0
        assert api.stop() == 0
        replies = load.wait()
        assert mistakes(replies) == []
        assert max(reply.seconds for reply in replies) < GOING_DOWN_S
        assert cluster.emulator.paid() == 1
        assert [line["release"] for line in worker.logs() if line["event"] == "sheet claimed"] == ["drain"]


# An upstream that answers nobody, and a server with little time: what is under way cannot be finished.
HURRIED = SETTINGS | {"TESSERA_SHUTDOWN_S": "2", "TESSERA_PROVIDER_TIMEOUT_MS": "60000", "TESSERA_REQUEST_TIMEOUT_MS": "60000"}
UNENDING_MS = 60_000


def test_who_is_still_inside_at_the_end_gets_his_vendors_error(tmp_path: Path) -> None:
    with in_memory(tmp_path, **HURRIED) as here:
        here.emulator.behave(latency_ms=UNENDING_MS)
        clients: list[Client] = [NativeClient(here.front.url), SdkClient(here.front.client())]
        load = Load(clients, identity_images(range(2)), rate_per_s=1000.0).start()
        until("both are asked for", lambda: here.emulator.counters()["in_flight"] == 2)
        assert here.front.stop() == 0
        native, sdk = sorted(load.wait(), key=lambda reply: reply.status, reverse=True)
        assert native.status == 503
        assert (sdk.status, sdk.error) == (500, "ThrottlingException")
        assert all(line["event"] != "unexpected failure" for line in here.front.logs())


def test_a_request_that_is_still_being_sent_holds_nobody_up(tmp_path: Path) -> None:
    """Nothing has been done for it: it gets its vendor's word after a few seconds, and the process ends."""
    with in_memory(tmp_path, **SETTINGS | {"TESSERA_SHUTDOWN_S": "60"}) as here:
        address = urlsplit(here.front.url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.settimeout(GOING_DOWN_S)
            head = b"Host: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall(b"POST /v1/images:annotate HTTP/1.1\r\n" + head)
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # it is inside
            connection.sendall(b"{")
            told_s = time.monotonic()
            assert here.front.stop() == 0
            assert time.monotonic() - told_s < GOING_DOWN_S
            assert connection.recv(100).startswith(b"HTTP/1.1 503 ")


@pytest.mark.redis
def test_a_worker_that_cannot_finish_in_time_gives_back_what_it_holds(tmp_path: Path) -> None:
    """Others take it up at once, and need not wait for the end of its lease."""
    with running_cluster(tmp_path, api=1, workers=1, emulator=SLOW, settings=HURRIED) as cluster:
        (api,), (worker,) = cluster.apis, cluster.workers
        cluster.emulator.behave(latency_ms=UNENDING_MS)
        load = Load([NativeClient(api.url)], identity_images(range(2)), rate_per_s=1000.0).start()
        until("a sheet is under way", lambda: cluster.emulator.counters()["in_flight"] > 0)
        assert worker.stop() == 0
        cluster.emulator.behave(latency_ms=0)
        replies = load.wait()
        assert mistakes(replies) == []
        assert max(reply.seconds for reply in replies) < GOING_DOWN_S


def test_a_second_signal_does_no_harm(tmp_path: Path) -> None:
    with in_memory(tmp_path, TESSERA_DRAIN_S=str(DRAIN_S), **SETTINGS) as here:
        load = Load([NativeClient(here.front.url)], identity_images(range(4)), rate_per_s=1000.0).start()
        until("a sheet is under way", lambda: here.emulator.counters()["in_flight"] > 0)
        here.front.signal(signal.SIGTERM)
        until("readiness falls", lambda: here.front.ready()[0] == 503)
        here.front.signal(signal.SIGTERM)
        here.front.signal(signal.SIGINT)
        assert mistakes(load.wait()) == []
        assert here.front.wait() == 0


def test_an_idle_process_ends_at_once(tmp_path: Path) -> None:
    with in_memory(tmp_path, **SETTINGS) as here:
        assert mistakes(run_load([NativeClient(here.front.url)], identity_images(range(2)), rate_per_s=100.0)) == []
        told_s = time.monotonic()
        assert here.front.stop() == 0
        assert time.monotonic() - told_s < GOING_DOWN_S / 2


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_the_embedded_emulator_dies_with_its_parent(ending: signal.Signals, tmp_path: Path) -> None:
    with running_server(tmp_path / "serve.log") as server:
        (child,) = children_of(server.process.pid)
        server.signal(ending)
        assert server.wait() == (0 if ending is signal.SIGTERM else -ending)
        until("the child has ended as well", lambda: not is_running(child))


def test_ctrl_c_leaves_the_emulator_alone_until_all_is_answered(tmp_path: Path) -> None:
    """A terminal sends SIGINT to the whole group; a child that obeyed it would leave the proxy without its upstream."""
    with running_server(tmp_path / "serve.log", **PATIENT) as server:
        (child,) = children_of(server.process.pid)
        assert os.getpgid(child) != os.getpgid(server.process.pid)
        load = Load([NativeClient(server.url)], identity_images(range(2)), rate_per_s=1000.0).start()
        until("both images wait", lambda: server.stats()["images"]["pending"]["detect"] == 2)
        server.signal(signal.SIGINT)
        assert mistakes(load.wait()) == []
        assert server.wait() == 0
        until("the child has ended as well", lambda: not is_running(child))


def children_of(pid: int) -> list[int]:
    """From /proc: field 4 of `stat` is the parent."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            state = stat_of(int(entry.name))
            found += [int(entry.name)] if state[1:2] == [str(pid)] else []
    return found


def is_running(pid: int) -> bool:
    """A zombie does not run: it has ended, and whoever inherited it has not looked yet."""
    return stat_of(pid)[:1] not in ([], ["Z"])


def stat_of(pid: int) -> list[str]:
    """State, parent and so on: what follows the command's name, which may hold anything, in brackets."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
