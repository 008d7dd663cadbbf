"""The emulated Azure AI Vision inside the test's own process: no port, no SDK, and its eyes are whatever the test gives it.

For unit tests. How it behaves towards real clients is tested with `tests.support.emulator` and `tests.support.azure_clients`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.detectors.contract import Detector
from app.detectors.markers import MarkerDetector
from app.emulators.azure import build_app
from app.emulators.options import EmulatorOptions

ANALYZE = "/computervision/imageanalysis:analyze"
API_VERSION = "2024-02-01"
BYTES_TYPE = "application/octet-stream"
CALL_S = 60.0


@dataclass(frozen=True, slots=True)
class EmulatedAzure:
    """The application, and ways to call it."""

    http: httpx.AsyncClient

    async def post(self, path: str, body: bytes, *, kind: str = BYTES_TYPE, key: str = "k", **query: str) -> httpx.Response:
        """One call. An underscore in a parameter's name stands for a hyphen; an empty key or kind is not sent."""
        headers = {"ocp-apim-subscription-key": key, "content-type": kind}
        params = {name.replace("_", "-"): value for name, value in query.items()}
        sent = {name: value for name, value in headers.items() if value}
        return await self.http.post(path, content=body, headers=sent, params=params)

    async def analyze(self, image: bytes, features: str = "objects", **query: str) -> httpx.Response:
        """Image Analysis 4.0 of an image."""
        return await self.post(ANALYZE, image, **{"api_version": API_VERSION, "features": features, **query})

    async def old(self, operation: str, image: bytes, **query: str) -> httpx.Response:
        """One of the operations of 3.2."""
        return await self.post(f"/vision/v3.2/{operation}", image, **query)

    async def counters(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/_emulator/counters")).json()
        return found

    async def totals(self) -> dict[str, int]:
        found: dict[str, int] = (await self.counters())["totals"]
        return found

    async def control(self, name: str, value: object) -> httpx.Response:
        return await self.http.post(f"/_emulator/{name}", content=json.dumps(value).encode())


def code_of(reply: httpx.Response) -> str:
    """The innermost code of an error."""
    error = reply.json()["error"]
    return str(error.get("innererror", error)["code"])


@asynccontextmanager
async def emulated_azure(
    options: EmulatorOptions | None = None, eyes: Detector | None = None, faces: Detector | None = None
) -> AsyncIterator[EmulatedAzure]:
    """Markers only, unless the test has other eyes."""
    app = build_app(MarkerDetector() if eyes is None else eyes, options or EmulatorOptions(), faces=faces)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://emulator", timeout=CALL_S) as http,
    ):
        yield EmulatedAzure(http)
