"""The head of a JPEG file: size, orientation, and whether the file has its end. Callers: `header`, `decode`.

ITU-T T.81, Annex B: segments of a marker (0xFF and a code) and a length, up to the first scan; entropy-coded data after that,
in which 0xFF is followed by 0x00 or a restart marker, so that 0xFF 0xD9 can only be the end of the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.geometry import Size
from app.imaging.exif import EXIF_PREFIX, UPRIGHT, orientation
from app.imaging.fields import broken, span, truncated, unsigned

MAGIC = b"\xff\xd8\xff"

# Any number of 0xFF may stand before a marker's code; the last one counts. (`\xff+` would be quadratic on a run of them.)
_MARKER = re.compile(rb"\xff[^\xff]", re.DOTALL)
_END_OF_IMAGE = b"\xff\xd9"
_EOI, _SOI, _SOS = 0xD9, 0xD8, 0xDA
_APP1, _COMMENT = 0xE1, 0xFE
# Stuffed zero, TEM and the restart markers stand alone, without a length.
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})
# Start of frame: baseline, extended, progressive, lossless, and the same with arithmetic coding. The hierarchical ones
# (0xC5-0xC7, 0xCD-0xCF) hold several frames of different sizes; no common decoder reads them.
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF})
# Of the application segments only JFIF (APP0) and Adobe (APP14) say anything about the pixels: how colours are stored.
_FOR_THE_EYE = frozenset({0xE0, 0xEE})
_APPLICATION = range(0xE0, 0xF0)
# 8-bit samples only: libjpeg-turbo as built into decoders everywhere reads nothing else.
_SAMPLE_BITS = 8
_COMPONENTS = frozenset({1, 3, 4})
# Real files have under a hundred segments (a large colour profile takes some fifty); the bound keeps a hostile one cheap.
_MAX_SEGMENTS = 2000
# Each scan of a progressive file is one pass over the whole picture, and may be written in a few dozen bytes: 300 of them made
# a file of 160 kB take 6 s to decode. Encoders write 10, optimisers up to some 20.
_MAX_SCANS = 50
_SCAN = b"\xff\xda"


@dataclass(frozen=True, slots=True)
class _Segment:
    """`start` is at the marker's 0xFF, `payload` behind the length, `end` behind the segment."""

    marker: int
    start: int
    payload: int
    end: int


def inspect(data: bytes) -> tuple[Size, int]:
    """Size as stored and EXIF orientation. Raises Problem(INVALID_IMAGE) for a broken or truncated file."""
    size: Size | None = None
    turned: int | None = None
    for segment in _segments(data):
        if segment.marker in _HIERARCHICAL:
            raise broken("hierarchical JPEG cannot be read")
        if segment.marker in _FRAMES:
            if size is not None:
                raise broken("it has two frames")
            size = _frame_size(data, segment)
        elif segment.marker == _APP1 and turned is None and data.startswith(EXIF_PREFIX, segment.payload):
            turned = orientation(data[segment.payload : segment.end])
        elif segment.marker == _SOS and data.rfind(_END_OF_IMAGE, segment.end) < 0:
            raise truncated()
    if size is None:
        raise broken("its scan comes before its frame")
    return size, turned or UPRIGHT


def essentials(data: bytes) -> bytes:
    """The same image without what does not concern the pixels (EXIF, colour profiles, previews, comments).

    Raises Problem(INVALID_IMAGE) for an image that would take far longer to decode than its size lets expect.
    """
    parts = [data[:2]]
    for segment in _segments(data):
        if segment.marker == _SOS:
            if data.count(_SCAN, segment.start) > _MAX_SCANS:
                raise broken("it has far too many scans")
            parts.append(data[segment.start :])
        elif segment.marker in _FOR_THE_EYE or not (segment.marker in _APPLICATION or segment.marker == _COMMENT):
            parts.append(data[segment.start : segment.end])
    return b"".join(parts)


def _segments(data: bytes) -> Iterator[_Segment]:
    """All segments up to and including the first scan's header. Stray bytes between them are skipped, as decoders do."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            raise truncated()
        marker, payload = data[found.end() - 1], found.end() + 2
        if marker in _WITHOUT_LENGTH:
            at = found.end()
            continue
        if marker in (_SOI, _EOI):
            raise broken("it has no pixels")
        length = unsigned(data, found.end(), 2)
        at = found.end() + length
        if length < 2:
            raise broken("a segment is shorter than its own length")
        if at > len(data):
            raise truncated()
        yield _Segment(marker, found.start(), payload, at)
        if marker == _SOS:
            return
    raise broken("it has far too many segments")


def _frame_size(data: bytes, segment: _Segment) -> Size:
    payload = data[segment.payload : segment.end]
    bits, components = span(payload, 0, 1)[0], span(payload, 5, 1)[0]
    height_px, width_px = unsigned(payload, 1, 2), unsigned(payload, 3, 2)
    if bits != _SAMPLE_BITS or components not in _COMPONENTS:
        raise broken(f"{bits} bits and {components} components cannot be read")
    if not (width_px and height_px):
        raise broken("its size is zero")
    return Size(width_px, height_px)
