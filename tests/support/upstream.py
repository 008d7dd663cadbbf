"""A strict upstream for tests: an HTTP server on an ephemeral port that plays a script, one entry per request, in order.

    async with Upstream(json_answer({"Labels": []}), Stall()) as upstream:
        ...                      # point the code under test at upstream.url
        upstream.requests        # what arrived, byte for byte

Strict means: a request beyond the script, a script that was not played to its end, and a request that is not plain HTTP/1.1
with a Content-Length are failures of the test, raised when the block ends. It is written from the RFCs, not from our code.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

AMZ_JSON = "application/x-amz-json-1.1"
_HEAD_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived, header order and case kept."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    connection: int

    @property
    def fields(self) -> dict[str, str]:
        """Headers by lower-case name."""
        return {name.lower(): value for name, value in self.headers}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Play(Protocol):
    """One entry of the script."""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer the request that was just read. True: the connection stays open."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole, sound answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(_head(self.status, {"Content-Length": str(len(self.body)), **self.headers}) + self.body)
        await writer.drain()
        return True


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": AMZ_JSON, **(headers or {})}, json.dumps(value).encode())


def error_answer(status: int, code: str, message: str = "m", headers: Mapping[str, str] | None = None) -> Answer:
    """An error in AWS's shape."""
    return json_answer({"__type": code, "Code": code, "Message": message}, status, headers)


@dataclass(frozen=True, slots=True)
class Stall:
    """Never answers; ends when the other side goes away."""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read()
        return False


@dataclass(frozen=True, slots=True)
class HangUp:
    """Takes the request and closes the connection."""

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Raw:
    """Any bytes instead of an answer, then the end of the connection."""

    data: bytes

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(self.data)
        await writer.drain()
        return False


@dataclass(frozen=True, slots=True)
class CutOff:
    """An answer that ends before its body does: by closing, or by saying nothing more."""

    body: bytes
    status: int = 200
    missing_bytes: int = 10
    stalls: bool = False

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(_head(self.status, {"Content-Length": str(len(self.body) + self.missing_bytes)}) + self.body)
        await writer.drain()
        return await Stall().play(reader, writer) if self.stalls else False


async def _at_once() -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A chunked answer, one chunk at a time; `pace` is awaited before each."""

    pieces: Sequence[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pace: Callable[[], Awaitable[object]] = _at_once

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(_head(self.status, {"Transfer-Encoding": "chunked", **self.headers}))
        for piece in self.pieces:
            await self.pace()
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@dataclass(frozen=True, slots=True)
class After:
    """Waits for an event, then plays something else."""

    event: asyncio.Event
    then: Play

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await self.event.wait()
        return await self.then.play(reader, writer)


class Upstream:
    """The server. `deaf`: reads the head of a request and then nothing more, so that a large body cannot be sent whole."""

    def __init__(self, *script: Play, deaf: bool = False) -> None:
        self.requests: list[Recorded] = []
        self.arrived = asyncio.Condition()
        self._script = list(script)
        self._deaf = deaf
        self._played = 0
        self._connections = 0
        self._complaints: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the upstream has an address only inside its block")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return self._connections

    async def saw(self, count: int) -> None:
        """Wait until so many requests have arrived whole."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= count)

    async def deserted(self) -> None:
        """Wait until nobody is connected any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def __aenter__(self) -> Upstream:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_LIMIT_BYTES)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if kind is None:
            assert not self._complaints, self._complaints
            assert self._played == len(self._script), f"{self._played} of {len(self._script)} answers were asked for"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        try:
            await self._serve(reader, writer, self._connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        except (ValueError, AssertionError, asyncio.LimitOverrunError) as error:
            self._complaints.append(repr(error))
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, headers = _parse_head(head)
            if self._deaf:
                await asyncio.Event().wait()
            body = await reader.readexactly(_content_length(headers))
            async with self.arrived:
                self.requests.append(Recorded(method, target, headers, body, connection))
                self.arrived.notify_all()
            assert self._played < len(self._script), f"request {self._played + 1} is beyond the script: {method} {target}"
            self._played += 1
            if not await self._script[self._played - 1].play(reader, writer):
                return


def _parse_head(head: bytes) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = first.split(" ")
    assert version == "HTTP/1.1", version
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon, line
        assert name == name.strip(), line
        headers.append((name, value.strip()))
    return method, target, tuple(headers)


def _content_length(headers: Sequence[tuple[str, str]]) -> int:
    fields = [name.lower() for name, _ in headers]
    assert fields.count("host") == 1, fields
    assert "transfer-encoding" not in fields, "requests come with their length"
    assert fields.count("content-length") <= 1, fields
    return next((int(value) for name, value in headers if name.lower() == "content-length"), 0)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
