"""Reading a body from elsewhere, under a cap and a deadline: what links and Cloud Storage share.

In: a connection pool and an address that somebody has already judged. Out: a status and, for a success, the bytes. Redirects
are handed back, never followed. Failures are Problem: OBJECT_UNAVAILABLE (for good), PROVIDER_UNAVAILABLE (now),
IMAGE_TOO_LARGE.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpcore

from app.errors import Kind, Problem

_CONNECT_TIMEOUT_S = 3.0  # three handshakes across an ocean
_READ_TIMEOUT_S = 5.0  # between two pieces of a body; the whole read has the caller's time-out
# Connections at once; each may hold one image in memory.
_CONNECTIONS = 16
_KEEP_ALIVE_S = 10.0
_SUCCESS, _FIRST_SERVER_ERROR = 200, 500
_TOO_MANY = 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TIMEOUTS = {"connect": _CONNECT_TIMEOUT_S, "read": _READ_TIMEOUT_S, "write": _READ_TIMEOUT_S, "pool": _READ_TIMEOUT_S}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `location`: where else it is, for a redirect; `data` is empty then."""

    data: bytes = field(default=b"", repr=False)
    location: str | None = None


class Fetcher:
    """A pool of connections, opened with the first read. `backend` decides where a name may lead."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._backend = backend
        self._pool: httpcore.AsyncConnectionPool | None = None
        self._opening = asyncio.Lock()

    async def get(self, url: str, headers: Mapping[str, str], max_bytes: int) -> Fetched:
        """GET `url` (ASCII). Raises Problem."""
        pool = await self._opened()
        own = {"accept-encoding": "identity", "user-agent": "tessera", **headers}
        try:
            async with pool.stream("GET", url, headers=list(own.items()), extensions={"timeout": _TIMEOUTS}) as response:
                return await _received(response, max_bytes)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise not_now(type(error).__name__) from error
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            raise unavailable(type(error).__name__) from error

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def _opened(self) -> httpcore.AsyncConnectionPool:
        async with self._opening:
            if self._pool is None:
                context = await asyncio.to_thread(ssl.create_default_context)  # reads files
                self._pool = httpcore.AsyncConnectionPool(
                    ssl_context=context,
                    max_connections=_CONNECTIONS,
                    keepalive_expiry=_KEEP_ALIVE_S,
                    network_backend=self._backend,
                )
            return self._pool


async def _received(response: httpcore.Response, max_bytes: int) -> Fetched:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status in _REDIRECTS:
        return Fetched(location=headers.get("location", ""))
    if response.status != _SUCCESS:
        is_passing = response.status >= _FIRST_SERVER_ERROR or response.status == _TOO_MANY
        raise (not_now if is_passing else unavailable)(f"status {response.status}")
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise unavailable("it is compressed, though it was asked for as it is")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise too_large(max_bytes)
    data = bytearray()
    async for piece in response.aiter_stream():  # a length that lies costs no more memory than was given
        data += piece
        if len(data) > max_bytes:
            raise too_large(max_bytes)
    return Fetched(bytes(data))


def not_now(why: str) -> Problem:
    return Problem(Kind.PROVIDER_UNAVAILABLE, f"the image could not be fetched now: {why}")


def unavailable(why: str) -> Problem:
    return Problem(Kind.OBJECT_UNAVAILABLE, f"the image could not be fetched: {why}")


def too_large(max_bytes: int) -> Problem:
    return Problem(Kind.IMAGE_TOO_LARGE, f"the image is larger than {max_bytes} bytes")
