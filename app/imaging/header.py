"""What an image is, from its header alone: checked before it enters a lane, where it could hurt its neighbours.

In: the image's bytes and what is accepted. Out: a `Picture`. Callers: admission. Nothing is decoded: the cost is a walk over
the file's sections, bounded for hostile files. Only Problem comes out: INVALID_IMAGE for what cannot be read, IMAGE_TOO_LARGE
for what should not be (a small file can unfold to gigabytes of pixels; the header says so beforehand).
"""

from __future__ import annotations

from app.core.geometry import Size
from app.core.model import Picture
from app.errors import Kind, Problem
from app.imaging import jpeg, png, webp

# Names for what people send by mistake, so that the message can tell them. Prefixes of the file.
_UNREAD = {
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"%PDF": "pdf",
    b"<": "svg, html or xml",
    b"/9j/": "base64 text (encoded once too often?)",
    b"iVBORw0KGgo": "base64 text (encoded once too often?)",
}
# ISO base media files (HEIC, AVIF) have their brand here, behind the first box's length.
_ISO_MEDIA_AT = 4
_ISO_MEDIA = b"ftyp"


def inspect(data: bytes, *, formats: frozenset[str], max_pixels: int) -> Picture:
    """Format, stored size and orientation. Raises Problem: INVALID_IMAGE, IMAGE_TOO_LARGE (more than `max_pixels`)."""
    found = _format(data)
    if found not in formats:
        accepted = ", ".join(sorted(formats))
        raise Problem(Kind.INVALID_IMAGE, f"the image is {found}; accepted are {accepted}")
    picture = _READERS[found](data)
    if picture.stored.pixels > max_pixels:
        raise Problem(Kind.IMAGE_TOO_LARGE, f"the image has {picture.stored} pixels; at most {max_pixels} are accepted")
    return picture


def is_plain(data: bytes, picture: Picture) -> bool:
    """Whether every reader sees the same picture in it: nothing transparent, no further frames. `picture`: what `inspect` said.

    What is transparent is shown on white on a sheet; what a vendor makes of it when it is alone is its own affair.
    """
    readers = {"png": png.is_plain, "webp": webp.is_plain}
    return picture.format not in readers or readers[picture.format](data)


def _format(data: bytes) -> str:
    if not data:
        raise Problem(Kind.INVALID_IMAGE, "the image is empty")
    if data.startswith(jpeg.MAGIC):
        return "jpeg"
    if data.startswith(png.MAGIC):
        return "png"
    if webp.is_webp(data):
        return "webp"
    if data.startswith(_ISO_MEDIA, _ISO_MEDIA_AT):
        return "heic or avif"
    return next((name for prefix, name in _UNREAD.items() if data.startswith(prefix)), "of an unknown format")


def _read_jpeg(data: bytes) -> Picture:
    size, turned = jpeg.inspect(data)
    return Picture("jpeg", size, turned)


def _read_png(data: bytes) -> Picture:
    size: Size = png.inspect(data)
    return Picture("png", size)


def _read_webp(data: bytes) -> Picture:
    size, turned = webp.inspect(data)
    return Picture("webp", size, turned)


_READERS = {"jpeg": _read_jpeg, "png": _read_png, "webp": _read_webp}
