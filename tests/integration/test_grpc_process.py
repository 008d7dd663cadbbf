"""The gRPC port of a whole process: going down loses no call, and a port that is taken is said plainly."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from google.cloud import vision

from app.settings import Settings
from tests.support.cluster import until
from tests.support.emulator import running_emulator
from tests.support.google_clients import grpc_client
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.server import running_server, start_server

IMAGE = stored(plain(320, 240, Placed(8, 40, 40, 120)))
# An image that waits so long is let go by a drain, and by nothing else.
PATIENT = {"TESSERA_MAX_WAIT_MS": "20000", "TESSERA_REQUEST_TIMEOUT_MS": "30000", "TESSERA_LAYOUTS": "2x2"}


def test_sigterm_lets_calls_end(tmp_path: Path) -> None:
    with running_emulator("--no-classical") as upstream:
        settings = {"TESSERA_UPSTREAM_URL": upstream.url, **PATIENT}
        with running_server(tmp_path / "server.log", **settings) as server, grpc_client(server.grpc) as client:
            with ThreadPoolExecutor(1) as pool:
                call = pool.submit(lambda: client.object_localization(image=vision.Image(content=IMAGE)))
                until("the image waits", lambda: server.stats()["images"]["pending"]["detect"] == 1)
                server.signal(signal.SIGTERM)
                assert call.result().localized_object_annotations
            assert server.wait() == 0


def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AssertionError, match="for gRPC"):
            start_server(log, TESSERA_GRPC_PORT=str(taken.getsockname()[1]))


def test_a_port_that_nobody_chose_is_no_reason_not_to_start(tmp_path: Path) -> None:
    """Two processes on one machine, say: the second one serves HTTP, and says that it has no gRPC."""
    with ExitStack() as stack:
        holder, free = stack.enter_context(socket.socket()), stack.enter_context(socket.socket())
        with suppress(OSError):  # then somebody else holds it already
            holder.bind(("127.0.0.1", Settings().grpc_port))
            holder.listen()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        upstream = stack.enter_context(running_emulator("--no-classical"))
        log = tmp_path / "server.log"
        server = stack.enter_context(running_server(log, "--port", str(port), TESSERA_UPSTREAM_URL=upstream.url))
        assert server.grpc == ""
        assert server.ready() == (200, "ready")
        assert [line["event"] for line in server.logs()].count("no gRPC") == 1


def test_what_a_peer_says_when_it_goes_away_is_not_logged(tmp_path: Path) -> None:
    """gRPC's core would write the text of a GOAWAY frame to standard error, as it comes: a line that looks like one of ours."""
    forged = b'\n{"level": "critical", "event": "forged"}\n'
    goaway = (8 + len(forged)).to_bytes(3) + b"\7\0\0\0\0\0" + (0).to_bytes(4) + (9).to_bytes(4) + forged
    settings_frame = b"\0\0\0\4\0\0\0\0\0"
    with running_server(tmp_path / "server.log") as server:
        host, _, port = server.grpc.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings_frame + goaway)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        server.stop()
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "forged" not in log
    assert all(line.startswith("{") for line in log.splitlines())
