"""Calls over gRPC: the ImageAnnotator and the part of google.longrunning.Operations that is there, on a port of its own.

Messages travel as bytes through this file, so faults have their form here too: CLOSE is UNAVAILABLE, which is what a client
reads when its connection breaks; GARBAGE and TRUNCATED are messages that no client can parse (INTERNAL on its side), the latter
all of the answer but its last byte. A call whose client has gone is worked on to its end and paid for, as over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc

from app.emulators.faults import FaultKind
from app.emulators.google.credentials import credentials_of
from app.emulators.google.errors import ServiceError, internal, payload_too_large
from app.emulators.google.messages import request_from_wire, status_wire
from app.emulators.google.service import Call, Outcome, Service
from app.emulators.sending import GARBAGE

MESSAGE_BYTES = 40 * 1024 * 1024
"""Largest request: two of the largest images. Ours, as the vendor states none for gRPC; grpc's own default is 4 MiB."""
ROOM_BYTES = 1024 * 1024
"""So that a message a little too large is refused by us, in the vendor's words."""
GRACE_S = 1.0
"""How long calls that are under way may take when the emulator ends."""
SERVICES = {
    "google.cloud.vision.v1.ImageAnnotator": (
        "BatchAnnotateImages",
        "BatchAnnotateFiles",
        "AsyncBatchAnnotateImages",
        "AsyncBatchAnnotateFiles",
    ),
    "google.longrunning.Operations": ("GetOperation",),
}
STATUS_CODES = {status.value[0]: status for status in grpc.StatusCode}
STATUS_DETAILS = "grpc-status-details-bin"
"""Trailing metadata with the whole google.rpc.Status, where it says more than code and words."""

Context = grpc.aio.ServicerContext[bytes, bytes]
Handle = Callable[[bytes, Context], Awaitable[bytes]]


class GrpcServer:
    """The gRPC face of a service."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        self._service = service
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._under_way: set[asyncio.Task[Outcome]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The address, with the port that was taken. Calls that are still under way when the block ends are given up."""
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES + ROOM_BYTES),
                ("grpc.so_reuseport", 0),  # a port has one owner
            ]
        )
        for service, methods in SERVICES.items():
            handlers: dict[str, Any] = {name: grpc.unary_unary_rpc_method_handler(self._handler(name)) for name in methods}
            server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
        port = server.add_insecure_port(self._address)
        await server.start()
        try:
            yield f"{self._address.rpartition(':')[0]}:{port}"
        finally:
            await server.stop(GRACE_S)
            await self._give_up()

    async def _give_up(self) -> None:
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _handler(self, method: str) -> Handle:
        async def handle(data: bytes, context: Context) -> bytes:
            call = _call(method, data, context)
            task = asyncio.create_task(self._service.answer(call), name=f"emulator grpc {method}")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            return await self._written(await asyncio.shield(task), context)

        return handle

    async def _written(self, outcome: Outcome, context: Context) -> bytes:
        if outcome.answer is None:
            await _abort(context, outcome.error or internal())
        message = await self._service.attendant.in_pool(outcome.answer.SerializeToString)
        if outcome.fault is FaultKind.GARBAGE:
            return GARBAGE
        return message[:-1] if outcome.fault is FaultKind.TRUNCATED else message


def _call(method: str, data: bytes, context: Context) -> Call:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}

    async def receive() -> bytes:
        if len(data) > MESSAGE_BYTES:
            raise payload_too_large(MESSAGE_BYTES)
        return data

    def parse(body: bytes) -> Any:
        return request_from_wire(method, body)

    return Call(method, credentials_of(metadata, {}), receive, parse)


async def _abort(context: Context, error: ServiceError) -> NoReturn:
    trailing = ((STATUS_DETAILS, status_wire(error)),) if error.details else ()
    await context.abort(STATUS_CODES[error.code], error.message, trailing)
