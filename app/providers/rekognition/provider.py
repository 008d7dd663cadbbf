"""Rekognition as a `Provider` and a `Forwarder`: every stage of a paid call, in order.

Built by `providers.build`; called by `calling` (infer) and by the front half for requests that cannot be gridded (forward).
Preparing a request and reading its answer run in `threads` of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from app.core.model import Inquiry, RawRequest
from app.errors import Problem
from app.providers.aws import FixedCredentials
from app.providers.connections import DEFAULT_CONNECT_TIMEOUT_S, DEFAULT_MAX_CONNECTIONS, Address
from app.providers.contract import Capabilities, ForwardReply, Reading
from app.providers.forwarding import open_forward
from app.providers.headers import end_to_end
from app.providers.rekognition.asking import request_body
from app.providers.rekognition.operations import CONTENT_TYPE, OPERATIONS, SERVICE_TARGET, capabilities
from app.providers.rekognition.parse import parse
from app.providers.rekognition.refusals import refusal
from app.providers.rekognition.signing import Signer
from app.providers.threads import Threads
from app.providers.transport import (
    Outgoing,
    Progress,
    RawAnswer,
    Transport,
    readable_body,
    too_late,
)

# What a forwarded request is known by. The client's own signature is for the address that he called.
_NEEDED = ("content-type", "x-amz-target")
_SIGNED_PREFIX = "x-amz-"
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
        self._threads = Threads(name)
        self._opening = threading.Lock()
        self._transport: Transport | None = None

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def address(self) -> str:
        """Where requests go. Raises Problem when nothing says so."""
        return (await self._threads.run(self._signer.endpoint)).url

    async def warm_up(self) -> None:
        """Find address and credentials before the first image needs them. Raises Problem when one is missing."""
        await self._threads.run(self._signed, {}, b"")

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        progress = Progress()
        try:
            async with asyncio.timeout(timeout_s):
                transport, request = await self._threads.run(self._prepare, image, inquiry)
                answer = await transport.exchange(request, progress, timeout_s=timeout_s)
                return await self._threads.run(_read, inquiry, answer)
        except TimeoutError as error:
            raise too_late(progress, timeout_s, _refusal) from error

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        """Hand a whole request on: same body, same operation, the operator's signature, and the endpoint's own address.

        Path and query are the endpoint's: every operation of the service is `POST /`, and a query could only carry a
        signature of its own. `timeout_s` counts until the end of the answer's body.
        """
        prepared = self._threads.run(self._prepare_forward, request)
        return await open_forward(prepared, timeout_s=timeout_s, refusal=_refusal)

    async def aclose(self) -> None:
        """Close all connections. Calls under way fail; later ones are refused."""
        self._threads.close()
        if self._transport is not None:
            await self._transport.aclose()

    def _prepare(self, image: bytes, inquiry: Inquiry) -> tuple[Transport, Outgoing]:
        operation = OPERATIONS[inquiry.feature]
        headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{SERVICE_TARGET}.{operation.name}"}
        return self._signed(headers, request_body(image, inquiry), _NO_ENCODING)

    def _prepare_forward(self, request: RawRequest) -> tuple[Transport, Outgoing]:
        headers = end_to_end(request.headers, _NEEDED)
        signed = {name: value for name, value in headers.items() if name in _NEEDED or name.startswith(_SIGNED_PREFIX)}
        unsigned = {name: value for name, value in headers.items() if name not in signed}
        return self._signed(signed, request.body, {**_NO_ENCODING, **unsigned})

    def _signed(
        self, headers: Mapping[str, str], body: bytes, unsigned_headers: Mapping[str, str] | None = None
    ) -> tuple[Transport, Outgoing]:
        request = self._signer.sign(headers, body)
        with self._opening:
            if self._transport is None:
                endpoint = self._signer.endpoint()
                self._transport = Transport(
                    Address(endpoint.url, endpoint.ca_bundle),
                    max_connections=self._max_connections,
                    connect_timeout_s=self._connect_timeout_s,
                )
        return self._transport, Outgoing(request.url, {**request.headers, **(unsigned_headers or {})}, body)


def _read(inquiry: Inquiry, answer: RawAnswer) -> Reading:
    return parse(inquiry.feature, readable_body(answer, _refusal))


def _refusal(answer: RawAnswer) -> Problem:
    return refusal(answer.status, answer.headers, answer.body)
