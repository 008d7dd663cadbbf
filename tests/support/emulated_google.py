"""The emulated Google Cloud Vision inside the test's own process: REST without a port, gRPC on a free one.

For unit tests. How it behaves towards real clients is tested with `tests.support.emulator` and `google_clients`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.detectors.contract import Detector
from app.detectors.markers import MarkerDetector
from app.emulators.google import build_app
from app.emulators.options import EmulatorOptions

CALL_S = 60.0
ANNOTATE = "/v1/images:annotate"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over REST."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The name of the error of the whole call; empty where there is none."""
        return str(self.json.get("error", {}).get("status", ""))

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])

    @property
    def image_codes(self) -> list[int]:
        """The code of each image, 0 where it was answered."""
        return [response.get("error", {}).get("code", 0) for response in self.json["responses"]]


@dataclass(frozen=True, slots=True)
class EmulatedGoogle:
    """The application, and ways to call it."""

    http: httpx.AsyncClient
    grpc: str

    async def post(self, body: object, path: str = ANNOTATE, **headers: str) -> Answer:
        """One call; bytes are sent as they are, everything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        reply = await self.http.post(f"http://emulator{path}", content=content, headers=sent)
        return Answer(reply.status_code, reply.headers, reply.content)

    async def get(self, path: str) -> Answer:
        reply = await self.http.get(path)
        return Answer(reply.status_code, reply.headers, reply.content)

    async def annotate(self, *images: bytes, features: tuple[str, ...] = ("OBJECT_LOCALIZATION",)) -> Answer:
        return await self.post({"requests": [inline(image, *features) for image in images]})

    async def counters(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/_emulator/counters")).json()
        return found

    async def control(self, name: str, value: object) -> httpx.Response:
        return await self.http.post(f"/_emulator/{name}", content=json.dumps(value).encode())


def inline(image: bytes, *features: str) -> dict[str, Any]:
    """One image of a request."""
    return {"image": {"content": base64.b64encode(image).decode()}, "features": [{"type": name} for name in features]}


@asynccontextmanager
async def emulated_google(
    options: EmulatorOptions | None = None, eyes: Detector | None = None, faces: Detector | None = None
) -> AsyncIterator[EmulatedGoogle]:
    """Markers only, unless the test has other eyes."""
    app = build_app(MarkerDetector() if eyes is None else eyes, options or EmulatorOptions(), faces=faces)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://emulator", timeout=CALL_S) as http,
    ):
        yield EmulatedGoogle(http, app.state.grpc_address)
