"""The head of a PNG file: size, and whether the file has its end. Callers: `header`, `decode`.

PNG specification (third edition), section 5: a signature, then chunks of length, type, data and CRC, from IHDR to IEND. An
animated PNG is taken as the still picture that the specification requires it to hold for readers who know nothing of animation.
Orientation is not looked for: vendors take a PNG as it is stored (Rekognition's documentation says so).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.geometry import Size
from app.imaging.fields import broken, span, truncated, unsigned

MAGIC = b"\x89PNG\r\n\x1a\n"

_HEAD_BYTES = 13
_HEAD_CHUNK_BYTES = 12 + _HEAD_BYTES
_LARGEST_SIDE_PX = 2**31 - 1  # section 11.2.1
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}  # bit depths by colour type, table 11.1
_WITH_ALPHA = frozenset({4, 6})  # colour types with an alpha channel
# What the pixels depend on. Everything else is left out before decoding: text and profiles may be compressed bombs.
_FOR_THE_EYE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
# Encoders write chunks of 4 KiB and more: this many are 40 MB of picture. The bound keeps millions of empty chunks cheap.
_MAX_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """`start` is at the length, `data` at the data, `end` behind the CRC."""

    name: bytes
    start: int
    data: int
    end: int


def inspect(data: bytes) -> Size:
    """Size of the picture. Raises Problem(INVALID_IMAGE) for a broken or truncated file."""
    names: set[bytes] = set()
    for chunk in _chunks(data):
        if not names and chunk.name != b"IHDR":
            raise broken("it does not begin with a header")
        if chunk.name == b"IHDR" and names:
            raise broken("it has two headers")
        names.add(chunk.name)
    if b"IDAT" not in names:
        raise broken("it has no pixels")
    return _head_size(span(data, len(MAGIC), _HEAD_CHUNK_BYTES))


def is_plain(data: bytes) -> bool:
    """Whether every reader sees the same: nothing in it is transparent, and there is one frame."""
    colour = data[len(MAGIC) + 8 + 9]
    return colour not in _WITH_ALPHA and not any(chunk.name in (b"tRNS", b"acTL") for chunk in _chunks(data))


def essentials(data: bytes) -> bytes:
    """The same picture without what does not concern the pixels (text, profiles, further frames)."""
    return MAGIC + b"".join(data[chunk.start : chunk.end] for chunk in _chunks(data) if chunk.name in _FOR_THE_EYE)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """All chunks up to and including IEND."""
    at = len(MAGIC)
    for _ in range(_MAX_CHUNKS):
        length, name = unsigned(data, at, 4), span(data, at + 4, 4)
        chunk = _Chunk(name, at, at + 8, at + 12 + length)
        if chunk.end > len(data):
            raise truncated()
        yield chunk
        if name == b"IEND":
            return
        at = chunk.end
    raise broken("it has far too many chunks")


def _head_size(chunk: bytes) -> Size:
    """Of the IHDR chunk, which begins at its length."""
    head = span(chunk, 8, _HEAD_BYTES)
    if unsigned(chunk, 0, 4) != _HEAD_BYTES or zlib.crc32(b"IHDR" + head) != unsigned(chunk, 8 + _HEAD_BYTES, 4):
        raise broken("its header is damaged")
    width_px, height_px = unsigned(head, 0, 4), unsigned(head, 4, 4)
    depth, colour, compression, filtering, interlace = head[8:]
    if depth not in _DEPTHS.get(colour, set()) or compression or filtering or interlace > 1:
        raise broken("its header names a kind of PNG that does not exist")
    if not (0 < width_px <= _LARGEST_SIDE_PX and 0 < height_px <= _LARGEST_SIDE_PX):
        raise broken("its size is impossible")
    return Size(width_px, height_px)
