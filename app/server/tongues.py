"""Which vendor's language a request is in, by its head alone: for what is said before any dialect has read it.

In: a path and the names of the headers. Out: a dialect, or the words of a refusal that a connection gives by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from app.errors import Kind, Problem
from app.server.heads import Refusal
from app.wire.azure import AzureDialects
from app.wire.contract import Dialect
from app.wire.google import is_rest_path

ANALYSIS_BASE, VISION_BASE = "/computervision/", "/vision/"
# When to come again, seconds: requests that are being answered take about as long.
FULL_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Tongues:
    """All dialects."""

    native: Dialect
    rekognition: Dialect
    azure: AzureDialects
    google: Dialect

    def of(self, path: str, headers: Collection[str]) -> Dialect:
        """`headers`: names in lower case. Google's clients all say that they are, wherever they knock."""
        if any(name.startswith("x-goog-") for name in headers) or is_rest_path(path):
            return self.google
        if "x-amz-target" in headers:
            return self.rekognition
        if path.startswith(ANALYSIS_BASE):
            return self.azure.analysis
        return self.azure.vision if path.startswith(VISION_BASE) else self.native

    def full(self, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Refusal:
        """What a client is told when as many as may be are being served."""
        path = unquote_to_bytes(url.partition(b"?")[0]).decode("utf-8", "replace")
        problem = Problem(Kind.OVER_CAPACITY, "as many as may be are under way", retry_after_s=FULL_RETRY_S)
        reply = self.of(path, [name.decode("latin-1").lower() for name, _ in headers]).refuse(problem, str(uuid.uuid4()))
        fields = "".join(f"{name.lower()}: {value}\r\n" for name, value in reply.headers.items()).encode("latin-1")
        return Refusal(HTTPStatus(reply.status), reply.body, fields)
