"""A request as HTTP/1.1 bytes, sound or not: lengths that lie, chunks that are none, heads without end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from urllib.parse import quote

from app.core.model import RawRequest

# Headers that belong to the connection on which a request was recorded.
_OF_THE_CONNECTION = frozenset({"host", "connection", "content-length", "transfer-encoding", "user-agent", "accept-encoding"})
_PLAIN_SHARE = 0.85
_MOST_HEADERS = 3000
_LARGE_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Framed:
    """`is_bent`: the framing or the head is not what HTTP asks for; then an answer need not be the vendor's, nor be there at
    all. `waits`: the server may wait for more, so the client closes its side.
    """

    data: bytes
    is_bent: bool = False
    waits: bool = False


def framed(rng: Random, raw: RawRequest) -> Framed:
    """Mostly plain."""
    if rng.random() < _PLAIN_SHARE:
        return framed_plainly(raw)
    return rng.choice((_oddly_long, _oddly_chunked, _oddly_headed, _oddly_begun))(rng, raw)


def _oddly_long(rng: Random, raw: RawRequest) -> Framed:
    """Lengths that lie, contradict each other, or are no numbers."""
    lines, body = _lines(raw), raw.body
    length = f"Content-Length: {len(body)}"
    match rng.randrange(6):
        case 0:
            return Framed(_joined(lines, f"Content-Length: {len(body) + 100}") + body, is_bent=True, waits=True)
        case 1:
            return Framed(_joined(lines, f"Content-Length: {len(body) // 2}") + body, is_bent=True)
        case 2:
            said = rng.choice(("-1", "+5", "0x10", "1e3", "9" * 30, "5, 6", "", "\u0665"))
            return Framed(_joined(lines, f"Content-Length: {said}") + body, is_bent=True, waits=True)
        case 3:
            return Framed(_joined(lines, length, length) + body, is_bent=True)
        case 4:
            return Framed(_joined(lines, length, "Transfer-Encoding: chunked") + body, is_bent=True, waits=True)
        case _:
            return Framed(_joined(lines) + body, is_bent=True)


def _oddly_chunked(rng: Random, raw: RawRequest) -> Framed:
    """In chunks, sound ones too."""
    head, body = _joined(_lines(raw), "Transfer-Encoding: chunked"), raw.body
    match rng.randrange(3):
        case 0:
            return replace(_seen(raw, head), data=head + _chunked(rng, body))
        case 1:
            return Framed(head + b"zz\r\n" + body, is_bent=True, waits=True)
        case _:
            return Framed(head + _chunked(rng, body)[:-3], is_bent=True, waits=True)


def _oddly_headed(rng: Random, raw: RawRequest) -> Framed:
    """Headers that are long, many, or none."""
    lines, length = _lines(raw), f"Content-Length: {len(raw.body)}"
    match rng.randrange(4):
        case 0:
            more = ["X-Long: " + "a" * _LARGE_BYTES]
        case 1:
            more = [f"X-{at}: {at}" for at in range(_MOST_HEADERS)]
        case 2:
            odd = ("no colon", ": no name", "X-Null: a\0b", " folded: yes", "X Space: 1", "X-Bare: a\nb", "\xff: \xff")
            more = [rng.choice(odd)]
        case _:
            head = _joined(lines, length, "Expect: 100-continue")
            return replace(_seen(raw, head), data=head + raw.body)
    return Framed(_joined(lines, length, *more) + raw.body, is_bent=True, waits=True)


def _oddly_begun(rng: Random, raw: RawRequest) -> Framed:
    """Another version, another protocol, other line ends."""
    lines, length = _lines(raw), f"Content-Length: {len(raw.body)}"
    match rng.randrange(3):
        case 0:
            version = rng.choice((" HTTP/1.0", " HTTP/0.9", " HTTP/2.0", "", " HTTP/1.1 extra", " http/1.1"))
            lines[0] = lines[0].removesuffix(" HTTP/1.1") + version
            return Framed(_joined(lines, length) + raw.body, is_bent=True, waits=True)
        case 1:
            data = rng.choice((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", rng.randbytes(300)))
            return Framed(data, is_bent=True, waits=True)
        case _:
            return Framed(_joined(lines, length).replace(b"\r\n", b"\n") + raw.body, is_bent=True, waits=True)


def framed_plainly(raw: RawRequest) -> Framed:
    """As any client would send it; bent only where the request's own words are."""
    head = _joined(_lines(raw), f"Content-Length: {len(raw.body)}")
    return replace(_seen(raw, head), data=head + raw.body)


def _seen(raw: RawRequest, head: bytes) -> Framed:
    """Whether the words in the head are such as may stand in one."""
    lines = head.decode("latin-1").split("\r\n")
    is_bent = not (raw.method.isupper() and all(line.isascii() and line.isprintable() for line in lines))
    return Framed(b"", is_bent, waits=is_bent)


def _lines(raw: RawRequest) -> list[str]:
    """The request line and the headers; a path or a query is written as it is, but for what would end the line."""
    target = quote(raw.path, safe="/:%*@") + (f"?{_on_one_line(raw.query).replace(' ', '%20')}" if raw.query else "")
    kept = {name: value for name, value in raw.headers.items() if name not in _OF_THE_CONNECTION}
    return [
        f"{raw.method} {target} HTTP/1.1",
        "Host: tessera",
        *(f"{name}: {_on_one_line(value)}" for name, value in kept.items()),
    ]


def _on_one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def _joined(lines: list[str], *more: str) -> bytes:
    return "".join(f"{line}\r\n" for line in [*lines, *more]).encode("latin-1", "replace") + b"\r\n"


def _chunked(rng: Random, body: bytes) -> bytes:
    out, at = bytearray(), 0
    while at < len(body):
        piece = body[at : at + rng.choice((1, 100, 65_536))]
        out += f"{len(piece):x}{rng.choice(('', ';a=b'))}\r\n".encode() + piece + b"\r\n"
        at += len(piece)
    return bytes(out + b"0\r\n\r\n")
