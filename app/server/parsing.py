"""httptools' parser of requests, without a change of protocol in the middle of a connection.

In: a connection's bytes. Out: the same calls to uvicorn's protocol as of httptools' own parser. Used by `heads`.

httptools takes `Connection: Upgrade` with any `Upgrade` at its word: what follows the head is nobody's HTTP, so the request's
body is lost or read as further requests, and whoever shares the connection gets somebody else's answer. RFC 9110 section 7.8
lets a server ignore the offer (Java's HttpClient makes one by default, for h2c): here such a head is read again without it, and
the body is a body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import httptools


class Reader(Protocol):
    """What is told, as far as the parser needs it back: uvicorn's protocol."""

    url: bytes
    headers: list[tuple[bytes, bytes]]

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...

    def on_tunnel(self) -> None:
        """A request that cannot be read on as HTTP, whatever it offers: CONNECT. Raises."""
        ...


class RequestParser:
    """One connection's. A head with an offer is told twice, the second time without the offer; the rest only once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.on_message_begin: Callable[[], None] = reader.on_message_begin
        self.on_url: Callable[[bytes], None] = reader.on_url
        self.on_header: Callable[[bytes, bytes], None] = reader.on_header
        self.on_body: Callable[[bytes], None] = reader.on_body
        self._plain_head = b""
        self._parser = self._fresh()

    def feed_data(self, data: bytes) -> None:
        """Raises httptools.HttpParserError, as httptools does."""
        while data:
            data = self._feed(data)

    def end(self) -> None:
        """No more will be fed. Parser and reader know each other: this lets go of both at once."""
        del self._parser

    def on_headers_complete(self) -> None:
        if self._parser.should_upgrade():
            self._plain_head = self._without_offer()
        else:
            self._reader.on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._plain_head:
            self._reader.on_message_complete()

    def get_http_version(self) -> str:
        return self._parser.get_http_version()

    def get_method(self) -> bytes:
        return self._parser.get_method()

    def should_keep_alive(self) -> bool:
        return self._parser.should_keep_alive()

    def should_upgrade(self) -> bool:
        return False

    def _feed(self, data: bytes) -> bytes:
        """What is left to be read: from the first offer on, and that without it."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            rest = data[offer.args[0] :]
        else:
            return b""
        head, self._plain_head = self._plain_head, b""
        self._parser = self._fresh()
        return head + rest

    def _without_offer(self) -> bytes:
        """The head that was just told, which has passed the strict parser: no line of it holds a break."""
        headers = [(name, value) for name, value in self._reader.headers if name != b"upgrade"]
        if len(headers) == len(self._reader.headers):
            self._reader.on_tunnel()
        version = self._parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s\r\n" % (self._parser.get_method(), self._reader.url, version)]
        return b"".join([*lines, *(b"%s: %s\r\n" % header for header in headers), b"\r\n"])

    def _fresh(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # As uvicorn: whoever says `close` and goes on all the same gets the answer to what came before.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser
