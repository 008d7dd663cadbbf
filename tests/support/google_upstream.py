"""A strict Cloud Vision for tests: a gRPC server on an ephemeral port that plays a script, one entry per call, in order.

    async with GoogleUpstream(answer({"faceAnnotations": []}), Stall()) as upstream:
        ...                      # point the code under test at upstream.url
        upstream.requests        # what arrived, as proto3 JSON

Strict means: a call beyond the script, and a script that was not played to its end, are failures of the test, raised when the
block ends. Between the server and its clients stands a relay that counts connections and can break them. It is written from
the vendor's types and grpc's documentation, not from our code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NoReturn, Protocol

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import status_pb2

SERVICE, METHOD = "google.cloud.vision.v1.ImageAnnotator", "BatchAnnotateImages"
RECEIVE_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 65_536

Context = grpc.aio.ServicerContext[bytes, bytes]


class Play(Protocol):
    """One entry of the script."""

    async def play(self, upstream: GoogleUpstream, context: Context) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Bytes:
    """Any bytes as the answer's message."""

    data: bytes = field(repr=False)

    async def play(self, upstream: GoogleUpstream, context: Context) -> bytes:
        return self.data


def answer(*responses: dict[str, Any]) -> Bytes:
    """A sound answer, one response per image."""
    return Bytes(batch(*responses).SerializeToString())


def batch(*responses: dict[str, Any]) -> Any:
    return json_format.ParseDict({"responses": list(responses)}, image_annotator.BatchAnnotateImagesResponse.pb()())


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the whole call, with what google.rpc.Status holds in its details; or with any bytes in that place."""

    code: grpc.StatusCode
    message: str = "m"
    details: Sequence[Message] = ()
    raw_details: bytes = b""

    async def play(self, upstream: GoogleUpstream, context: Context) -> NoReturn:
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for each in self.details:
            status.details.add().Pack(each)
        await context.abort(
            self.code, self.message, (("grpc-status-details-bin", self.raw_details or status.SerializeToString()),)
        )
        raise AssertionError("abort raises")


@dataclass(frozen=True, slots=True)
class Stall:
    """Never answers; ends when the other side goes away, or the test."""

    async def play(self, upstream: GoogleUpstream, context: Context) -> bytes:
        await asyncio.Event().wait()
        return b""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Takes the request, and breaks the connection."""

    async def play(self, upstream: GoogleUpstream, context: Context) -> bytes:
        upstream.cut()
        return await Stall().play(upstream, context)


@dataclass(frozen=True, slots=True)
class After:
    """Waits for an event, then plays something else."""

    event: asyncio.Event
    then: Play

    async def play(self, upstream: GoogleUpstream, context: Context) -> bytes:
        await self.event.wait()
        return await self.then.play(upstream, context)


@dataclass(frozen=True, slots=True)
class Tls:
    """A server's certificate, signed by itself, and its key."""

    key_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)


def tls_for(address: str) -> Tls:
    """For a server at this IP address, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Tls(key_pem, certificate.public_bytes(Encoding.PEM))


class GoogleUpstream:
    """The server, and the relay in front of it."""

    def __init__(self, *script: Play, tls: Tls | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.images: list[bytes] = []
        self.metadata: list[dict[str, Any]] = []
        self.connections = 0
        self.left = 0
        self._arrived = asyncio.Condition()
        self._script = list(script)
        self._played = 0
        self._complaints: list[str] = []
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", RECEIVE_BYTES)])
        handler: Any = grpc.unary_unary_rpc_method_handler(self._handle)
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})])
        self._tls = tls
        self._server_port = 0
        self._relay: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._relay is not None, "the upstream has an address only inside its block"
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._relay.sockets[0].getsockname()[1]}"

    async def until(self, is_so: Callable[[GoogleUpstream], bool]) -> None:
        """Wait until something holds, as calls come and go."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: is_so(self))

    async def saw(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        await self.until(lambda upstream: len(upstream.requests) >= count)

    def cut(self) -> None:
        """Break all connections, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def __aenter__(self) -> GoogleUpstream:
        self._server_port = self._add_port("127.0.0.1:0")
        await self._server.start()
        self._relay = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._relay is not None
        self._relay.close()
        self.cut()
        await self._server.stop(0)
        await asyncio.gather(*self._carrying)
        if kind is None:
            assert not self._complaints, self._complaints
            assert self._played == len(self._script), f"{self._played} of {len(self._script)} answers were asked for"

    def _add_port(self, address: str) -> int:
        if self._tls is None:
            return self._server.add_insecure_port(address)
        credentials = grpc.ssl_server_credentials([(self._tls.key_pem, self._tls.certificate_pem)])
        return self._server.add_secure_port(address, credentials)

    async def _handle(self, data: bytes, context: Context) -> bytes:
        try:
            await self._note(data, context)
            if self._played >= len(self._script):
                self._complaints.append(f"call {self._played + 1} is beyond the script")
                raise AssertionError(self._complaints[-1])
            self._played += 1
            return await self._script[self._played - 1].play(self, context)
        finally:
            async with self._arrived:
                self.left += 1
                self._arrived.notify_all()

    async def _note(self, data: bytes, context: Context) -> None:
        request = image_annotator.BatchAnnotateImagesRequest.pb().FromString(data)
        async with self._arrived:
            for one in request.requests:
                self.images.append(one.image.content)
                one.image.content = b""
            self.requests.append(json_format.MessageToDict(request))
            self.metadata.append(dict(context.invocation_metadata() or ()))
            self._arrived.notify_all()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self.connections += 1
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers |= {writer, server_writer}
        await asyncio.gather(_pipe(reader, server_writer), _pipe(server_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
