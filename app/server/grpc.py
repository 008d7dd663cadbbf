"""The gRPC surface: Google's ImageAnnotator, on a port of its own. Messages travel as bytes; the dialect reads them.

In: serialized requests with their metadata. Out: serialized answers, or a status made of the dialect's refusal; headers of ours
travel as trailing metadata. Built and taken down by `app.main`. Methods that are not registered are answered UNIMPLEMENTED.
The one message of a call is taken from a stream, which looks the same to clients: so its time can be measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
import orjson

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.contract import ForwardReply
from app.server.desk import Desk
from app.server.landing import Landing
from app.server.reading import BodyShare, unless_client_leaves
from app.server.tls import Certificate
from app.server.visit import FIRST_ERROR_STATUS
from app.wire.contract import Dialect, RawReply
from app.wire.google import GRPC_METHOD, GRPC_SERVICE, packed_status
from app.wire.headers import REQUEST_ID

T = TypeVar("T")
_Context = grpc.aio.ServicerContext[bytes, bytes]

# So much more is received, and then refused in the vendor's words.
_ROOM_BYTES = 1024 * 1024
# When the server goes down: longest for a message that is still on its way, and for an answer that is, seconds.
READING_S = 5.0
SENDING_S = 1.0
# Largest metadata, bytes: bearer tokens stay well below 16 kB. The same as for HTTP.
_MAX_METADATA_BYTES = 32_768
# Calls under way on one connection; a client with more waits, or opens another one. Google's own servers allow as many.
_STREAMS = 100
# A connection without calls is closed after so long, milliseconds: as over HTTP.
_IDLE_MS = 75_000
# Longest for the beginning of a connection, TLS included, milliseconds.
_HANDSHAKE_MS = 10_000
# A client that has said nothing for so long is asked whether it is still there, and has so long to say so, milliseconds.
_SILENCE_MS, _ANSWER_MS = 60_000, 20_000
# Of the drain's time, what a connection lives; grpc adds a tenth at random. Calls on it end in their own time.
_LIFE_OF_DRAIN = 0.75
_PATH = f"/{GRPC_SERVICE}/{GRPC_METHOD}"
# Where clients look for a whole google.rpc.Status: https://grpc.io/docs/guides/error/
_DETAILS = "grpc-status-details-bin"
# Headers of a reply that have no meaning as metadata.
_NOT_METADATA = frozenset({"content-type"})


@dataclass(slots=True)
class _GrpcArrival:
    """One call. `left` is set when its client has cancelled it, or is out of time."""

    messages: AsyncIterator[bytes] = field(repr=False)
    metadata: Mapping[str, str]
    max_bytes: int
    timeout_s: float
    landing: Landing = field(repr=False)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def given_id(self) -> str | None:
        return self.metadata.get(REQUEST_ID.lower())

    async def read(self, share: BodyShare) -> RawRequest:
        data = await self.unless_client_leaves(self._message())
        if len(data) > self.max_bytes:
            words = f"Request payload size exceeds the limit: {self.max_bytes} bytes."
            raise Problem(Kind.BODY_TOO_LARGE, words)
        share.take(len(data))
        return RawRequest("POST", _PATH, "", self.metadata, data)

    async def _message(self) -> bytes:
        """The first, which is all that a call of this kind has. Until it is asked for, grpc leaves it on the line."""
        async with self.landing.place(self.timeout_s):
            async for data in self.messages:
                return data
        raise Problem(Kind.MALFORMED_REQUEST, "the call holds no message")

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        return await unless_client_leaves(self.left.wait(), work)


@dataclass(frozen=True, slots=True)
class GrpcRules:
    """`most`: connections, and calls, at once. `landing`: messages that are being taken in at once; each may be as large as a
    body. `client_timeout_s`: longest for a message. `reading_s`: the same at the end.

    `drain_s`: time between the fall of readiness and the end. A client keeps its one connection as long as it may, so each is
    told within that time to make a new one, and a balancer sends that elsewhere: at the end nobody is left to be cut off.
    """

    most: int = 4096
    client_timeout_s: float = 60.0
    reading_s: float = READING_S
    drain_s: float = 0.0
    landing: int = 24


DEFAULT_RULES = GrpcRules()


class GrpcServer:
    """Lets gRPC calls in to the desk. Every call is a task of its own, so that a cancelled one ends in order."""

    def __init__(self, desk: Desk, dialect: Dialect, rules: GrpcRules = DEFAULT_RULES) -> None:
        self._desk = desk
        self._dialect = dialect
        self._rules = rules
        self._server: grpc.aio.Server | None = None
        self._landing = Landing(rules.landing)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def start(self, host: str, port: int, certificate: Certificate | None = None) -> str:
        """Listen; the address, with the port that was taken. Raises OSError where it is taken already.

        grpc has a whole message in memory before anybody here can count it: one may be no larger than an HTTP body, and only
        so many are taken in at once (`landing`).
        """
        server = grpc.aio.server(options=self._options(), maximum_concurrent_rpcs=self._rules.most)
        handlers: dict[str, Any] = {GRPC_METHOD: grpc.stream_unary_rpc_method_handler(self._handle)}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(GRPC_SERVICE, handlers)])
        shown = f"[{host}]" if ":" in host else host
        address = f"{shown}:{port}"
        try:
            taken = (
                server.add_insecure_port(address)
                if certificate is None
                else server.add_secure_port(address, _credentials(certificate))
            )
        except RuntimeError as error:
            await server.stop(None)
            raise OSError(f"cannot listen on {address} for gRPC") from error
        await server.start()
        self._server = server
        return f"{shown}:{taken}"

    def _options(self) -> list[tuple[str, int]]:
        age_ms = round(self._rules.drain_s * _LIFE_OF_DRAIN * 1000)
        return [
            *([("grpc.max_connection_age_ms", age_ms)] if age_ms else []),
            ("grpc.max_receive_message_length", self._desk.max_body_bytes + _ROOM_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
            ("grpc.max_concurrent_streams", _STREAMS),
            ("grpc.max_allowed_incoming_connections", self._rules.most),
            ("grpc.max_connection_idle_ms", _IDLE_MS),
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
            ("grpc.keepalive_time_ms", _SILENCE_MS),
            ("grpc.keepalive_timeout_ms", _ANSWER_MS),
            ("grpc.http2.bdp_probe", 0),  # or it takes in megabytes of each message that nobody has asked for yet
            ("grpc.so_reuseport", 0),  # a port has one owner
        ]

    async def stop(self, grace_s: float) -> None:
        """No new calls from now on; those under way have so long, then they are cancelled; without a whole message, seconds."""
        if self._server is None:
            return
        stopping = asyncio.create_task(self._server.stop(grace_s), name="grpc server")
        await asyncio.wait({stopping}, timeout=self._rules.reading_s)
        self._desk.end_reading()
        while self._under_way and not stopping.done():
            await asyncio.wait({stopping, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
        await self._server.stop(min(grace_s, SENDING_S))
        await stopping
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _handle(self, messages: AsyncIterator[bytes], context: _Context) -> bytes:
        metadata = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
        arrival = _GrpcArrival(messages, metadata, self._desk.max_body_bytes, self._rules.client_timeout_s, self._landing)
        task = asyncio.create_task(self._desk.serve(arrival, self._dialect), name="grpc call")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            served = await asyncio.shield(task)
        finally:
            arrival.left.set()  # where the call was cancelled; nobody listens any more where it was answered
        return await _sent(served.reply, context)


def _credentials(certificate: Certificate) -> grpc.ServerCredentials:
    """Each handshake has the pair that the server has by then."""

    def configuration() -> grpc.ServerCertificateConfiguration:
        pair = certificate.pair
        return grpc.ssl_server_certificate_configuration([(pair.key, pair.chain)])

    return grpc.dynamic_ssl_server_credentials(configuration(), configuration)


async def _sent(reply: RawReply | ForwardReply, context: _Context) -> bytes:
    if isinstance(reply, ForwardReply):
        raise TypeError("over gRPC nothing is passed through")
    trailing = tuple((name.lower(), value) for name, value in reply.headers.items() if name.lower() not in _NOT_METADATA)
    if reply.status >= FIRST_ERROR_STATUS:
        code, message = _status(reply.body)
        details = packed_status(reply.body)
        await context.abort(code, message, (*trailing, (_DETAILS, details)) if details else trailing)
    context.set_trailing_metadata(trailing)
    return reply.body


def _status(body: bytes) -> tuple[grpc.StatusCode, str]:
    """Code and words of a refusal; it is the same JSON as over REST."""
    error = orjson.loads(body)["error"]
    return grpc.StatusCode[error["status"]], str(error["message"])
