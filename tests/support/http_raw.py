"""HTTP without a library's manners: requests as bytes over a socket, for what no client would send.

reply = exchange(url, request(b"{}", target=None))
with connected(url) as socket: ...
"""

from __future__ import annotations

import http.client
import json
import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TARGET = "RekognitionService.DetectLabels"
# A server that says nothing for so long hangs; the slowest true answer of these tests takes a few seconds on a busy machine.
PATIENCE_S = 40.0
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Header names are lower case; a repeated header's values are joined with commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


def with_image(content: bytes, **members: Any) -> bytes:
    """The body of an AWS request with this inline image."""
    return json.dumps({"Image": {"Bytes": b64encode(content).decode()}, **members}).encode()


def request(
    body: bytes, *, method: str = "POST", path: str = "/", target: str | None = TARGET, headers: Mapping[str, str] | None = None
) -> bytes:
    """An HTTP/1.1 request. `headers` may replace Content-Length; text is sent as Latin-1."""
    lines = {"Host": "tessera", "Content-Type": "application/x-amz-json-1.1", "Content-Length": str(len(body))}
    lines |= {"X-Amz-Target": target} if target is not None else {}
    lines |= headers or {}
    if "Transfer-Encoding" in lines:
        del lines["Content-Length"]
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def signed_by(key: str) -> dict[str, str]:
    """The header that makes a request a tenant's; nobody checks the signature."""
    scope = f"Credential={key}/20261123/us-east-1/rekognition/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature={'0' * 64}"}


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """A connection; every wait on it ends."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S) as connection:
        yield connection


def read_reply(connection: socket.socket, method: str = "POST") -> Reply:
    """The next answer on the connection. Raises what a client would: the connection broke, or nothing came in time."""
    response = http.client.HTTPResponse(connection, method=method)
    with response:
        response.begin()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return Reply(response.status, headers, response.read())


def exchange(url: str, content: bytes, method: str = "POST") -> Reply:
    """Send all of it, as far as the server takes it, and read the answer."""
    with connected(url) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it answered before it had read everything
            for start in range(0, len(content), PIECE_BYTES):
                connection.sendall(content[start : start + PIECE_BYTES])
        return read_reply(connection, method)
