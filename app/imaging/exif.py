"""The orientation out of an EXIF block, and nothing else. Callers: the JPEG and WebP header readers.

EXIF 2.32 is TIFF 6.0: byte order, 42, then directories of 12-byte entries (tag, type, count, value). A block that makes no
sense means orientation 1, as every viewer does: broken EXIF does not make a broken image.
"""

from __future__ import annotations

from app.errors import Problem
from app.imaging.fields import span, unsigned

# JPEG's APP1 (and, from some encoders, WebP's EXIF chunk) puts this before the TIFF header.
EXIF_PREFIX = b"Exif\0\0"
UPRIGHT = 1

_ORIENTATIONS = range(1, 9)
_ORIENTATION_TAG = 0x0112
_TYPE_SHORT = 3
_ENTRY_BYTES = 12
# Directories of real cameras have some 20 entries; the bound keeps a hostile one from costing time.
_MAX_ENTRIES = 512


def orientation(block: bytes) -> int:
    """EXIF orientation 1..8 of a block with or without the prefix; 1 where there is none to be read."""
    try:
        value = _orientation(block.removeprefix(EXIF_PREFIX))
    except Problem:
        return UPRIGHT
    return value if value in _ORIENTATIONS else UPRIGHT


def _orientation(tiff: bytes) -> int:
    little = span(tiff, 0, 2) == b"II"
    if not (little or tiff.startswith(b"MM")) or unsigned(tiff, 2, 2, little=little) != 42:
        return UPRIGHT
    directory = unsigned(tiff, 4, 4, little=little)
    entries = min(unsigned(tiff, directory, 2, little=little), _MAX_ENTRIES)
    for index in range(entries):
        at = directory + 2 + index * _ENTRY_BYTES
        if unsigned(tiff, at, 2, little=little) != _ORIENTATION_TAG:
            continue
        if unsigned(tiff, at + 2, 2, little=little) != _TYPE_SHORT:
            return UPRIGHT
        return unsigned(tiff, at + 8, 2, little=little)
    return UPRIGHT
