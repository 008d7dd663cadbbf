"""Bent requests through the sockets of a served process: an answer or a refusal in the caller's own language, never a 500.

Over HTTP as bytes on a connection of their own, over gRPC as messages with metadata, and as frames that are none. Errors of
gRPC's own code INTERNAL or UNKNOWN are a 500 there.
"""

from __future__ import annotations

import http.client
import socket
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.cloud.vision_v1.types import image_annotator
from google.rpc import status_pb2

from app.core.model import RawRequest
from app.wire.contract import RawReply
from tests.fuzz.engine import Case, Defect, require
from tests.fuzz.framing import framed, framed_plainly
from tests.fuzz.octets import mutated_bytes
from tests.fuzz.pictures import bent_picture
from tests.fuzz.requests import mutated
from tests.fuzz.seeds import FRONTS, seeds
from tests.fuzz.shapes import FIRST_ERROR, check_refusal, strict_json
from tests.fuzz.stand import Stand
from tests.support.google_wire import GRPC_PATH, asked_image, rest_request
from tests.support.http_raw import PATIENCE_S, Reply, read_reply
from tests.support.wire import aws_request, azure_request, native_request, old_azure_request

HTTP_FRONTS = tuple(front for front in FRONTS if front != "google over grpc")
# What is said by the HTTP server itself, before there is a request that could be in anybody's language.
_OF_HTTP = frozenset({b"Invalid HTTP request received.", b"Request head is too large."})
_FIRST_SERVER_ERROR = 500
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_NEVER = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE})
_BATCH = image_annotator.BatchAnnotateImagesResponse.pb()


def over_http(stand: Stand) -> Case:
    """A case against this server."""

    def case(rng: Random) -> str:
        front = rng.choice(HTTP_FRONTS)
        good = rng.choice(seeds(front))
        raw = mutated(rng, good)
        frame = framed(rng, raw)
        try:
            reply = _exchanged(stand, frame.data, raw.method, closes=frame.waits)
        except TimeoutError as error:
            raise Defect("it hangs") from error
        except (ConnectionError, http.client.HTTPException) as error:
            require(frame.is_bent, f"{type(error).__name__} instead of an answer to {frame.data[:300]!r}")
            return "no answer to what is no HTTP"
        return _judged(front if _is_routed_as(raw, good) else "", raw, reply, is_bent=frame.is_bent)

    return case


def _is_routed_as(raw: RawRequest, good: RawRequest) -> bool:
    target = "x-amz-target"
    return (raw.method, raw.path) == (good.method, good.path) and raw.headers.get(target) == good.headers.get(target)


def _exchanged(stand: Stand, data: bytes, method: str, *, closes: bool) -> Reply:
    parts = urlsplit(stand.server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            if closes:
                connection.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:  # it answered, and closed, before it had read everything
            pass
        return read_reply(connection, method)


def _judged(front: str, raw: RawRequest, reply: Reply, *, is_bent: bool) -> str:
    """`front`: whose language the answer must have; "" where it depends on what the request has become."""
    require(
        reply.status < _FIRST_SERVER_ERROR, f"{reply.status} {reply.body[:300]!r} to {raw.method} {raw.path}?{raw.query[:200]}"
    )
    if reply.status < FIRST_ERROR:
        if "json" in reply.headers.get("content-type", ""):
            strict_json(reply.body)
        return str(reply.status)
    if reply.body in _OF_HTTP:
        require(is_bent, f"no HTTP: {raw}")
        return f"{reply.status} no HTTP"
    if raw.method == "HEAD":
        return str(reply.status)
    speaker = _speaker(raw.path, reply)
    require(not front or is_bent or speaker == front, f"{speaker} answers a request of {front}: {reply.body[:200]!r}")
    headers = {"Content-Type": reply.headers.get("content-type", "")}
    check_refusal(speaker, RawReply(reply.status, headers, reply.body))
    return str(reply.status)


def _speaker(path: str, reply: Reply) -> str:
    """Whose language a refusal is in."""
    content = reply.headers.get("content-type", "")
    if content.startswith("application/problem+json"):
        return "native"
    if content.startswith("application/x-amz-json"):
        return "rekognition"
    require(content.startswith("application/json"), f"a refusal as {content!r}: {reply.status} {reply.body[:200]!r}")
    return "azure 3.2" if path.startswith("/vision/") else "azure 4.0" if path.startswith("/computervision/") else "google"


def with_bent_images(stand: Stand) -> Case:
    """Sound requests with damaged images, of every front that sends them over HTTP."""

    def case(rng: Random) -> str:
        bent, data = bent_picture(rng)
        raw = _with_image(rng, data)
        try:
            reply = _exchanged(stand, framed_plainly(raw).data, raw.method, closes=False)
        except TimeoutError as error:
            raise Defect(f"it hangs on an image: {bent}") from error
        return _judged(_front_of(raw), raw, reply, is_bent=False)

    return case


def _with_image(rng: Random, data: bytes) -> RawRequest:
    match rng.randrange(5):
        case 0:
            return native_request("features=objects,text", data, operation="detect")
        case 1:
            return native_request("", data, operation=rng.choice(("classify", "moderate")))
        case 2:
            operation = rng.choice(("DetectLabels", "DetectFaces", "DetectModerationLabels", "DetectText"))
            return aws_request(operation, {"Image": {"Bytes": b64encode(data).decode()}})
        case 3:
            return rng.choice((azure_request(body=data), old_azure_request(body=data)))
        case _:
            names = rng.sample(("OBJECT_LOCALIZATION", "TEXT_DETECTION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION"), 2)
            return rest_request(asked_image(*names, content=data), content_type="application/json")


def _front_of(raw: RawRequest) -> str:
    if raw.path.startswith("/v1/images"):
        return "google"
    if raw.path.startswith("/v1/"):
        return "native"
    return {"/": "rekognition", "/vision/v3.2/analyze": "azure 3.2"}.get(raw.path, "azure 4.0")


def over_grpc(stand: Stand) -> tuple[Case, Callable[[], None]]:
    """A case against this server's gRPC port, and what closes its channel."""
    channel = grpc.insecure_channel(stand.server.grpc)

    def case(rng: Random) -> str:
        if rng.random() < 0.05:
            return _junk(stand, rng)
        raw = mutated(rng, rng.choice(seeds("google over grpc")))
        path = (
            GRPC_PATH
            if rng.random() < 0.9
            else rng.choice((f"{GRPC_PATH}s", "/x/y", "/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateFiles"))
        )
        call: Any = channel.unary_unary(path)
        try:
            answer = call(raw.body, timeout=PATIENCE_S, metadata=_metadata(raw))
        except grpc.RpcError as error:
            return _refused(error)
        _BATCH.FromString(answer)
        return "OK"

    return case, channel.close


def _metadata(raw: RawRequest) -> list[tuple[str, str]]:
    """What gRPC can carry of the headers."""
    carried = {name: value for name, value in raw.headers.items() if not name.startswith(("content-", "transfer-", "expect"))}
    return [(name, value) for name, value in carried.items() if value.isascii() and value.isprintable()]


def _refused(error: grpc.RpcError) -> str:
    call: grpc.Call = error  # type: ignore[assignment]  # what a channel raises is both
    code = call.code()
    require(code not in _NEVER, f"{code.name}: {call.details()}")
    require(code is not grpc.StatusCode.DEADLINE_EXCEEDED, "it hangs")
    require(call.details(), f"{code.name} without a word")
    for name, value in call.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            require(status.code == code.value[0], f"{code.name} with details of another status: {status}")
    return str(code.name)


def _junk(stand: Stand, rng: Random) -> str:
    """Frames of HTTP/2 that are none."""
    host, _, port = stand.server.grpc.rpartition(":")
    frame = rng.randrange(60).to_bytes(3) + bytes([rng.randrange(11), rng.randrange(256)]) + rng.randrange(2**31).to_bytes(4)
    settings = b"\0\0\0\4\0\0\0\0\0"
    data = mutated_bytes(rng, _PREFACE + settings + frame + rng.randbytes(rng.randrange(200)))
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        except TimeoutError as error:
            raise Defect("it hangs on frames that are none") from error
        except OSError:  # closed on the first of them
            pass
    return "closed on junk"
