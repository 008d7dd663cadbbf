"""Heads, trailers and requests ahead of their turn are limited. (Over sockets: tests/integration/test_hostile_http.py.)"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.server.heads import HEAD_TIMEOUT_S, KEEP_ALIVE_S, MAX_HEAD_BYTES, MAX_WAITING, LimitedHeads

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


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


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the names of its headers and with its body, once that is whole."""
    said = b" ".join(name for name, _ in scope["headers"]) + b": "
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        said += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


async def _hasty(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without a look at the body."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _halting(scope: Scope, receive: Receive, send: Send) -> None:
    """Begins its answer, and ends it only after the body's end."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
    while (await receive()).get("more_body"):
        pass


Connection = tuple[LimitedHeads, Wire, Timers]


def _connect(app: ASGIApp) -> Connection:
    config = Config(app, http=LimitedHeads, ws="none", lifespan="off", log_config=None, access_log=False)
    timers, wire = Timers(asyncio.get_running_loop()), Wire()
    protocol = LimitedHeads(config, ServerState(), {}, timers)
    protocol.connection_made(wire)
    return protocol, wire, timers


@pytest.fixture
async def connection() -> Connection:
    return _connect(_echo)


async def _answered(protocol: LimitedHeads) -> None:
    while protocol.tasks:
        await asyncio.wait(protocol.tasks)
        await asyncio.sleep(0)


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


def _told(wire: Wire) -> list[tuple[int, bytes]]:
    """Status and body of each answer."""
    answers, rest = [], wire.written
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head)
        assert found is not None
        answers.append((int(head.split()[1]), rest[: int(found[1])]))
        rest = rest[int(found[1]) :]
    return answers


@pytest.mark.parametrize("offered", [b"h2c", b"websocket", b"anything"])
async def test_a_body_behind_an_offer_of_another_protocol_is_a_body(connection: Connection, offered: bytes) -> None:
    """And no request of its own, in one packet or several: or the next one on this connection would get its answer."""
    protocol, wire, _ = connection
    inner = REQUEST + b"\r\n"
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: %s\r\nContent-Length: %d\r\n\r\n" % (offered, len(inner))
    protocol.data_received(head + inner)
    await _answered(protocol)
    protocol.data_received(head)
    protocol.data_received(inner)
    await _answered(protocol)
    protocol.data_received(inner)
    await _answered(protocol)
    assert _told(wire) == [(200, b"connection content-length: " + inner)] * 2 + [(200, b"host: ")]


async def test_a_tunnel_is_refused(connection: Connection) -> None:
    """What follows the head would be nobody's HTTP."""
    protocol, wire, _ = connection
    protocol.data_received(b"CONNECT a:1 HTTP/1.1\r\nContent-Length: 20\r\n\r\n" + REQUEST + b"\r\n")
    await _answered(protocol)
    assert ([status for status, _ in _told(wire)], wire.closed) == ([405], True)


async def test_trailers_are_nobodys_headers(connection: Connection) -> None:
    """Neither this request's nor the next one's."""
    protocol, wire, _ = connection
    protocol.data_received(CHUNKED + b"3\r\nabc\r\n0\r\nX-Api-Key: a\r\nX-Other: b\r\n\r\n" + REQUEST + b"\r\n")
    await _answered(protocol)
    assert _told(wire) == [(200, b"transfer-encoding: abc"), (200, b"host: ")]


BESIDE = {
    "many trailers": (b"0\r\n", b"x-a: b\r\n" * 100),
    "a long trailer": (b"0\r\nX-A: ", b"b" * 1000),
    "a long extension": (b"3;", b"b" * 1000),
}


@pytest.mark.parametrize("name", BESIDE)
async def test_what_comes_beside_the_body_is_bounded(connection: Connection, name: str) -> None:
    protocol, wire, _ = connection
    begin, more = BESIDE[name]
    protocol.data_received(CHUNKED + b"3\r\nabc\r\n" + begin)
    taken = 0
    while not wire.closed:
        protocol.data_received(more)
        taken += len(more)
        assert taken < 2 * MAX_HEAD_BYTES
    await _answered(protocol)
    assert [status for status, _ in _told(wire)] == [431]
    assert len(protocol.headers) == 1


async def test_chunks_small_and_many_are_no_excess(connection: Connection) -> None:
    """Their own lines count from one piece of body to the next."""
    protocol, wire, _ = connection
    protocol.data_received(CHUNKED)
    for _ in range(100):
        protocol.data_received(b"1;note=%s\r\n" % (b"n" * 1000))
        protocol.data_received(b"a\r\n")
    protocol.data_received(b"0\r\n\r\n")
    await _answered(protocol)
    assert _told(wire) == [(200, b"transfer-encoding: " + b"a" * 100)]


@pytest.mark.parametrize(("app", "said"), [(_hasty, b"200 OK"), (_halting, b"200 OK")])
async def test_who_is_being_answered_is_told_nothing_else(app: ASGIApp, said: bytes) -> None:
    """A refusal behind an answer, or in the middle of one, would be taken for a part of it."""
    protocol, wire, _ = _connect(app)
    protocol.data_received(CHUNKED)
    await asyncio.sleep(0)
    protocol.data_received(b"no chunk\r\n")
    await _answered(protocol)
    assert (wire.written.count(b"HTTP/1.1"), said in wire.written, wire.closed) == (1, True, True)


@pytest.mark.parametrize("surplus", [1, 5, 10_000])
async def test_only_so_many_requests_wait_for_their_turn(connection: Connection, surplus: int) -> None:
    """The others before them are answered, in their order; the first one too many is told so; the rest is not read."""
    protocol, wire, _ = connection
    protocol.data_received(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n1")
    more = b"".join(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n%05d" % number for number in range(MAX_WAITING + surplus))
    protocol.data_received(b"2" + more)
    assert len(protocol.pipeline) == MAX_WAITING
    await _answered(protocol)
    *answers, last = _told(wire)
    expected = [b"12", *(b"%05d" % number for number in range(MAX_WAITING))]
    assert answers == [(200, b"content-length: " + body) for body in expected]
    assert (last[0], wire.closed) == (429, True)


WRONG = {
    "no HTTP": (b"\0\0\0", 400),
    "a large head": (REQUEST + b"X: " + b"a" * MAX_HEAD_BYTES, 431),
    "a tunnel": (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 405),
    "a bad path": (b"GET \\ HTTP/1.1\r\n\r\n", 400),
    "no chunk": (CHUNKED + b"no chunk\r\n", 400),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_refusal_waits_for_the_answers_before_it(connection: Connection, name: str) -> None:
    """Or it would be taken for the answer to an earlier request."""
    protocol, wire, timers = connection
    content, status = WRONG[name]
    protocol.data_received((REQUEST + b"\r\n") * 2)
    protocol.data_received(content)
    assert (wire.written, timers.due) == (b"", [])
    protocol.data_received(REQUEST + b"\r\n")
    await _answered(protocol)
    assert [status for status, _ in _told(wire)] == [200, 200, status]
    assert wire.closed
