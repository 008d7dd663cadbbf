"""A dialect behind a socket and nothing else: real SDKs call it, the test decides what was found. No proxy, no vendor.

with serving(lambda raw: dialect.refuse(Problem(Kind.THROTTLED, "slow"), "request-1")) as server:
    client(server.url).analyze(...)
    assert len(server.requests) == 1
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from app.core.model import RawRequest
from app.wire.contract import RawReply

Answer = Callable[[RawRequest], RawReply]


@dataclass(frozen=True, slots=True)
class DialectServer:
    """Its address, and every request that came."""

    url: str
    requests: list[RawRequest] = field(default_factory=list)


@contextmanager
def serving(answer: Answer) -> Iterator[DialectServer]:
    """Answers every POST, on a free port of this machine, until the block ends."""
    requests: list[RawRequest] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw = RawRequest("POST", parts.path, parts.query, headers, self._body())
            requests.append(raw)
            reply = answer(raw)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="dialect server")
    thread.start()
    try:
        yield DialectServer(f"http://127.0.0.1:{server.server_port}", requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
