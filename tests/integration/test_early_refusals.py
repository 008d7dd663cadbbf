"""A full house: whoever comes is refused at once and in his vendor's own words, and those inside are served."""

from __future__ import annotations

import itertools
import json
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.api_core.exceptions import GoogleAPICallError

from tests.support.cluster import until
from tests.support.google_clients import asked, grpc_client, with_key
from tests.support.http_raw import Reply, connected, exchange, read_reply, request, signed_by
from tests.support.load import identity_images
from tests.support.sdk import Rig, new_key, running_rig, together

# Requests that are served at once, and memory for their bodies.
MOST, HELD_BYTES = 20, 2_000_000
# A refusal that comes later than that has waited for something: half of what a request may take.
EARLY_S = 3.0
DOOR = {
    "TESSERA_MAX_CONNECTIONS": str(MOST),
    "TESSERA_MAX_BODY_BYTES": str(HELD_BYTES),
    "TESSERA_MAX_HELD_BYTES": str(HELD_BYTES),
    "TESSERA_MAX_WAIT_MS": "50",
}
# Images that wait to share a sheet, sheets under way, and images alone at once.
PENDING, SHEETS, ALONE = 1, 1, 1
# What the vendor takes, and what a request may take. A server that has just begun guesses 0.8 s for an image, until it has
# seen ten: it takes in eight that go alone one after the other, and they are done in a third of their time.
VENDOR_MS, REQUEST_MS = 200, 6000
ROOM = {
    "TESSERA_MAX_PENDING": str(PENDING),
    "TESSERA_MAX_INFLIGHT": str(SHEETS),
    "TESSERA_MAX_ALONE": str(ALONE),
    "TESSERA_REQUEST_TIMEOUT_MS": str(REQUEST_MS),
    "TESSERA_MAX_WAIT_MS": "50",
}
EACH = 7
NUMBERS = itertools.count(1)
HTTP = httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
AWS_JSON, BYTES = "application/x-amz-json-1.1", "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its status (of gRPC: 200, or 503 for UNAVAILABLE), the vendor's name of the error, when to come again."""

    status: int
    code: str = ""
    again: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Front:
    """How one image is asked about over HTTP, and what a full house says there. `code`: where the error's name stands."""

    path: str
    headers: Mapping[str, str]
    body: Callable[[bytes], bytes]
    code: Callable[[Any], str]
    full: Said
    again: str = "retry-after"

    def said(self, status: int, headers: Mapping[str, str], body: bytes, seconds: float = 0.0) -> Said:
        code = "" if status == 200 else self.code(json.loads(body))
        return Said(status, code, headers.get(self.again, ""), seconds)

    def head(self) -> dict[str, str]:
        """Of a client that nobody has seen."""
        return {**self.headers, "x-api-key": new_key(), **(signed_by(new_key()) if "X-Amz-Target" in self.headers else {})}


def aws_body(image: bytes) -> bytes:
    return json.dumps({"Image": {"Bytes": b64encode(image).decode()}}).encode()


def googles_body(image: bytes) -> bytes:
    one = {"image": {"content": b64encode(image).decode()}, "features": [{"type": "OBJECT_LOCALIZATION"}]}
    return json.dumps({"requests": [one]}).encode()


FRONTS = {
    "native": Front(
        "/v1/detect",
        {"Content-Type": "image/jpeg"},
        bytes,
        lambda told: str(told["type"]),
        Said(503, "urn:tessera:problem:over-capacity", "1"),
    ),
    "rekognition": Front(
        "/",
        {"Content-Type": AWS_JSON, "X-Amz-Target": "RekognitionService.DetectLabels"},
        aws_body,
        lambda told: str(told["__type"]),
        Said(400, "ThrottlingException", "1000"),
        "x-amz-retry-after",
    ),
    "google": Front(
        "/v1/images:annotate",
        {"Content-Type": "application/json"},
        googles_body,
        lambda told: str(told["error"]["status"]),
        Said(503, "UNAVAILABLE"),
    ),
    "azure": Front(
        "/computervision/imageanalysis:analyze?api-version=2024-02-01&features=objects",
        {"Content-Type": BYTES},
        bytes,
        lambda told: str(told["error"]["code"]),
        Said(429, "429", "1"),
    ),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("full"), s3=False, **DOOR) as running:
        yield running
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


def picture() -> bytes:
    """One that nobody has asked about."""
    return identity_images([next(NUMBERS)])[0].content


def ask(rig: Rig, name: str, image: bytes) -> Said:
    front, began_s = FRONTS[name], time.monotonic()
    reply = HTTP.post(rig.server.url + front.path, content=front.body(image), headers=front.head())
    return front.said(reply.status_code, reply.headers, reply.content, time.monotonic() - began_s)


def ask_grpc(client: Any, image: bytes) -> Said:
    began_s = time.monotonic()
    try:
        requests = asked((image, ["OBJECT_LOCALIZATION"]))
        client.batch_annotate_images(requests=requests, metadata=with_key(new_key()), retry=None)
    except GoogleAPICallError as error:
        code = error.grpc_status_code
        status = 503 if code is grpc.StatusCode.UNAVAILABLE else 500
        return Said(status, code.name if code else "", seconds=time.monotonic() - began_s)
    return Said(200, seconds=time.monotonic() - began_s)


def check_refused(name: str, said: Said) -> None:
    full = FRONTS[name].full if name in FRONTS else Said(503, "UNAVAILABLE")
    assert (said.status, said.code) == (full.status, full.code)
    assert said.again in {full.again, ""}
    assert said.seconds < EARLY_S


@contextmanager
def half_requests(rig: Rig, count: int, body: bytes) -> Iterator[Callable[[], Sequence[Reply]]]:
    """Requests of which the server has all but the last byte; what is yielded sends that, and reads the answers."""
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(rig.server.url)) for _ in range(count)]
        for line in lines:
            line.sendall(request(body, headers={**signed_by(new_key()), "X-Tessera-Grid": "off"})[:-1])
        until("all has been read", lambda: not any(on_the_way(rig, line) for line in lines))

        def end() -> Sequence[Reply]:
            for line in lines:
                line.sendall(body[-1:])
            return [read_reply(line) for line in lines]

        yield end


def on_the_way(rig: Rig, line: socket.socket) -> bool:
    """Whether the system still has bytes that the server has not taken."""
    ports = {f"{port:04X}" for port in (rig.address[1], line.getsockname()[1])}
    ends = [end.split() for end in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [queue for _, local, remote, _, queue, *_ in ends if {local[-4:], remote[-4:]} == ports]
    return queues != ["00000000:00000000"] * 2


def test_when_as_many_as_may_be_are_inside_the_next_is_told_by_his_vendor(rig: Rig) -> None:
    """Before his body is read. Health checks are answered all the same."""
    with half_requests(rig, MOST, aws_body(picture())) as end:
        for front in FRONTS.values():
            reply = exchange(rig.server.url, request(b"", path=front.path, target=None, headers=front.head()))
            assert front.said(reply.status, reply.headers, reply.body) == front.full
            assert reply.headers["connection"] == "close"
        assert exchange(rig.server.url, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "GET").status == 200
        assert {reply.status for reply in end()} == {200}


def test_when_bodies_fill_the_memory_the_next_is_told_by_his_vendor(rig: Rig) -> None:
    """One that is nearly whole has nearly all of it, and is served in the end."""
    image = picture()
    padded = json.dumps({"Image": {"Bytes": b64encode(image).decode()}}).encode()
    padded += b" " * (HELD_BYTES - len(padded) - 1000)
    with half_requests(rig, 1, padded) as end, grpc_client(rig.server.grpc) as client:
        for name in FRONTS:
            said = ask(rig, name, image)
            check_refused(name, said)
            assert said.again == FRONTS[name].full.again
        check_refused("grpc", ask_grpc(client, image))
        assert [reply.status for reply in end()] == [200]
    assert ask(rig, "native", image).status == 200


def test_when_nobody_else_could_be_answered_in_time_he_is_told_by_his_vendor_at_once(tmp_path: Path) -> None:
    """Nothing more may wait for a sheet, and too many wait to be sent alone. Those who were taken in have their answers."""
    with running_rig(tmp_path, "--latency-ms", str(VENDOR_MS), s3=False, **ROOM) as rig, grpc_client(rig.server.grpc) as client:
        asks = {name: partial(ask, rig, name) for name in FRONTS} | {"grpc": partial(ask_grpc, client)}
        names = [name for _ in range(EACH) for name in asks]
        told = together(*(partial(asks[name], picture()) for name in names))
    refused = [(name, said) for name, said in zip(names, told, strict=True) if said.status != 200]
    for name, said in refused:
        check_refused(name, said)
    assert {name for name, _ in refused} == set(asks)
    assert len(told) - len(refused) >= PENDING + SHEETS + ALONE
