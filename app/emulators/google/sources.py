"""From a request's image to its bytes: inline, or from a bucket.

In: an `AskedImage`. Out: bytes within the limit, or a `ServiceError`. Blocks on files: for a thread.
"""

from __future__ import annotations

from app.emulators.buckets import Buckets
from app.emulators.google.asked import AskedImage
from app.emulators.google.errors import file_not_opened, image_too_large, invalid_argument, url_not_allowed

IMAGE_BYTES = 20 * 1024 * 1024
"""Largest image file."""
STORAGE = "gs://"
WEB = ("http://", "https://")


def image_bytes(image: AskedImage, buckets: Buckets) -> bytes:
    """Content wins over a source. Web addresses are never read."""
    if image.content:
        return _within_limit(image.content)
    if image.uri.startswith(STORAGE):
        return _stored(image.uri, buckets)
    if image.uri.lower().startswith(WEB):
        raise url_not_allowed()
    raise invalid_argument("The image URI is neither of Cloud Storage nor of the web.")


def _stored(uri: str, buckets: Buckets) -> bytes:
    bucket, _, key = uri.removeprefix(STORAGE).partition("/")
    path = buckets.find(bucket, key)
    if path is None:
        raise file_not_opened(uri)
    if path.stat().st_size > IMAGE_BYTES:
        raise _too_large()
    return path.read_bytes()


def _within_limit(data: bytes) -> bytes:
    if len(data) > IMAGE_BYTES:
        raise _too_large()
    return data


def _too_large() -> Exception:
    return image_too_large(f"files have at most {IMAGE_BYTES} bytes")
