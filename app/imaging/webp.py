"""The head of a WebP file: size, orientation, and whether the file has its end. Callers: `header`.

WebP container specification (RFC 9649): RIFF, a length, WEBP, then chunks. Lossy pixels are in `VP8 `, lossless in `VP8L`;
`VP8X` comes first where there is more. Animations are refused: they have no one frame that boxes could refer to, and no
picture for readers who know nothing of animation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.core.geometry import Size
from app.imaging.exif import UPRIGHT, orientation
from app.imaging.fields import broken, span, truncated, unsigned

_RIFF, _WEBP = b"RIFF", b"WEBP"
_FIRST_CHUNK_AT = 12
_ANIMATED_FLAG = 0x02
_ALPHA_FLAG = 0x10
_VP8L_ALPHA_BIT = 28  # behind two sides of 14 bits
_SIDE_BITS = 0x3FFF  # both codecs: 14 bits
_VP8_START_CODE = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = b"\x2f"
# Sizes and orientation stand at the beginning of their chunks; this much (the limit of EXIF in a JPEG) holds them all.
_LOOK_BYTES = 65_536
# The specification knows a handful of chunks, and allows unknown ones.
_MAX_CHUNKS = 1000


def is_webp(data: bytes) -> bool:
    """Whether the file calls itself WebP."""
    return data.startswith(_RIFF) and data[8:_FIRST_CHUNK_AT] == _WEBP


def inspect(data: bytes) -> tuple[Size, int]:
    """Size as stored and EXIF orientation. Raises Problem(INVALID_IMAGE) for a broken, truncated or animated file."""
    canvas: Size | None = None
    size: Size | None = None
    turned = UPRIGHT
    for name, body in _chunks(data):
        if name == b"VP8X" and canvas is None:
            canvas = _canvas_size(body)
        elif name in _PIXELS and size is None:
            size = _PIXELS[name](body)
        elif name == b"EXIF":
            turned = orientation(body)
    if size is None:
        raise broken("it has no pixels")
    if canvas not in (None, size):
        raise broken("its header and its pixels disagree about the size")
    return size, turned


def is_plain(data: bytes) -> bool:
    """Whether nothing in it may be transparent."""
    return not any(_has_alpha(name, body) for name, body in _chunks(data))


def _has_alpha(name: bytes, body: bytes) -> bool:
    """Whether this chunk says so."""
    if name == b"VP8X":
        return bool(span(body, 0, 1)[0] & _ALPHA_FLAG)
    return name == b"VP8L" and bool(unsigned(body, 1, 4, little=True) >> _VP8L_ALPHA_BIT & 1)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and beginning of every chunk."""
    end = 8 + unsigned(data, 4, 4, little=True)
    if end > len(data):
        raise truncated()
    at = _FIRST_CHUNK_AT
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:  # less than a chunk's head is left: padding
            return
        name, length = data[at : at + 4], unsigned(data, at + 4, 4, little=True)
        if at + 8 + length > end:
            raise truncated()
        yield name, data[at + 8 : at + 8 + min(length, _LOOK_BYTES)]
        at += 8 + length + length % 2  # chunks begin on even bytes
    raise broken("it has far too many chunks")


def _canvas_size(body: bytes) -> Size:
    if span(body, 0, 1)[0] & _ANIMATED_FLAG:
        raise broken("an animation has no one frame to look at; send a still image")
    return Size(unsigned(body, 4, 3, little=True) + 1, unsigned(body, 7, 3, little=True) + 1)


def _lossy_size(body: bytes) -> Size:
    if span(body, 0, 1)[0] & 1 or span(body, 3, 3) != _VP8_START_CODE:  # RFC 6386, section 9.1: bit 0 is 0 in a key frame
        raise broken("its pixels do not begin with a key frame")
    width_px, height_px = unsigned(body, 6, 2, little=True) & _SIDE_BITS, unsigned(body, 8, 2, little=True) & _SIDE_BITS
    if not (width_px and height_px):
        raise broken("its size is zero")
    return Size(width_px, height_px)


def _lossless_size(body: bytes) -> Size:
    if span(body, 0, 1) != _VP8L_SIGNATURE:
        raise broken("its pixels do not begin with their signature")
    bits = unsigned(body, 1, 4, little=True)
    return Size((bits & _SIDE_BITS) + 1, ((bits >> 14) & _SIDE_BITS) + 1)


_PIXELS: dict[bytes, Callable[[bytes], Size]] = {b"VP8 ": _lossy_size, b"VP8L": _lossless_size}
