"""A load balancer as stands before a deployment: it asks `/readyz`, and hands new connections to processes that are ready.

    with balanced() as balancer:
        balancer.know([api.url, ...], [api.grpc, ...])
        client = NativeClient(balancer.url)

It knows nothing of HTTP but the probe: a connection stays with its process until one of the two ends it. One that a process
refuses goes to the next. What is lost after that, is lost: nothing is sent twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

# Between two probes of a process, and the longest for one, seconds. One failure is enough.
PROBE_EVERY_S = 0.1
PROBE_S = 1.0
CHUNK_BYTES = 65_536
START_S = 10.0
HTTP, GRPC = 0, 1
READY = b" 200 "


@dataclass(eq=False, slots=True)
class Backend:
    """A process, by its HTTP and its gRPC port."""

    ports: tuple[int, int]
    is_ready: bool = False


@dataclass(slots=True)
class Balancer:
    """Lives in a thread of its own."""

    loop: asyncio.AbstractEventLoop
    ports: list[int] = field(default_factory=list)
    _backends: list[Backend] = field(default_factory=list)
    _turn: int = 0
    _servers: list[asyncio.Server] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[HTTP]}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports[GRPC]}"

    def know(self, processes: Sequence[tuple[str, str]]) -> None:
        """These, by their HTTP and gRPC addresses, get connections as soon as they are ready; who is not named gets none."""
        wanted = {(_port(url), _port(f"//{grpc}")) for url, grpc in processes}
        self._backends = [backend for backend in self._backends if backend.ports in wanted]
        self._backends += [Backend(ports) for ports in wanted - {backend.ports for backend in self._backends}]

    @property
    def ready(self) -> int:
        """How many are."""
        return sum(backend.is_ready for backend in self._backends)

    async def serve(self) -> None:
        for front in (HTTP, GRPC):
            server = await asyncio.start_server(partial(self._accept, front), "127.0.0.1", 0)
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])
        self._spawn(self._watch())

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work, name="balancer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        while True:
            for backend in self._backends:
                self._spawn(_probe(backend))
            await asyncio.sleep(PROBE_EVERY_S)

    def _accept(self, front: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(self._carry(front, reader, writer))

    async def _carry(self, front: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        refused: set[Backend] = set()
        try:
            while (backend := self._next(refused)) is not None:
                try:
                    there, back = await asyncio.open_connection("127.0.0.1", backend.ports[front])
                except OSError:
                    refused.add(backend)
                    continue
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
                return
        finally:
            writer.close()

    def _next(self, refused: set[Backend]) -> Backend | None:
        """In turn; where nobody is ready, anybody, as balancers do. None when all have refused."""
        left = [backend for backend in self._backends if backend not in refused]
        known = [backend for backend in left if backend.is_ready] or left
        self._turn += 1
        return known[self._turn % len(known)] if known else None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


async def _probe(backend: Backend) -> None:
    line = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", backend.ports[HTTP])
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
                line = await reader.readline()
            finally:
                writer.close()
    backend.is_ready = READY in line


@contextmanager
def balanced() -> Iterator[Balancer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="balancer", daemon=True)
    thread.start()
    balancer = Balancer(loop)
    asyncio.run_coroutine_threadsafe(balancer.serve(), loop).result(START_S)
    try:
        yield balancer
    finally:
        asyncio.run_coroutine_threadsafe(balancer.close(), loop).result(START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        loop.close()


def _port(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port
