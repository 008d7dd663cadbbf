"""Handing a request on: the vendor's answer streams back untouched, unless it is about the operator's own credentials.

Comes in: a request that is ready to be sent, and how the provider reads an error. Goes out: a `ForwardReply`. Called by all
providers that speak HTTP.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping

from app.errors import Kind, Problem
from app.providers.contract import ForwardReply, Resumed
from app.providers.transport import Outgoing, Progress, RawAnswer, Stream, Transport, too_late

# With which statuses a vendor says that it does not take our credentials: AWS and Google with 400, too. And how long such an
# answer is at most; a longer one is handed on as it comes.
_MAY_BE_DENIALS = frozenset({400, 401, 403})
_LONGEST_DENIAL_BYTES = 65_536
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's way of saying that the head of the data tells which


async def open_forward(
    prepared: Awaitable[tuple[Transport, Outgoing]], *, timeout_s: float, refusal: Callable[[RawAnswer], Problem]
) -> ForwardReply:
    """Send what is `prepared` and hand its answer on. `timeout_s` counts until the end of the answer's body.

    Raises Problem(PROVIDER_DENIED) where the vendor, by `refusal`, does not take the operator's credentials: its words
    are about them, and the client would look for the mistake in his own.
    """
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    progress = Progress()
    try:
        async with asyncio.timeout_at(deadline_s):
            transport, outgoing = await prepared
            stream = await transport.open_stream(outgoing, progress, timeout_s=timeout_s)
    except TimeoutError as error:
        raise too_late(progress, timeout_s, refusal) from error
    if stream.status not in _MAY_BE_DENIALS:
        return ForwardReply(stream.status, stream.headers, stream.body(deadline_s))
    return await _unless_denied(stream, deadline_s, refusal)


async def _unless_denied(stream: Stream, deadline_s: float, refusal: Callable[[RawAnswer], Problem]) -> ForwardReply:
    """The same answer, read so far as an error may be long. Raises Problem(PROVIDER_DENIED)."""
    body = stream.body(deadline_s)
    read = b""
    async for piece in body:
        read += piece
        if len(read) > _LONGEST_DENIAL_BYTES:
            return ForwardReply(stream.status, stream.headers, Resumed(read, body))
    headers = {name.lower(): value for name, value in stream.headers}
    problem = refusal(RawAnswer(stream.status, headers, _unpacked(read, headers)))
    if problem.kind is Kind.PROVIDER_DENIED:
        raise problem
    return ForwardReply(stream.status, stream.headers, Resumed(read, None))


def _unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The client may have asked for a packed answer. What cannot be unpacked says nothing."""
    if headers.get("content-encoding", "identity") == "identity":
        return body
    try:
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, _LONGEST_DENIAL_BYTES)
    except zlib.error:
        return b""
