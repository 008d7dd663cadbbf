"""A lone image that the vendor would not take as it is (WebP, mostly, or too many bytes), written so that it does.

In: the image and what the vendor reads. Out: bytes, upright, with no loss that matters. Callers: whoever sends an image alone.
An image in a readable format and of few enough bytes goes out as the client's own bytes.
"""

from __future__ import annotations

from app.errors import Kind, Problem
from app.imaging.compose import Source
from app.imaging.decode import decode
from app.imaging.encode import encode

# WebP photographs were already written with loss at about 80: at 95 with full colour a second loss is far below the first.
QUALITY = 95
# JPEG first: a photograph as PNG takes five to ten times the bytes, more than vendors accept.
_PREFERENCE = ("jpeg", "png")


def transcode(source: Source, *, formats: frozenset[str], max_bytes: int) -> bytes:
    """The image as one of `formats`. Raises Problem: INVALID_IMAGE (it does not decode), IMAGE_TOO_LARGE (over `max_bytes`)."""
    if source.picture.format in formats and len(source.image) <= max_bytes:
        return source.image
    target = next((known for known in _PREFERENCE if known in formats), None)
    if target is None:
        raise ValueError(f"nothing that can be written among {sorted(formats)}")
    data = encode(decode(source.image, source.picture), target, quality=QUALITY, max_bytes=max_bytes)
    if data is None:
        raise Problem(Kind.IMAGE_TOO_LARGE, f"the image does not fit into {max_bytes} bytes as {target}")
    return data
