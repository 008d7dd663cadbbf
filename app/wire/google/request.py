"""What a raw request says: the images it asks about.

In: the body of either carrier. Out: `Asked`. Raises Problem for what the vendor refuses as a whole; what is wrong with
one image alone is found later (`asking`) and costs the others nothing.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pybase64

from app.errors import Kind, Problem
from app.wire.google.entries import MAX_FEATURES, MAX_IMAGES, check_entries, too_many_features, too_many_images
from app.wire.google.messages import Tree, request_from_bytes, request_from_tree, tree_of

# "Quotas and limits" of Cloud Vision: JSON requests of 10 MB.
MAX_JSON_BYTES = 10 * 1024 * 1024
# Most commas in a body: each is one more value to build. 16 images with twelve features and contexts have about 1,000.
MAX_COMMAS = 10_000
# Longest that what is asked about one image may be without the image, bytes of JSON: it is kept with the image, in Redis too.
MAX_WORDS_BYTES = 64 * 1024

_URL_SAFE = str.maketrans("-_", "+/", " \t\r\n")
_SHOWN_CHARACTERS = 20
# Base64 comes in groups of four characters, of which the last has up to two "=".
_BASE64_CHARACTERS, _MOST_PADDING = 4, 2


@dataclass(frozen=True, slots=True)
class AskedImage:
    """One image of a batch. `told` is its AnnotateImageRequest without the image, as JSON; `uri` where only that was given."""

    content: bytes = field(default=b"", repr=False)
    uri: str = ""
    told: Tree = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch. `parent` is the project and location that it is to be done in; `labels` are the vendor's, for its bill."""

    images: tuple[AskedImage, ...]
    parent: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def read_message(body: bytes) -> Asked:
    """The batch of a gRPC call. Raises Problem."""
    check_entries(body)
    request = request_from_bytes(body)
    contents = []
    for one in request.requests:
        contents.append(one.image.content)
        one.image.ClearField("content")
    return _asked(request, contents)


def read_json(body: bytes) -> Asked:
    """The batch of a REST call. Raises Problem: BODY_TOO_LARGE, MALFORMED_REQUEST, INVALID_PARAMETER."""
    tree = read_tree(body)
    contents = _taken_contents(tree)
    return _asked(request_from_tree(tree), contents)


def read_tree(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty body is an empty object. Raises Problem: BODY_TOO_LARGE, MALFORMED_REQUEST."""
    if len(body) > MAX_JSON_BYTES:
        raise Problem(Kind.BODY_TOO_LARGE, f"Request payload size exceeds the limit: {MAX_JSON_BYTES} bytes.")
    if body.count(b",") > MAX_COMMAS:
        raise Problem(Kind.MALFORMED_REQUEST, "Invalid JSON payload received. It has far too many values.")
    try:
        tree = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise Problem(Kind.MALFORMED_REQUEST, f"Invalid JSON payload received. {str(error).capitalize()}") from error
    if not isinstance(tree, dict):
        raise Problem(Kind.MALFORMED_REQUEST, "Invalid JSON payload received. Its root is not an object.")
    return tree


def _asked(request: Any, contents: list[bytes]) -> Asked:
    """Messages -> values. `contents` are the bytes of each image, already taken out of its message."""
    if not request.requests:
        raise Problem(Kind.INVALID_PARAMETER, "No request is given: requests is empty.")
    if len(request.requests) > MAX_IMAGES:
        raise too_many_images()
    images = []
    for place, (one, content) in enumerate(zip(request.requests, contents, strict=True)):
        uri = "" if content else one.image.source.image_uri or one.image.source.gcs_image_uri
        one.ClearField("image")
        if len(one.features) > MAX_FEATURES:
            raise too_many_features(place)
        if one.ByteSize() > MAX_WORDS_BYTES:
            raise Problem(
                Kind.INVALID_PARAMETER, f"'requests[{place}]' is larger than {MAX_WORDS_BYTES} bytes without its image."
            )
        images.append(AskedImage(content, uri, tree_of(one)))
    return Asked(tuple(images), request.parent, dict(request.labels))


def _taken_contents(tree: dict[str, Any]) -> list[bytes]:
    """Take each image's base64 out of the tree, decoded here: the general reader of messages is slow with megabytes."""
    requests = tree.get("requests")
    if not isinstance(requests, list):
        return []
    return [_content(one, place) for place, one in enumerate(requests)]


def _content(one: Any, place: int) -> bytes:
    image = one.get("image") if isinstance(one, dict) else None
    text = image.pop("content", None) if isinstance(image, dict) else None
    if text is None:
        return b""
    if not isinstance(text, str):
        raise _not_base64(place, text)
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return _decoded_leniently(text, place)


def _decoded_leniently(text: str, place: int) -> bytes:
    """Both alphabets, with or without padding, line breaks in between: all of this the vendor's readers take."""
    padded = text.translate(_URL_SAFE)
    plain = padded.rstrip("=")
    missing = 0 if len(padded) > len(plain) + _MOST_PADDING else -len(plain) % _BASE64_CHARACTERS
    try:
        return pybase64.b64decode((plain if missing else padded) + "=" * missing, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_base64(place, text) from error


def _not_base64(place: int, value: object) -> Problem:
    shown = str(value)[:_SHOWN_CHARACTERS]
    words = f"Invalid value at 'requests[{place}].image.content' (TYPE_BYTES), Base64 decoding failed for {shown!r}"
    return Problem(Kind.MALFORMED_REQUEST, words)
