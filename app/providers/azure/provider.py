"""Azure AI Vision as a `Provider` and a `Forwarder`: every stage of a paid call, in order.

Built by `providers.build`; called by `calling` (infer) and by the front half for requests that cannot be gridded (forward).
Opening connections and reading an answer run in `threads` of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass

from app.core.model import Inquiry, RawRequest
from app.errors import Problem
from app.providers.azure.asking import target_of
from app.providers.azure.client import AnalysisClient
from app.providers.azure.features import capabilities
from app.providers.azure.forwarding import handed_on
from app.providers.azure.parse import parse
from app.providers.azure.refusals import refusal
from app.providers.azure.resource import Resource
from app.providers.connections import Address
from app.providers.contract import Capabilities, ForwardReply, Reading
from app.providers.forwarding import open_forward
from app.providers.threads import Threads
from app.providers.transport import Outgoing, Progress, RawAnswer, Transport, readable_body, too_late


@dataclass(frozen=True, slots=True)
class _Line:
    """The open connections to the resource, and Microsoft's client over them."""

    transport: Transport
    client: AnalysisClient


class AzureProvider:
    """One resource of Azure AI Vision. `upstream_url` and `key`: None leaves them to the environment (see `resource`)."""

    def __init__(self, *, upstream_url: str | None, key: str | None, max_connections: int, connect_timeout_s: float) -> None:
        self._capabilities = capabilities()
        self._resource = Resource(upstream_url, key, os.environ)
        self._max_connections = max_connections
        self._connect_timeout_s = connect_timeout_s
        self._threads = Threads(self._capabilities.provider)
        self._opening = threading.Lock()
        self._line: _Line | None = None

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def address(self) -> str:
        """Where requests go. Raises Problem when nothing says so."""
        return self._resource.url()

    async def warm_up(self) -> None:
        """Find address and key, and read certificates, before the first image needs them. Raises Problem."""
        await self._threads.run(self._opened)

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        progress = Progress()
        try:
            async with asyncio.timeout(timeout_s):
                line, target = await self._threads.run(self._prepare, inquiry)
                answer = await line.client.analyze(target, image, progress, timeout_s=timeout_s)
                return await self._threads.run(_read, inquiry, answer)
        except TimeoutError as error:
            raise too_late(progress, timeout_s, _refusal) from error

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        """Hand a whole request on: same method, path, query and body, the operator's key in place of the client's.

        `timeout_s` counts until the end of the answer's body.
        """
        prepared = self._threads.run(self._prepare_forward, request)
        return await open_forward(prepared, timeout_s=timeout_s, refusal=_refusal)

    async def aclose(self) -> None:
        """Close all connections. Calls under way fail; later ones are refused."""
        self._threads.close()
        if self._line is not None:
            await self._line.transport.aclose()

    def _prepare(self, inquiry: Inquiry) -> tuple[_Line, str]:
        return self._opened(), target_of(inquiry)

    def _prepare_forward(self, request: RawRequest) -> tuple[Transport, Outgoing]:
        return self._opened().transport, handed_on(request, self._resource.url(), self._resource.secret())

    def _opened(self) -> _Line:
        with self._opening:
            if self._line is None:
                url, key = self._resource.url(), self._resource.secret()
                transport = Transport(
                    Address(url), max_connections=self._max_connections, connect_timeout_s=self._connect_timeout_s
                )
                self._line = _Line(transport, AnalysisClient(url, key, transport))
        return self._line


def _read(inquiry: Inquiry, answer: RawAnswer) -> Reading:
    return parse(inquiry.feature, readable_body(answer, _refusal))


def _refusal(answer: RawAnswer) -> Problem:
    return refusal(answer.status, answer.headers, answer.body)
