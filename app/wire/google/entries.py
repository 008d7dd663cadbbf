"""How many entries a serialized request has, before it is built: an empty one is two bytes to send and a hundred to keep.

In: the bytes of a BatchAnnotateImagesRequest. Raises Problem for more images than the vendor takes, and for what no client
sends. Called by `request`. Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

from app.errors import Kind, Problem

# "Quotas and limits" of Cloud Vision.
MAX_IMAGES = 16
# Most features of one image. The vendor states no number, and has twelve kinds of features.
MAX_FEATURES = 50
# Most members beside the images, and of one image: the vendor allows 64 labels, and an image has three kinds of members.
_MOST_MEMBERS = 200
# Numbers of the members `BatchAnnotateImagesRequest.requests` and `AnnotateImageRequest.features`.
_REQUESTS, _FEATURES = 1, 2
_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
_MORE, _LOW_BITS, _MOST_VARINT_BYTES = 0x80, 7, 10


def check_entries(data: bytes) -> None:
    """Raises Problem: INVALID_PARAMETER, MALFORMED_REQUEST."""
    images = others = 0
    for number, start, end in _members(data, 0, len(data)):
        images += number == _REQUESTS
        others += number != _REQUESTS
        if images > MAX_IMAGES:
            raise too_many_images()
        if others > _MOST_MEMBERS:
            raise _malformed("it has far too many members")
        if number == _REQUESTS:
            _check_image(data, start, end, images - 1)


def too_many_images() -> Problem:
    return Problem(Kind.INVALID_PARAMETER, "Too many images per request.")


def too_many_features(place: int) -> Problem:
    """Google states no such limit, so these are not its words."""
    return Problem(Kind.INVALID_PARAMETER, f"'requests[{place}].features' has more than {MAX_FEATURES} entries.")


def _check_image(data: bytes, start: int, end: int, place: int) -> None:
    features = others = 0
    for number, _, _ in _members(data, start, end):
        features += number == _FEATURES
        others += number != _FEATURES
        if features > MAX_FEATURES:
            raise too_many_features(place)
        if others > _MOST_MEMBERS:
            raise _malformed(f"requests[{place}] has far too many members")


def _members(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, beginning and end of each member of the message between `at` and `end`."""
    while at < end:
        key, at = _varint(data, at, end)
        kind = key & 7
        start = at
        if kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind == _EIGHT_BYTES:
            at += 8
        elif kind == _FOUR_BYTES:
            at += 4
        elif kind == _COUNTED:
            length, start = _varint(data, at, end)
            at = start + length
        else:  # groups, which nobody writes any more, and what is no kind
            raise _malformed("it has a member of an unknown kind")
        if at > end:
            raise _malformed("it ends too early")
        yield key >> 3, start, at


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = 0
    for count in range(min(_MOST_VARINT_BYTES, end - at)):
        byte = data[at + count]
        value |= (byte & ~_MORE) << (_LOW_BITS * count)
        if not byte & _MORE:
            return value, at + count + 1
    raise _malformed("it ends too early")


def _malformed(why: str) -> Problem:
    return Problem(Kind.MALFORMED_REQUEST, f"Failed to parse the request message: {why}.")
