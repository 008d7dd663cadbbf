"""The native endpoint as its users call it: httpx, and curl where the machine has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.core.geometry import UnitBox
from app.demo.scenes import Scene
from app.demo.truth import Seen
from tests.support.sdk import new_key

CALL_S = 60.0
# The answer gives ratios with six decimals and pixels with two.
ROUNDING_PX = 0.02


@dataclass(frozen=True, slots=True)
class NativeClient:
    """A client with an API key of its own."""

    url: str
    http: httpx.Client
    key: str = field(default_factory=new_key)

    def with_key(self, key: str) -> NativeClient:
        """The same with another key."""
        return NativeClient(self.url, self.http, key)

    def post(
        self,
        content: bytes | None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        operation: str = "detect",
    ) -> httpx.Response:
        address = f"{self.url}/v1/{operation}{'?' if query else ''}{query}"
        return self.http.post(address, content=content, files=files, headers={"X-Api-Key": self.key, **(headers or {})})

    def answer(
        self, operation: str, content: bytes, query: str = "", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer of a request that must succeed."""
        reply = self.post(content, query, headers, operation=operation)
        assert reply.status_code == 200, reply.text
        return told(reply)

    def detect(self, content: bytes, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self.answer("detect", content, query, headers)

    def classify(self, content: bytes, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self.answer("classify", content, query, headers)

    def moderate(self, content: bytes, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self.answer("moderate", content, query, headers)


@contextmanager
def native_client(url: str) -> Iterator[NativeClient]:
    with httpx.Client(timeout=CALL_S) as http:
        yield NativeClient(url, http)


def told(reply: httpx.Response) -> dict[str, Any]:
    """A good answer's JSON; what body and headers both say, they say alike."""
    answer: dict[str, Any] = reply.json()
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"] == answer["request_id"]
    assert reply.headers["x-tessera-grid"] == answer["grid"]["layout"]
    assert float(reply.headers["x-tessera-inferences"]) == answer["grid"]["inferences"]
    assert float(reply.headers["x-tessera-wait-ms"]) == answer["grid"]["wait_ms"]
    return answer


def seen(answer: Mapping[str, Any], feature: str) -> tuple[Seen, ...]:
    """The findings of one feature, as the demo's judges take them. Both ways of giving a box must be the same box."""
    width_px, height_px = answer["image"]["width"], answer["image"]["height"]
    found = []
    for item in answer["detections"]:
        unit, pixels = item["box"]["unit"], item["box"]["pixels"]
        for edge, size_px in (("left", width_px), ("right", width_px), ("top", height_px), ("bottom", height_px)):
            assert 0 <= unit[edge] <= 1
            assert abs(unit[edge] * size_px - pixels[edge]) < ROUNDING_PX
        if item["feature"] == feature:
            found.append(Seen(item["label"], item["score"], UnitBox(**unit)))
    return tuple(found)


def is_problem(reply: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """RFC 9457: status, type, title, detail; and the id that the logs carry."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    problem: dict[str, Any] = reply.json()
    assert problem.keys() == {"type", "title", "status", "detail", "request_id"}
    assert (problem["status"], problem["type"]) == (status, f"urn:tessera:problem:{kind}"), problem
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    return problem


def is_image_of(answer: Mapping[str, Any], scene: Scene) -> None:
    """The frame of all boxes is the upright image."""
    assert (answer["image"]["width"], answer["image"]["height"]) == (scene.size.width_px, scene.size.height_px)
