"""Clients that are slow on purpose, and many at once: each costs its own time and place, and the others are served."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from app.server.crowd import SPARE
from tests.support.cluster import until
from tests.support.http_raw import connected, exchange, read_reply, request, with_image
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, running_rig

MOST = 20
TIMEOUT_S = "1"
SCENE = picture(640, 480, 5)
ASKED = request(with_image(SCENE.content), headers=HURRIED)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
# Large answers: a megabyte of the documentation's scripts each.
LARGE = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("slow")
    with running_rig(folder, TESSERA_MAX_CONNECTIONS=str(MOST), TESSERA_CLIENT_TIMEOUT_S=TIMEOUT_S) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


@pytest.fixture(autouse=True)
def _still_answers(rig: Rig) -> Iterator[None]:
    yield
    reply = exchange(rig.server.url, ASKED)
    assert reply.status == 200
    check_labels(SCENE, reply.json())


def _is_held(rig: Rig, client: socket.socket) -> bool:
    """Whether the server still has the other end of this connection: not the system alone, which shows it without an inode."""
    ends = [f"{port:04X}" for port in (rig.address[1], client.getsockname()[1])]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *rest = line.split()
        if [local[-4:], remote[-4:]] == ends:
            return rest[6] != "0"
    return False


def _is_closed(connection: socket.socket) -> bool:
    """Whether the server has hung up."""
    with suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


@pytest.mark.parametrize("head", [b"P", b"POST / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_a_head_that_does_not_end_is_the_end(rig: Rig, head: bytes) -> None:
    with connected(rig.server.url) as connection:
        connection.sendall(head)
        assert _is_closed(connection)


def test_a_body_that_does_not_end_is_refused(rig: Rig) -> None:
    """Also where it goes on byte by byte: the time counts for all of it."""
    with connected(rig.server.url) as connection:
        connection.sendall(ASKED[:-100])
        connection.settimeout(0.05)
        for byte in ASKED[-100:-20]:
            with suppress(TimeoutError):
                if connection.recv(1, socket.MSG_PEEK):
                    break
            connection.sendall(bytes([byte]))
        connection.settimeout(30)
        reply = read_reply(connection)
    assert (reply.status, reply.json()["__type"]) == (400, "SerializationException")
    assert "did not arrive in time" in reply.json()["Message"]


def test_who_does_not_read_holds_no_memory_for_ever(rig: Rig) -> None:
    """Its kernel and ours take a few megabytes; then we wait, and then we hang up."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(rig.address)
        deaf.sendall(LARGE * 12)
        until("it is let in", lambda: _is_held(rig, deaf))
        until("it is turned out", lambda: not _is_held(rig, deaf))


def test_a_flood_of_silent_connections_leaves_the_door_open(rig: Rig) -> None:
    """Many more than there are places: the oldest make room, and who comes to be served is served."""
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(rig.server.url)) for _ in range(3 * (MOST + SPARE))]
        assert exchange(rig.server.url, HEALTH, "GET").status == 200
        assert exchange(rig.server.url, ASKED).status == 200
        assert _is_closed(silent[0])
        silent[-1].sendall(HEALTH)
        assert read_reply(silent[-1], "GET").status == 200


def test_a_flood_of_half_bodies_leaves_the_door_open(rig: Rig) -> None:
    with ExitStack() as stack:
        for _ in range(MOST + SPARE):
            stack.enter_context(connected(rig.server.url)).sendall(ASKED[:-100])
        assert exchange(rig.server.url, HEALTH, "GET").status == 200
