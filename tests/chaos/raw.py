"""HTTP over a socket of its own for each request, so that nothing is hidden: no pool, no second try, every byte is seen.

In: an address and a request's bytes. Out: a `RawAnswer`, or an exception: `ConnectionRefusedError` before anything was sent,
`BrokenError` afterwards, `TimeoutError` when it takes too long. Slow and vanishing clients are made of the same pieces.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PIECE_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"


class BrokenError(Exception):
    """The connection ended before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client sends and reads: in pieces with a pause after each. `leaves`: it goes when all is sent."""

    piece_bytes: int = PIECE_BYTES
    pause_s: float = 0.0
    read_bytes: int = PIECE_BYTES
    read_pause_s: float = 0.0
    leaves: bool = False


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """`surplus`: bytes that came after the answer's end. `sent_s`: when the last byte of the request had left.

    `received`: all of it, as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    surplus: int = 0
    sent_s: float = 0.0
    received: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """The body; an empty object where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A request on a connection that ends with its answer."""
    lines = {"Host": "tessera", "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def exchange(url: str, content: bytes, patience_s: float, manner: Manner = PLAIN) -> RawAnswer | None:
    """Send it and read all until the server ends the connection; None for who leaves. See the module for what is raised."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=patience_s) as connection:
        try:
            _send(connection, content, manner)
            sent_s = time.monotonic()
            return None if manner.leaves else _answer(_read(connection, sent_s + patience_s, manner), sent_s)
        except TimeoutError:
            raise
        except OSError as error:
            raise BrokenError(str(error)) from error


def read_request(connection: socket.socket) -> tuple[bytes, Mapping[str, str]]:
    """All of one request, and its headers; an OSError where it does not come whole."""
    received = b""
    while HEAD_END not in received:
        received += _piece(connection)
    head, _, rest = received.partition(HEAD_END)
    headers = _headers(head)
    left = int(headers.get("content-length", 0)) - len(rest)
    while left > 0:
        piece = _piece(connection)
        received, left = received + piece, left - len(piece)
    return received, headers


def _piece(connection: socket.socket) -> bytes:
    if piece := connection.recv(PIECE_BYTES):
        return piece
    raise ConnectionResetError("it ended in the middle of a request")


def _headers(head: bytes) -> dict[str, str]:
    """Names in lower case."""
    _, *lines = head.decode("latin-1").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def pause(seconds: float) -> None:
    """What is slow, and what lasts, takes its time: there is no event to wait for."""
    threading.Event().wait(seconds)


def _send(connection: socket.socket, content: bytes, manner: Manner) -> None:
    for start in range(0, len(content), manner.piece_bytes):
        if manner.pause_s and start:
            pause(manner.pause_s)
        connection.sendall(content[start : start + manner.piece_bytes])


def _read(connection: socket.socket, until_s: float, manner: Manner) -> bytes:
    received = bytearray()
    while piece := _receive(connection, until_s, manner.read_bytes):
        received += piece
        if manner.read_pause_s:
            pause(manner.read_pause_s)
    return bytes(received)


def _receive(connection: socket.socket, until_s: float, most_bytes: int) -> bytes:
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("no whole answer in time")
    connection.settimeout(left_s)
    return connection.recv(most_bytes)


def _answer(received: bytes, sent_s: float) -> RawAnswer:
    head, found, rest = received.partition(HEAD_END)
    if not found:
        raise BrokenError(f"the connection ended after {len(received)} bytes")
    headers = _headers(head)
    length = int(headers.get("content-length", len(rest)))
    if len(rest) < length:
        raise BrokenError(f"the answer ended after {len(rest)} of {length} bytes")
    return RawAnswer(int(head.split()[1]), headers, rest[:length], len(rest) - length, sent_s, received)
