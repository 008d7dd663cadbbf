"""Microsoft's asynchronous client for Image Analysis, over this project's own transport. The SDK's one home.

Comes in: path and query, and an image. Goes out: the raw answer, whatever its status. Called by `provider`.

Two things are taken out of the client, both for guarantee P1 and for the sake of the bill: its retries and redirects (they are
policies, and only those that dress a request are given to it), and its aiohttp transport (see the package's docstring).
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

from azure.ai.vision.imageanalysis.aio import ImageAnalysisClient
from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline.policies import AzureKeyCredentialPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest

from app.providers.azure.features import KEY_HEADER
from app.providers.transport import Outgoing, Progress, RawAnswer, Transport

_HEADERS = {
    "content-type": "application/octet-stream",
    "accept": "application/json",
    "accept-encoding": "identity",  # the body stays what the vendor wrote
}


class AnalysisClient:
    """One resource."""

    def __init__(self, url: str, key: str, transport: Transport) -> None:
        credential = AzureKeyCredential(key)
        dressing = [
            RequestIdPolicy(),
            UserAgentPolicy("tessera", user_agent_use_env=False),
            AzureKeyCredentialPolicy(credential, KEY_HEADER),
        ]
        self._url = url
        self._client = ImageAnalysisClient(url, credential, transport=_Carrier(transport), policies=dressing)

    async def analyze(self, target: str, image: bytes, progress: Progress, *, timeout_s: float) -> RawAnswer:
        """One request, one answer. Raises what `Transport.exchange` raises."""
        request = HttpRequest("POST", f"{self._url}{target}", headers=_HEADERS, content=image)
        answer = await self._client.send_request(request, progress=progress, timeout_s=timeout_s)
        return cast(RawAnswer, answer)  # what comes back is what the carrier gave


class _Carrier(AsyncHttpTransport[HttpRequest, RawAnswer]):
    """azure-core's idea of a transport. Opening and closing are its owner's."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, request: HttpRequest, **options: Any) -> RawAnswer:
        outgoing = Outgoing(request.url, dict(request.headers), request.content, request.method)
        return await self._transport.exchange(outgoing, options["progress"], timeout_s=options["timeout_s"])

    async def open(self) -> None:
        """Connections are opened when they are needed."""

    async def close(self) -> None:
        """They are closed by whoever owns them."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """The same."""
