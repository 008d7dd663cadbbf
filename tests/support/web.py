"""A small web server on loopback for tests of what fetches: each path answers as the test says.

with web({"/a.jpg": Page(b"...")}) as site:
    ... site.url("/a.jpg") ... site.asked
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `chunked`: its length is not told; `cut`: the length is told, and half of it comes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    cut: bool = False
    stalls: bool = False


@dataclass(slots=True)
class Site:
    """A running server; `asked` are the paths that were asked for, `headers` those of the last request."""

    port: int
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def web(pages: Mapping[str, Page]) -> Iterator[Site]:
    site = Site(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(pages.get(self.path, Page(status=404)))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.do_GET()

        def _answer(self, page: Page) -> None:
            if page.stalls:
                site.over.wait()
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value.replace("{port}", str(site.port)))
            if page.chunked:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(page.body), page.body))
                return
            self.send_header("content-length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body[: len(page.body) // 2] if page.cut else page.body)
            self.close_connection = page.cut

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="web")
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
