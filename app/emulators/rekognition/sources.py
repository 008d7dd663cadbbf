"""From a request's `Image` member to image bytes: inline, or from a bucket.

In: the member. Out: bytes within the operation's limit, or a `ServiceError`. Blocks on files: for a thread.
"""

from __future__ import annotations

import binascii
from typing import Any

from app.emulators.buckets import Buckets
from app.emulators.rekognition.errors import invalid_object, invalid_parameter, serialization, too_large

OBJECT_BYTES = 15 * 1024 * 1024
"""Most bytes of an object in a bucket."""


def image_bytes(member: Any, inline_bytes: int, buckets: Buckets) -> bytes:
    """The image that the member holds or names."""
    if member is None:
        raise invalid_parameter("Image must not be null")
    if not isinstance(member, dict):
        raise serialization("Image is not an object")
    inline, stored = member.get("Bytes"), member.get("S3Object")
    if (inline is None) == (stored is None):
        raise invalid_parameter()
    return _stored(stored, buckets) if inline is None else _inline(inline, inline_bytes)


def _inline(text: Any, most_bytes: int) -> bytes:
    if not isinstance(text, str):
        raise serialization("Image.Bytes is not a string")
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise serialization("Image.Bytes is not base64") from error
    if not data:
        raise invalid_parameter("Image.Bytes must have a length of at least 1")
    if len(data) > most_bytes:
        raise too_large()
    return data


def _stored(member: Any, buckets: Buckets) -> bytes:
    if not isinstance(member, dict):
        raise serialization("S3Object is not an object")
    bucket, name = member.get("Bucket"), member.get("Name")
    if not (isinstance(bucket, str) and isinstance(name, str)) or member.get("Version") is not None:
        raise invalid_object()  # the buckets here keep no versions
    path = buckets.find(bucket, name)
    if path is None:
        raise invalid_object()
    if path.stat().st_size > OBJECT_BYTES:
        raise too_large()
    return path.read_bytes()
