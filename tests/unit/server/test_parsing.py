"""A parser that hears no offer of another protocol tells what it would without the offer, in whatever pieces the bytes come."""

from __future__ import annotations

from typing import NoReturn

import httptools
import pytest

from app.server.parsing import RequestParser

NEXT = b"GET /next HTTP/1.1\r\nHost: b\r\n\r\n"


class Tunnel(Exception):
    pass


class Told:
    """What the parser says: of each request its line, its headers, its body and whether it ended."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.requests: list[list[object]] = []
        self.parser = RequestParser(self)

    def on_message_begin(self) -> None:
        self.url, self.headers = b"", []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        line = (self.parser.get_method(), self.url, self.parser.get_http_version(), self.parser.should_keep_alive())
        self.requests.append([line, [each for each in self.headers if each != (b"upgrade", b"")], b"", False])
        assert not self.parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self.requests[-1][2] += body  # type: ignore[operator]  # the third is always bytes

    def on_message_complete(self) -> None:
        self.requests[-1][3] = True

    def on_tunnel(self) -> NoReturn:
        raise Tunnel


def _read(*pieces: bytes) -> list[list[object]]:
    told = Told()
    for piece in pieces:
        told.parser.feed_data(piece)
    told.parser.end()
    return told.requests


BODIES = {
    "none": (b"", b""),
    "a length": (b"Content-Length: 34\r\n", b"GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"),
    "chunks": (
        b"Transfer-Encoding: chunked\r\n",
        b"5;a=b\r\nGET /\r\n4\r\nevil\r\n0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
    ),
}
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "websocket": b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    "any case": b"uPGRADE: x\r\ncONNECTION: uPGRADE\r\n",
    "more than once": b"Upgrade: a\r\nConnection: upgrade\r\nUpgrade: b\r\nConnection: Upgrade\r\nUPGRADE: c\r\n",
    "room around it": b"Connection: \t keep-alive ,\t upgrade \t\r\nUpgrade: \t a, b \t\r\n",
    "nothing in it": b"Connection: upgrade\r\nUpgrade:\r\nX-Empty:\r\n",
    "and the end": b"Connection: close, upgrade\r\nUpgrade: h2c\r\n",
}


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_changes_nothing(offer: str, body: str, version: bytes) -> None:
    field, content = BODIES[body]
    start = b"POST /p?q=%41 HTTP/" + version + b"\r\nHost: a\r\n"
    lines = OFFERS[offer].splitlines(keepends=True)
    plain = b"".join(line for line in lines if not line.lower().startswith(b"upgrade:"))
    expected = _read(start + plain + field + b"\r\n" + content + NEXT)
    assert all(request[3] for request in expected)
    assert len(expected) == (2 if expected[0][0][3] else 1)  # type: ignore[index]  # whether the connection stays
    whole = start + OFFERS[offer] + field + b"\r\n" + content + NEXT
    assert _read(whole) == expected
    assert _read(*(bytes([byte]) for byte in whole)) == expected
    for at in range(len(whole)):
        assert _read(whole[:at], whole[at:]) == expected


def test_many_offers_in_one_breath() -> None:
    one = b"POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"
    requests = _read(one * 20 + NEXT)
    assert [request[2] for request in requests] == [b"abc"] * 20 + [b""]


@pytest.mark.parametrize(
    "lines",
    [
        b"Connection: x,\r\n upgrade\r\nUpgrade: a\r\n",
        b"Connection: upgrade\r\nUpgrade : a\r\n",
        b"Connection: upgrade\r\nUpgrade: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        b"Connection: upgrade\r\nUpgrade: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Connection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: gzip\r\n",
    ],
)
def test_what_is_no_http_stays_none(lines: bytes) -> None:
    """Folded lines, blanks before a colon, two lengths, length and chunks, a body without an end."""
    told = Told()
    with pytest.raises(httptools.HttpParserError):
        told.parser.feed_data(b"POST / HTTP/1.1\r\n" + lines + b"\r\nabc" + NEXT)
    assert [request for request in told.requests if request[3]] == []


@pytest.mark.parametrize("offer", [b"", b"Connection: upgrade\r\nUpgrade: h2c\r\n"])
def test_a_tunnel_is_told_apart(offer: bytes) -> None:
    told = Told()
    with pytest.raises(httptools.HttpParserCallbackError) as caught:
        told.parser.feed_data(b"CONNECT a:1 HTTP/1.1\r\n" + offer + b"Content-Length: 35\r\n\r\n" + NEXT)
    assert isinstance(caught.value.__context__, Tunnel)
    assert told.requests == []
