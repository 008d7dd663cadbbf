"""An emulator inside the test's own process: no port, no boto3, and its eyes are whatever the test gives it.

For unit tests. How it behaves towards real clients is tested with `tests.support.emulator`.
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
from app.emulators.options import EmulatorOptions
from app.emulators.rekognition import build_app

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/rekognition/aws4_request, SignedHeaders=host;x-amz-date, "
    f"Signature={'0' * 64}"
)
CALL_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The exception's name; empty where there is none."""
        return str(self.json.get("__type", ""))


@dataclass(frozen=True, slots=True)
class Emulated:
    """The application, and a way to call it."""

    http: httpx.AsyncClient

    async def call(self, operation: str, members: object = None, *, body: bytes | None = None, **headers: str) -> Answer:
        """One call; by default with an Authorization header of the right form. A header set to "" is left out."""
        sent = {
            "x-amz-target": f"RekognitionService.{operation}",
            "content-type": "application/x-amz-json-1.1",
            "authorization": AUTHORIZATION,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        content = json.dumps({} if members is None else members).encode() if body is None else body
        reply = await self.http.post("/", content=content, headers={name: value for name, value in sent.items() if value})
        return Answer(reply.status_code, reply.headers, reply.content)

    async def look(self, operation: str, image: bytes, **members: object) -> Answer:
        """One call about an inline image."""
        return await self.call(operation, {"Image": inline(image), **members})

    async def counters(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/_emulator/counters")).json()
        return found

    async def control(self, name: str, value: object) -> httpx.Response:
        return await self.http.post(f"/_emulator/{name}", content=json.dumps(value).encode())


def inline(image: bytes) -> dict[str, str]:
    """The request member that holds an image."""
    return {"Bytes": base64.b64encode(image).decode()}


@asynccontextmanager
async def emulated(
    options: EmulatorOptions | None = None, eyes: Detector | None = None, faces: Detector | None = None
) -> AsyncIterator[Emulated]:
    """Markers only, unless the test has other eyes."""
    app = build_app(MarkerDetector() if eyes is None else eyes, options or EmulatorOptions(), faces=faces)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://emulator", timeout=CALL_S) as http,
    ):
        yield Emulated(http)
