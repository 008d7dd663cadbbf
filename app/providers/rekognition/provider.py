"""Rekognition as a `Provider` and a `Forwarder`: every stage of a paid call, in order.

Built by `providers.build`; called by `calling` (infer) and by the front half for requests that cannot be gridded (forward).
Preparing a request and reading its answer are CPU work on megabytes and run in a small pool of threads of its own, so that
a slow credential server can never use up the threads that the rest of the process lives on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.core.model import Inquiry, RawRequest
from app.errors import Kind, Problem
from app.providers.aws import FixedCredentials
from app.providers.contract import Capabilities, ForwardReply, Reading
from app.providers.rekognition.asking import request_body
from app.providers.rekognition.operations import CONTENT_TYPE, OPERATIONS, SERVICE_TARGET, capabilities
from app.providers.rekognition.parse import garbled, parse
from app.providers.rekognition.refusals import refusal
from app.providers.rekognition.signing import SignedRequest, Signer
from app.providers.rekognition.transport import Progress, RawAnswer, Transport

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_MAX_CONNECTIONS = 128  # more than any sensible number of sheets in flight: waiting is `calling`'s business, not ours
DEFAULT_CONNECT_TIMEOUT_S = 3.0  # a TCP and TLS handshake across an ocean takes half a second; lost packets may double it

# Hashing and base64 release the interpreter's lock and take about 20 ms for the largest image: four keep up with hundreds
# of sheets per second, and one of them stuck on a metadata server leaves three.
_THREADS = 4

# What a forwarded request is known by. Signatures, dates and tokens of the client are for the address the client called.
_SIGNED_HEADERS = ("content-type", "x-amz-target")
_UNSIGNED_HEADERS = ("accept", "accept-encoding", "content-encoding", "amz-sdk-invocation-id", "amz-sdk-request")
_NO_ENCODING = {"accept-encoding": "identity"}  # as the SDKs ask: the body stays what the vendor wrote


class RekognitionProvider:
    """One Rekognition endpoint. `name` is "rekognition", or "emulator" where something else speaks its protocol."""

    def __init__(
        self,
        *,
        name: str,
        upstream_url: str | None = None,
        region: str | None = None,
        credentials: FixedCredentials | None = None,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S,
    ) -> None:
        self._capabilities = capabilities(name)
        self._signer = Signer(upstream_url=upstream_url, region=region, credentials=credentials)
        self._max_connections = max_connections
        self._connect_timeout_s = connect_timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"provider-{name}")
        self._opening = threading.Lock()
        self._transport: Transport | None = None
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def address(self) -> str:
        """Where requests go. Raises Problem when nothing says so."""
        return (await self._off_loop(self._signer.endpoint)).url

    async def warm_up(self) -> None:
        """Find address and credentials before the first image needs them. Raises Problem when one is missing."""
        await self._off_loop(self._signed, {}, b"")

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        progress = Progress()
        try:
            async with asyncio.timeout(timeout_s):
                transport, request = await self._off_loop(self._prepare, image, inquiry)
                answer = await transport.exchange(request, progress, timeout_s=timeout_s)
                return await self._off_loop(_read, inquiry, answer)
        except TimeoutError as error:
            raise _too_late(progress, timeout_s) from error

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        """Hand a whole request on: same body, same operation, the operator's signature, and the endpoint's own address.

        Path and query are the endpoint's: every operation of the service is `POST /`, and a query could only carry a
        signature of its own. `timeout_s` counts until the end of the answer's body.
        """
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        progress = Progress()
        try:
            async with asyncio.timeout_at(deadline_s):
                transport, signed = await self._off_loop(self._prepare_forward, request)
                stream = await transport.open_stream(signed, progress, timeout_s=timeout_s)
        except TimeoutError as error:
            raise _too_late(progress, timeout_s) from error
        return ForwardReply(stream.status, stream.headers, stream.body(deadline_s))

    async def aclose(self) -> None:
        """Close all connections. Calls under way fail; later ones are refused."""
        self._closed = True
        self._threads.shutdown(wait=False)
        if self._transport is not None:
            await self._transport.aclose()

    async def _off_loop(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._closed:
            raise Problem(Kind.SHUTTING_DOWN, "The provider is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def _prepare(self, image: bytes, inquiry: Inquiry) -> tuple[Transport, SignedRequest]:
        operation = OPERATIONS[inquiry.feature]
        headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{SERVICE_TARGET}.{operation.name}"}
        return self._signed(headers, request_body(image, inquiry), _NO_ENCODING)

    def _prepare_forward(self, request: RawRequest) -> tuple[Transport, SignedRequest]:
        signed, unsigned = _picked(request.headers, _SIGNED_HEADERS), _picked(request.headers, _UNSIGNED_HEADERS)
        return self._signed(signed, request.body, {**_NO_ENCODING, **unsigned})

    def _signed(
        self, headers: Mapping[str, str], body: bytes, unsigned_headers: Mapping[str, str] | None = None
    ) -> tuple[Transport, SignedRequest]:
        request = self._signer.sign(headers, body)
        with self._opening:
            if self._transport is None:
                self._transport = Transport(
                    self._signer.endpoint(), max_connections=self._max_connections, connect_timeout_s=self._connect_timeout_s
                )
        return self._transport, SignedRequest(request.url, {**request.headers, **(unsigned_headers or {})}, body)


def _read(inquiry: Inquiry, answer: RawAnswer) -> Reading:
    if not answer.is_success:
        raise refusal(answer.status, answer.headers, answer.body)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise garbled("it is encoded, though it was asked for as it is")
    return parse(inquiry.feature, answer.body)


def _too_late(progress: Progress, timeout_s: float) -> Problem:
    """The problem of a call that ran out of time, by how far it had come (see `transport`: was anything bought?)."""
    if progress.answer is not None and not progress.answer.is_success:
        return refusal(progress.answer.status, progress.answer.headers, progress.answer.body)
    if not progress.sent:
        return Problem(Kind.PROVIDER_UNAVAILABLE, f"The request could not be sent within {timeout_s:.3f} s")
    return Problem(Kind.PROVIDER_TIMEOUT, f"The provider did not answer within {timeout_s:.3f} s")


def _picked(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    picked = {name: headers[name] for name in names if name in headers}
    if not all(value.isascii() and value.isprintable() for value in picked.values()):
        raise Problem(Kind.MALFORMED_REQUEST, "A header of the request holds characters that no header may hold")
    return picked
