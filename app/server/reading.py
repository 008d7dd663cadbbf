"""Reading a request: its body under a size limit and a deadline, and noticing when the client has left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from app.core.model import RawRequest
from app.errors import Kind, Problem

T = TypeVar("T")

# Longest that a body may take to arrive, seconds: 5 MB over a slow line (200 kB/s) take 25.
BODY_TIMEOUT_S = 60.0
# A body over the limit is read on to its end and thrown away, up to so many times the limit: a client that is still
# sending would see a broken connection instead of the error, and many SDKs then send it all again.
DISCARD_FACTOR = 4


class ClientLeft(Exception):
    """The client closed the connection before its answer was ready."""


async def read_request(request: Request, limit_bytes: int) -> RawRequest:
    """The whole request. Raises Problem (BODY_TOO_LARGE, MALFORMED_REQUEST for a body that does not come) or ClientLeft."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _read_body(request, limit_bytes)
    except TimeoutError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "the request body did not arrive in time") from error
    except ClientDisconnect as error:
        raise ClientLeft from error
    return RawRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


async def _read_body(request: Request, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit_bytes:
            chunks.append(chunk)
        elif size > limit_bytes * DISCARD_FACTOR:
            break
        else:
            chunks.clear()
    if size > limit_bytes:
        raise Problem(Kind.BODY_TOO_LARGE, f"the request body is larger than {limit_bytes} bytes")
    return b"".join(chunks)


async def unless_client_leaves(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; when the client goes away first, cancel it (its cell is freed) and raise ClientLeft."""
    working = asyncio.create_task(work, name="answer")
    leaving = asyncio.create_task(_wait_for_disconnect(request), name="client")
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


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
