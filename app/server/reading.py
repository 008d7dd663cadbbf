"""Reading a request: its body under size limits and a deadline, and noticing when the client has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from app.core.model import RawRequest
from app.errors import Kind, Problem

T = TypeVar("T")

# A body over the limit is read on to its end and thrown away, up to so many times the limit: a client that is still
# sending would see a broken connection instead of the error, and many SDKs then send it all again.
DISCARD_FACTOR = 4
# When to come again after being turned away for want of room, seconds: bodies under way take about as long.
FULL_RETRY_S = 1.0


@dataclass(slots=True)
class BodyRoom:
    """The memory for all bodies together: many clients that send slowly must not fill the machine's."""

    limit_bytes: int
    held_bytes: int = 0

    @contextmanager
    def share(self) -> Iterator[BodyShare]:
        """One request's part, given back at the end."""
        share = BodyShare(self)
        try:
            yield share
        finally:
            share.give_back()


@dataclass(slots=True)
class BodyShare:
    """What one request holds of the room."""

    room: BodyRoom
    held_bytes: int = 0

    def take(self, more_bytes: int) -> None:
        """Raises Problem(OVER_CAPACITY) when there is no room for so many bytes more."""
        if self.room.held_bytes + more_bytes > self.room.limit_bytes:
            raise Problem(Kind.OVER_CAPACITY, "too many requests are being read", retry_after_s=FULL_RETRY_S)
        self.room.held_bytes += more_bytes
        self.held_bytes += more_bytes

    def give_back(self) -> None:
        self.room.held_bytes -= self.held_bytes
        self.held_bytes = 0


class ClientLeft(Exception):
    """The client closed the connection before its answer was ready."""


async def read_request(request: Request, limit_bytes: int, share: BodyShare, timeout_s: float) -> RawRequest:
    """The whole request. Raises ClientLeft, or Problem: BODY_TOO_LARGE, OVER_CAPACITY, MALFORMED_REQUEST (it did not come)."""
    _refuse_announced(request, limit_bytes)
    try:
        async with arriving(timeout_s):
            body = await _read_body(request, limit_bytes, share)
    except ClientDisconnect as error:
        raise ClientLeft from error
    _refuse_compressed(request)
    return RawRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


@asynccontextmanager
async def arriving(timeout_s: float) -> AsyncIterator[None]:
    """Inside, a body is read; so long it may take."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "the request body did not arrive in time") from error


def _refuse_compressed(request: Request) -> None:
    """Nothing is unpacked here: a few kilobytes may unfold to gigabytes, and images gain nothing by it."""
    encoding = request.headers.get("content-encoding", "").strip()
    if encoding.lower() not in {"", "identity"}:
        raise Problem(Kind.MALFORMED_REQUEST, "the request body is compressed (Content-Encoding); send it as it is")


def _refuse_announced(request: Request, limit_bytes: int) -> None:
    """A client that asks before it sends (Expect: 100-continue) is told at once what it need not send."""
    length = request.headers.get("content-length", "")
    if "expect" in request.headers and length.isdecimal() and int(length) > limit_bytes:
        raise _too_large(limit_bytes)


async def _read_body(request: Request, limit_bytes: int, share: BodyShare) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit_bytes:
            share.take(len(chunk))
            chunks.append(chunk)
        elif size > limit_bytes * DISCARD_FACTOR:
            break
        else:
            chunks.clear()
            share.give_back()
    if size > limit_bytes:
        raise _too_large(limit_bytes)
    return b"".join(chunks)


def _too_large(limit_bytes: int) -> Problem:
    return Problem(Kind.BODY_TOO_LARGE, f"the request body is larger than {limit_bytes} bytes")


async def unless_client_leaves(client_leaves: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; when the client goes away first, cancel it (its cell is freed) and raise ClientLeft."""
    working = asyncio.create_task(work, name="answer")
    leaving = asyncio.create_task(client_leaves, name="client")
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def disconnected(request: Request) -> None:
    """Returns when the connection of a request that has been read ends."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
