"""The gRPC server: calls reach the desk, cancelled ones free what they held, and going down lets the others end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import from_grpc_error

from app.clock import SystemClock
from app.core.clients import Tenant
from app.core.model import Bypass, RawRequest
from app.core.prices import PriceList
from app.errors import Kind, Problem, VendorError
from app.fares import Fares
from app.providers.contract import ForwardReply
from app.server.desk import Desk, DeskRules
from app.server.grpc import GrpcRules, GrpcServer
from app.server.retries import Account
from app.wire.contract import Answered, Call, Calls, Passthrough
from app.wire.google import GoogleDialect
from tests.support.google_wire import GRPC_PATH, alone, answered, asked_image, grpc_request

REQUEST = grpc_request(asked_image("OBJECT_LOCALIZATION")).body
CAT = {"localizedObjectAnnotations": [{"name": "Cat", "score": 0.5}]}
CALL_S = 30.0
READING_S = 0.2


@dataclass(slots=True)
class Pipeline:
    """Answers when it is told to."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    problem: Problem | None = None

    async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
        self.came.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.problem is not None:
            raise self.problem
        return answered(alone(CAT))


@dataclass(slots=True)
class Ledger:
    outcomes: list[tuple[str, str, str]] = field(default_factory=list)

    def request_done(self, endpoint: str, task: str, outcome: str, seconds: float) -> None:
        self.outcomes.append((endpoint, task, outcome))

    def bypass(self, reason: Bypass) -> None: ...
    def filtered(self, boxes: int) -> None: ...
    def passed_through(self, inferences: int, dollars: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    pipeline: Pipeline
    ledger: Ledger
    desk: Desk
    server: GrpcServer
    channel: grpc.aio.Channel
    address: str

    def call(self, data: bytes = REQUEST) -> Any:
        unary: Any = self.channel.unary_unary(GRPC_PATH)
        return unary(data, timeout=CALL_S)


@asynccontextmanager
async def bench(
    max_held_bytes: int = 200_000_000, timeout_s: float = CALL_S, most: int = 100, landing: int = 10
) -> AsyncIterator[Bench]:
    pipeline, ledger = Pipeline(), Ledger()
    rules = DeskRules(1000, max_held_bytes, 10.0, "rekognition", PriceList())
    desk = Desk(pipeline, None, rules, ledger, SystemClock(), new_id=lambda: "request-1")
    server = GrpcServer(desk, GoogleDialect(), GrpcRules(most, timeout_s, READING_S, landing=landing))
    address = await server.start("127.0.0.1", 0)
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        try:
            yield Bench(pipeline, ledger, desk, server, channel, address)
        finally:
            pipeline.go.set()
            await server.stop(0)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
PING = frame(6, 0, 0, b"12345678")


def half_a_call() -> bytes:
    """HTTP/2 of a call whose message is announced with 64 bytes, of which four come."""

    def field_of(name: bytes, value: bytes) -> bytes:
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

    told = {b":method": b"POST", b":scheme": b"http", b":path": GRPC_PATH.encode(), b":authority": b"x"}
    more = {b"content-type": b"application/grpc", b"te": b"trailers"}
    head = b"".join(field_of(name, value) for name, value in (told | more).items())
    message = b"\0" + (64).to_bytes(4, "big") + b"half"
    return HELLO + frame(1, 4, 1, head) + frame(0, 0, 1, message)


async def test_a_call_is_answered() -> None:
    async with bench() as running:
        running.pipeline.go.set()
        assert b"Cat" in await running.call()
        assert running.ledger.outcomes == [("google", "detect", "answered")]


async def test_a_client_that_leaves_frees_what_it_held() -> None:
    async with bench() as running:
        call = running.call()
        await running.pipeline.came.wait()
        call.cancel()
        await running.pipeline.cancelled.wait()
    assert running.ledger.outcomes == [("google", "detect", "cancelled")]
    assert running.desk.inside == 0


async def test_going_down_lets_calls_end() -> None:
    async with bench() as running:
        call = running.call()
        await running.pipeline.came.wait()
        stopping = asyncio.create_task(running.server.stop(CALL_S))
        running.pipeline.go.set()
        assert b"Cat" in await call
        await stopping
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.call()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_who_is_still_inside_at_the_end_is_told() -> None:
    async with bench() as running:
        call = running.call()
        await running.pipeline.came.wait()
        running.desk.end()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_message_that_does_not_come_whole_holds_nobody_up() -> None:
    """Half of a frame over a bare connection: nobody has shown it to us yet."""
    began_s = asyncio.get_running_loop().time()
    async with bench() as running:
        reader, writer = await asyncio.open_connection(*running.address.rsplit(":", 1))
        writer.write(half_a_call())
        await reader.read(1)  # its settings: it listens
        await running.server.stop(CALL_S)
        writer.close()
    assert asyncio.get_running_loop().time() - began_s < CALL_S / 2


async def test_the_vendors_details_of_an_error_are_the_clients() -> None:
    """As the vendor's own clients read them; over REST they are in the body."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com"}
    error = {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [info, {"@type": "x/unknown"}, 7]}
    vendor = VendorError("google", 429, "RESOURCE_EXHAUSTED", "slow down", json.dumps({"error": error}))
    async with bench() as running:
        running.pipeline.problem = Problem(Kind.THROTTLED, "slow", vendor=vendor)
        running.pipeline.go.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.call()
    read: Any = from_grpc_error(caught.value)  # type: ignore[no-untyped-call]  # google-api-core has no types
    assert (read.reason, read.message) == ("RATE_LIMIT_EXCEEDED", "slow down")


async def test_messages_have_a_size() -> None:
    """A little above it the refusal is ours, far above it grpc's own."""
    async with bench() as running:
        limit_bytes = running.desk.max_body_bytes
        for size, code in (
            (limit_bytes + 1, grpc.StatusCode.INVALID_ARGUMENT),
            (limit_bytes + 2 * 1024 * 1024, grpc.StatusCode.RESOURCE_EXHAUSTED),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await running.call(b"\0" * size)
            assert caught.value.code() is code


async def test_a_message_has_its_time() -> None:
    """The vendor's own refusal, not a call that hangs until the client gives up."""
    async with bench(timeout_s=0.2) as running:
        reader, writer = await asyncio.open_connection(*running.address.rsplit(":", 1))
        writer.write(half_a_call())
        told = b""
        async with asyncio.timeout(CALL_S):
            while b"did not arrive in time" not in told:
                piece = await reader.read(4096)
                assert piece, "it hung up without a word"
                told += piece
        writer.close()
    assert running.ledger.outcomes == [("google", "other", "caller_error")]


async def test_a_compressed_message_has_the_size_that_it_unfolds_to() -> None:
    """50 MB of nothing are 50 kB on the wire; grpc stops unpacking at the limit. What stays below it is read."""
    async with bench() as running:
        running.pipeline.go.set()
        options = [("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(running.address, options, compression=grpc.Compression.Gzip) as channel:
            unary: Any = channel.unary_unary(GRPC_PATH)
            assert b"Cat" in await unary(REQUEST, timeout=CALL_S)
            with pytest.raises(grpc.aio.AioRpcError, match="larger than max") as caught:
                await unary(bytes(50_000_000), timeout=CALL_S)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_metadata_has_a_size() -> None:
    async with bench() as running:
        running.pipeline.go.set()
        unary: Any = running.channel.unary_unary(GRPC_PATH)
        assert b"Cat" in await unary(REQUEST, timeout=CALL_S, metadata=[("x-long", "a" * 10_000)])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(REQUEST, timeout=CALL_S, metadata=[("x-long", "a" * 40_000)])
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_there_are_only_so_many_calls_at_once() -> None:
    async with bench(most=1) as running:
        first = running.call()
        await running.pipeline.came.wait()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.call()
        running.pipeline.go.set()
        assert b"Cat" in await first
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def greeted(address: str) -> socket.socket:
    """A bare connection that has said hello."""
    host, _, port = address.rpartition(":")
    line = socket.create_connection((host, int(port)), timeout=CALL_S)
    line.sendall(HELLO)
    return line


def is_heard(line: socket.socket) -> bool:
    with suppress(ConnectionError):
        return bool(line.recv(100))
    return False


async def test_there_are_only_so_many_connections() -> None:
    async with bench(most=2) as running:
        with ExitStack() as stack:
            heard = []
            for _ in range(4):
                line = stack.enter_context(await asyncio.to_thread(greeted, running.address))
                heard.append(await asyncio.to_thread(is_heard, line))
    assert heard == [True, True, False, False]


async def test_a_flood_of_pings_is_the_end_of_its_connection() -> None:
    """grpc's own guard, which stays as it is."""

    def flood(line: socket.socket) -> None:
        """Until the other side hangs up; it times out when that never does."""
        with suppress(ConnectionError):
            line.sendall(PING * 1000)
            while line.recv(65536):
                pass

    async with bench() as running:
        with await asyncio.to_thread(greeted, running.address) as line:
            await asyncio.to_thread(flood, line)
        running.pipeline.go.set()
        assert b"Cat" in await running.call()


async def test_only_so_many_messages_are_taken_in_at_once() -> None:
    """What cannot be counted before it is whole. The others are left on the line until it is their turn."""
    async with bench(landing=1) as running:
        running.pipeline.go.set()
        with await asyncio.to_thread(greeted, running.address) as line:
            line.sendall(half_a_call().removeprefix(HELLO))
            await until_reading(running.desk)
            waiting = running.call()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting.code()), READING_S)
        assert b"Cat" in await waiting


async def until_reading(desk: Desk) -> None:
    async with asyncio.timeout(CALL_S):
        while not desk.inside:
            await asyncio.sleep(0.001)


async def test_without_room_a_call_is_turned_away() -> None:
    async with bench(max_held_bytes=10) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.call()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_port_that_is_taken_is_said_plainly() -> None:
    async with bench() as running:
        owner = GrpcServer(running.desk, GoogleDialect())
        address = await owner.start("::1", 0)
        with pytest.raises(OSError, match="for gRPC"):
            await GrpcServer(running.desk, GoogleDialect()).start("::1", int(address.rpartition(":")[2]))
        await owner.stop(0)


class HandingOn(GoogleDialect):
    """A dialect that forgets that over gRPC there is nothing to hand on to."""

    def read(self, raw: RawRequest) -> Calls | Passthrough:
        return Passthrough("google", "x", Tenant("anonymous"), "rekognition")


class Upstream:
    async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
        return ForwardReply(200, (), nothing())


async def nothing() -> AsyncIterator[bytes]:
    yield b""


async def test_nothing_is_passed_through() -> None:
    rules = DeskRules(1000, 1_000_000, 10.0, "rekognition", PriceList())
    desk = Desk(Pipeline(), Upstream(), rules, Ledger(), SystemClock(), new_id=lambda: "request-1")
    server = GrpcServer(desk, HandingOn())
    await server.stop(0)  # before it was started: nothing happens
    async with grpc.aio.insecure_channel(await server.start("127.0.0.1", 0)) as channel:
        unary: Any = channel.unary_unary(GRPC_PATH)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(REQUEST, timeout=CALL_S)
    await server.stop(0)
    assert caught.value.code() is grpc.StatusCode.UNKNOWN


def test_problems_have_a_grpc_status() -> None:
    """Every code that a refusal may have is one of gRPC's."""
    for kind in Kind:
        body = GoogleDialect().refuse(Problem(kind, "why"), "request-1").body.decode()
        assert any(f'"status":"{code.name}"' in body for code in grpc.StatusCode)
