"""Heads of requests are limited in size and in time. (Over sockets: tests/integration/test_hostile_http.py.)"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.server.heads import HEAD_TIMEOUT_S, KEEP_ALIVE_S, MAX_HEAD_BYTES, LimitedHeads

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n"


class Wire(asyncio.Transport):
    """A connection's far end: what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Bytes are handed over by the test itself."""

    def resume_reading(self) -> None:
        """The same."""


class Timers:
    """Records what the protocol asks its loop for, and hands everything on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.running: list[asyncio.TimerHandle] = []

    def call_later(self, delay_s: float, callback: Any, *args: Any) -> asyncio.TimerHandle:
        timer = self._loop.call_later(delay_s, callback, *args)
        if getattr(callback, "__name__", "") == "close":
            self.running.append(timer)
        return timer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    @property
    def due(self) -> list[asyncio.TimerHandle]:
        return [timer for timer in self.running if not timer.cancelled()]


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@pytest.fixture
async def connection() -> tuple[LimitedHeads, Wire, Timers]:
    config = Config(_hello, http=LimitedHeads, ws="none", lifespan="off", log_config=None, access_log=False)
    timers, wire = Timers(asyncio.get_running_loop()), Wire()
    protocol = LimitedHeads(config, ServerState(), {}, timers)  # type: ignore[arg-type]  # a loop, as far as it is used
    protocol.connection_made(wire)
    return protocol, wire, timers


async def _answered(protocol: LimitedHeads) -> None:
    while protocol.tasks:
        await asyncio.wait(protocol.tasks)
        await asyncio.sleep(0)


Connection = tuple[LimitedHeads, Wire, Timers]


async def test_a_head_at_the_limit_is_read(connection: Connection) -> None:
    protocol, wire, _ = connection
    protocol.data_received(REQUEST + b"X: " + b"a" * (MAX_HEAD_BYTES - 64) + b"\r\n\r\n")
    await _answered(protocol)
    assert wire.written.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("pieces", [1, 7, 100])
async def test_a_head_above_the_limit_is_refused_in_whatever_pieces_it_comes(connection: Connection, pieces: int) -> None:
    protocol, wire, _ = connection
    content = REQUEST + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n"
    size = len(content) // pieces + 1
    for at in range(0, len(content), size):
        protocol.data_received(content[at : at + size])
    await _answered(protocol)
    assert wire.written.startswith(b"HTTP/1.1 431 ")
    assert wire.written.count(b"HTTP/1.1") == 1
    assert wire.closed


async def test_a_body_may_be_longer_than_a_head(connection: Connection) -> None:
    """Heads are counted each for itself: what belongs to a body or to an earlier request does not count."""
    protocol, wire, _ = connection
    for _ in range(3):
        protocol.data_received(REQUEST + b"Content-Length: 100000\r\n\r\n" + b"b" * 50_000)
        protocol.data_received(b"b" * 50_000)
        await _answered(protocol)
    assert wire.written.count(b"HTTP/1.1 200 ") == 3


async def test_a_connection_has_its_time_for_a_head(connection: Connection) -> None:
    """The clock runs from the connection's beginning and from a head's first byte, and stops when the head is there."""
    protocol, wire, timers = connection
    now_s = asyncio.get_running_loop().time
    (timer,) = timers.due
    assert timer.when() - now_s() == pytest.approx(KEEP_ALIVE_S, abs=5)
    protocol.data_received(REQUEST)
    assert len(timers.due) == 1
    protocol.data_received(b"\r\n")
    assert timers.due == []
    await _answered(protocol)
    assert timers.due == []
    protocol.data_received(b"GET")
    (timer,) = timers.due
    assert timer.when() - now_s() == pytest.approx(HEAD_TIMEOUT_S, abs=5)
    protocol.connection_lost(None)
    assert timers.due == []
    assert wire.written.count(b"HTTP/1.1 200 ") == 1
