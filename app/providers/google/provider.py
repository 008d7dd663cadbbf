"""Cloud Vision as a `Provider` and a `Forwarder`: every stage of a paid call, in order.

Built by `providers.build`; called by `calling` (infer, over gRPC) and by the front half for requests, or parts of them, that
cannot be gridded (forward, over REST). Credentials, writing a request and reading its answer block or are CPU work on
megabytes: they run in `threads` of its own.
"""

from __future__ import annotations

import asyncio
import threading
from urllib.parse import urlsplit

from app.core.model import Inquiry, RawRequest
from app.errors import Kind, Problem
from app.providers.connections import DEFAULT_CONNECT_TIMEOUT_S, DEFAULT_MAX_CONNECTIONS, Address, is_loopback
from app.providers.contract import Capabilities, ForwardReply, Reading
from app.providers.forwarding import open_forward
from app.providers.google.asking import request_of
from app.providers.google.channels import Channels, Target
from app.providers.google.features import VENDOR, capabilities
from app.providers.google.forwarding import handed_on
from app.providers.google.identity import Identity
from app.providers.google.parse import parse
from app.providers.google.refusals import rest_refusal
from app.providers.threads import Threads
from app.providers.transport import Outgoing, RawAnswer, Transport

DEFAULT_URL = "https://vision.googleapis.com"

_PORTS = {"http": 80, "https": 443}


class GoogleProvider:
    """One Cloud Vision endpoint: REST at `upstream_url`, gRPC at `upstream_grpc` or else at the same host and port.

    An http address is spoken to in plain text, and without an API key nobody is asked for credentials: so are emulators.
    """

    def __init__(
        self,
        *,
        upstream_url: str | None = None,
        upstream_grpc: str | None = None,
        api_key: str | None = None,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S,
    ) -> None:
        self._url = upstream_url or DEFAULT_URL
        self._target = target_of(self._url, upstream_grpc)
        self._identity = Identity(api_key=api_key, is_anonymous=not self._target.is_encrypted)
        self._max_connections = max_connections
        self._connect_timeout_s = connect_timeout_s
        self._threads = Threads(VENDOR)
        self._opening = threading.Lock()
        self._channels = Channels(self._target, max_connections=max_connections, connect_timeout_s=connect_timeout_s)
        self._transport: Transport | None = None

    @property
    def capabilities(self) -> Capabilities:
        return capabilities()

    async def address(self) -> str:
        """Where requests go."""
        return self._url

    async def warm_up(self) -> None:
        """Find credentials before the first image needs them. Raises Problem when there are none."""
        await self._threads.run(self._identity.headers)

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(deadline_s):
                request = await self._threads.run(request_of, image, inquiry)
                identity = await self._threads.run(self._identity.headers)
        except TimeoutError as error:
            raise Problem(Kind.PROVIDER_UNAVAILABLE, f"The request could not be sent within {timeout_s:.3f} s") from error
        answer = await self._channels.annotate(request, identity, deadline_s=deadline_s)
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._threads.run(parse, inquiry.feature, image, answer)
        except TimeoutError as error:
            raise Problem(Kind.PROVIDER_TIMEOUT, "The provider's answer came too late to be read") from error

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        """Hand a whole request of the REST API on: same path, same query, same body, the operator's credentials.

        `timeout_s` counts until the end of the answer's body.
        """
        prepared = self._threads.run(self._prepare_forward, request)
        return await open_forward(prepared, timeout_s=timeout_s, refusal=_refusal)

    async def aclose(self) -> None:
        """Close all connections. Calls under way fail; later ones are refused."""
        self._threads.close()
        await self._channels.aclose()
        if self._transport is not None:
            await self._transport.aclose()

    def _prepare_forward(self, request: RawRequest) -> tuple[Transport, Outgoing]:
        return self._opened_transport(), handed_on(request, self._url, self._identity.headers())

    def _opened_transport(self) -> Transport:
        """Reads the certificates that it trusts: off the loop."""
        with self._opening:
            if self._transport is None:
                self._transport = Transport(
                    Address(self._url), max_connections=self._max_connections, connect_timeout_s=self._connect_timeout_s
                )
            return self._transport


def _refusal(answer: RawAnswer) -> Problem:
    return rest_refusal(answer.status, answer.body)


def target_of(url: str, grpc_address: str | None) -> Target:
    """Where gRPC is spoken, for a server whose REST API is at `url`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    address = grpc_address or f"{named}:{parts.port or _PORTS[parts.scheme]}"
    return Target(address, is_encrypted=parts.scheme == "https", is_near=is_loopback(host))
