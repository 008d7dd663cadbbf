"""A guarded connection over a transport that is none: what it does about clients that do not read, or do not end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.server.connections import LINGER_S, Guard, GuardedConnection
from app.server.crowd import Crowd

TIMEOUT_S = 7.0
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"


class Wire(asyncio.Transport):
    """The far end. `unread`: bytes that the client leaves with us."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.unread = 0
        self.closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Clock:
    """The loop, with timers that go off when the test says so."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.timers: list[tuple[float, asyncio.TimerHandle, Any, tuple[Any, ...]]] = []

    def call_later(self, delay_s: float, callback: Any, *args: Any) -> asyncio.TimerHandle:
        handle = self._loop.call_later(3600, callback, *args)
        self.timers.append((delay_s, handle, callback, args))
        return handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def due(self, delay_s: float) -> bool:
        """Let all timers of this length go off; whether there were any."""
        due = [timer for timer in self.timers if timer[0] == delay_s and not timer[1].cancelled()]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, handle, callback, args in due:
            handle.cancel()
            callback(*args)
        return bool(due)


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, whether the body has come or not."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def _waits(scope: Scope, receive: Receive, send: Send) -> None:
    """Until its client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Line:
    """A connection and both of its ends."""

    def __init__(self, crowd: Crowd, app: ASGIApp = _hello) -> None:
        self.wire, self.clock = Wire(), Clock(asyncio.get_running_loop())
        config = Config(app, http=GuardedConnection, ws="none", lifespan="off", log_config=None, access_log=False)
        loop: Any = self.clock
        self.protocol = GuardedConnection(
            Guard(crowd, TIMEOUT_S), config=config, server_state=ServerState(), app_state={}, _loop=loop
        )
        self.protocol.connection_made(self.wire)

    async def say(self, data: bytes) -> None:
        self.protocol.data_received(data)
        while self.protocol.tasks:
            await asyncio.wait(self.protocol.tasks)
            await asyncio.sleep(0)


@pytest.fixture
async def line() -> Line:
    return Line(Crowd(100))


async def test_who_reads_its_answers_is_let_alone(line: Line) -> None:
    for _ in range(3):
        await line.say(GET)
        assert not line.clock.due(TIMEOUT_S)
    assert (line.wire.written.count(b"200 OK"), line.wire.closed) == (3, False)


async def test_who_does_not_read_its_answer_loses_it(line: Line) -> None:
    line.wire.unread = 1
    await line.say(GET)
    assert line.clock.due(TIMEOUT_S)
    assert line.wire.aborted


async def test_who_reads_it_in_time_keeps_the_connection(line: Line) -> None:
    line.wire.unread = 1
    await line.say(GET)
    line.wire.unread = 0
    assert line.clock.due(TIMEOUT_S)
    assert not line.wire.closed


async def test_a_later_answer_has_its_own_time(line: Line) -> None:
    line.wire.unread = 1
    await line.say(GET)
    await line.say(GET)
    assert line.clock.due(TIMEOUT_S)
    assert not line.wire.closed
    assert line.clock.due(TIMEOUT_S)
    assert line.wire.aborted


async def test_a_long_answer_may_take_long_while_it_is_read(line: Line) -> None:
    """The time counts from when no more fits to when some does again."""
    line.wire.unread = 100_000
    line.protocol.pause_writing()
    line.protocol.resume_writing()
    assert not line.clock.due(TIMEOUT_S)
    line.protocol.pause_writing()
    assert line.clock.due(TIMEOUT_S)
    assert line.wire.aborted


async def test_a_body_that_goes_on_after_the_answer_is_soon_cut_off(line: Line) -> None:
    await line.say(POST)
    assert b"200 OK" in line.wire.written
    line.protocol.data_received(b"6")
    assert line.clock.due(LINGER_S)
    assert line.wire.aborted


async def test_a_body_that_ends_after_the_answer_is_none_the_worse(line: Line) -> None:
    await line.say(POST)
    await line.say(b"67890")
    assert not line.clock.due(LINGER_S)
    await line.say(GET)
    assert (line.wire.written.count(b"200 OK"), line.wire.closed) == (2, False)


async def test_who_leaves_with_more_than_one_request_open_is_noticed() -> None:
    """The one that is being answered is told, and not only the last of them."""
    line = Line(Crowd(100), _waits)
    line.protocol.data_received(GET + GET)
    await asyncio.sleep(0)
    line.protocol.connection_lost(None)
    async with asyncio.timeout(10):
        while line.protocol.tasks:
            await asyncio.wait(line.protocol.tasks)
            await asyncio.sleep(0)


async def test_no_timer_outlives_its_connection(line: Line) -> None:
    line.wire.unread = 1
    await line.say(POST)
    line.protocol.connection_lost(None)
    assert not line.clock.due(LINGER_S)
    assert not line.clock.due(TIMEOUT_S)


async def test_a_full_house_serves_health_checks_and_nobody_else() -> None:
    crowd = Crowd(0)
    checking, asking = Line(crowd), Line(crowd)
    await checking.say(GET.replace(b"/ ", b"/healthz?x=1 "))
    assert b"200 OK" in checking.wire.written
    await asking.say(GET)
    assert asking.wire.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 1\r\n" in asking.wire.written
    assert asking.wire.closed
