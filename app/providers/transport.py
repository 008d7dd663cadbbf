"""HTTP to a provider: requests out, answers in, with time-outs and size limits.

Comes in: a request with all its headers. Goes out: a raw answer, whole (`exchange`) or as a stream (`open_stream`). Called by
the providers that speak HTTP.
Every failure is a `Problem`, and its kind says whether the vendor may have billed the request: before the request was sent
whole it is PROVIDER_UNAVAILABLE (nothing was bought), after that PROVIDER_TIMEOUT or PROVIDER_GARBLED (it may have been).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.errors import Kind, Problem
from app.providers.answers import garbled
from app.providers.connections import Address, new_client, read_certificates
from app.providers.headers import HOP_BY_HOP

# 100 faces with all attributes are about 1 MB of JSON; 1000 labels with all their instances stay well below this.
MAX_ANSWER_BYTES = 16 * 1024 * 1024

# httpcore looks at every connection of a pool for every connection of the pool, twice per request: with 64 in flight that
# was measured to cost 7 ms of CPU per call (encode/httpx #3215), in pools of this size nothing that can be measured.
CONNECTIONS_PER_POOL = 8


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it is to be sent. `headers` hold secrets: never log them."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return is_success(self.status)


def is_success(status: int) -> bool:
    return 200 <= status < 300


@dataclass(slots=True)
class Progress:
    """How far one request has come; kept outside the request so that whoever cancels it can still ask."""

    sent: bool = False
    answer: RawAnswer | None = None  # its head, without a body, once it is there

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's hook: called at every step of a request."""
        if event == "http11.send_request_body.complete":
            self.sent = True


@dataclass(slots=True)
class _Pool:
    """One of several small connection pools, and how many requests it carries."""

    client: httpx.AsyncClient
    in_flight: int = 0


class _Reply:
    """A response whose body is still to come. It occupies a place in its pool until it is closed."""

    def __init__(self, response: httpx.Response, pool: _Pool) -> None:
        self.response = response
        self._pool = pool
        self._is_open = True

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            self._pool.in_flight -= 1
        await self.response.aclose()


class Transport:
    """Pooled connections to one address. May be made on any thread; belongs to the event loop that first uses it."""

    def __init__(self, address: Address, *, max_connections: int, connect_timeout_s: float) -> None:
        """Raises Problem(INTERNAL) when the operator's certificates or proxy are none."""
        self._connect_timeout_s = connect_timeout_s
        pools = math.ceil(max_connections / CONNECTIONS_PER_POOL)
        try:
            certificates = read_certificates(address)
            each = math.ceil(max_connections / pools)
            self._pools = [_Pool(new_client(address, certificates, max_connections=each)) for _ in range(pools)]
        except Exception as error:  # unreadable certificates, a proxy of a kind that needs another library
            raise Problem(Kind.INTERNAL, f"Certificates or proxy for the provider cannot be used: {error}") from error

    async def exchange(self, request: Outgoing, progress: Progress, *, timeout_s: float) -> RawAnswer:
        """Send and read the whole answer. An error answer that breaks off is returned as far as it came."""
        reply = await self._send(request, progress, timeout_s)
        try:
            response = reply.response
            return RawAnswer(response.status_code, _plain_headers(response), await self._read(response))
        finally:
            await reply.aclose()

    async def open_stream(self, request: Outgoing, progress: Progress, *, timeout_s: float) -> Stream:
        """Send and return as soon as the head of the answer is there."""
        return Stream(await self._send(request, progress, timeout_s))

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.client.aclose()

    async def _send(self, request: Outgoing, progress: Progress, timeout_s: float) -> _Reply:
        pool = min(self._pools, key=lambda each: each.in_flight)  # the first of equals: few requests, few connections
        outgoing = pool.client.build_request(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
            timeout=httpx.Timeout(timeout_s, connect=min(self._connect_timeout_s, timeout_s)),
            extensions={"trace": progress.trace},
        )
        pool.in_flight += 1
        try:
            response = await pool.client.send(outgoing, stream=True)
        except BaseException as error:
            pool.in_flight -= 1
            if isinstance(error, httpx.TransportError):
                raise problem_of(error, sent=progress.sent) from error
            raise
        progress.answer = RawAnswer(response.status_code, _plain_headers(response), b"")
        return _Reply(response, pool)

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    break
        except httpx.TransportError as error:
            if is_success(response.status_code):
                raise problem_of(error, sent=True) from error
        if len(body) > MAX_ANSWER_BYTES and is_success(response.status_code):
            raise Problem(Kind.PROVIDER_GARBLED, f"The provider's answer is longer than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)


class Stream:
    """An answer whose body is read as it comes, byte for byte. Must be read to its end or closed."""

    def __init__(self, reply: _Reply) -> None:
        self._reply = reply

    @property
    def status(self) -> int:
        return self._reply.response.status_code

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers that belong to the answer and not to the connection it came on, in their order."""
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._reply.response.headers.raw]
        named = {part.strip().lower() for name, value in pairs if name.lower() == "connection" for part in value.split(",")}
        return tuple((name, value) for name, value in pairs if name.lower() not in HOP_BY_HOP | named)

    def body(self, deadline_s: float) -> Body:
        """The body; each piece must come before `deadline_s` on the event loop's clock."""
        return Body(self._reply, deadline_s)


class Body:
    """The bytes of a streamed answer. A class and not a generator: closing it works before the first byte was asked for."""

    def __init__(self, reply: _Reply, deadline_s: float) -> None:
        self._reply = reply
        self._pieces = _pieces(reply.response)
        self._deadline_s = deadline_s

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline_s):
                return await anext(self._pieces)
        except TimeoutError as error:
            await self.aclose()
            raise Problem(Kind.PROVIDER_TIMEOUT, "The provider's answer did not end in time") from error
        except httpx.TransportError as error:
            await self.aclose()
            raise problem_of(error, sent=True) from error
        except BaseException:  # the end, or a cancellation: either way the connection goes back
            await self.aclose()
            raise

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._reply.aclose()


def problem_of(error: httpx.TransportError, *, sent: bool) -> Problem:
    """A failed request as a Problem. The text of `error` may hold addresses, so only its cause's name is told."""
    reason = type(error).__name__
    if not sent:
        return Problem(Kind.PROVIDER_UNAVAILABLE, f"The provider could not be reached ({reason})")
    if isinstance(error, httpx.TimeoutException):
        return Problem(Kind.PROVIDER_TIMEOUT, f"The provider did not answer in time ({reason})")
    return Problem(Kind.PROVIDER_GARBLED, f"The provider took the request and its answer broke off ({reason})")


def too_late(progress: Progress, timeout_s: float, refusal: Callable[[RawAnswer], Problem]) -> Problem:
    """The problem of a call that ran out of time, by how far it had come: was anything bought? `refusal`: the provider's own
    reading of an error answer whose body did not come.
    """
    if progress.answer is not None and not progress.answer.is_success:
        return refusal(progress.answer)
    if not progress.sent:
        return Problem(Kind.PROVIDER_UNAVAILABLE, f"The request could not be sent within {timeout_s:.3f} s")
    return Problem(Kind.PROVIDER_TIMEOUT, f"The provider did not answer within {timeout_s:.3f} s")


def readable_body(answer: RawAnswer, refusal: Callable[[RawAnswer], Problem]) -> bytes:
    """The body of a success. Raises Problem: what `refusal` makes of any other answer, PROVIDER_GARBLED for an encoded one."""
    if not answer.is_success:
        raise refusal(answer)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise garbled("it is encoded, though it was asked for as it is")
    return answer.body


async def _pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    async for piece in response.aiter_raw():
        yield piece


def _plain_headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
