"""From a request's body to image bytes: the bytes themselves, a part of a form, or a URL into the folder of buckets.

In: content type and body. Out: bytes within the API's limit, or a `Refused`. Blocks on files: for a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote, urlsplit

from app.emulators.azure.errors import Problem, Refused
from app.emulators.buckets import Buckets

JSON_TYPE, FORM_TYPE, BYTES_TYPE, IMAGE_START = "application/json", "multipart/form-data", "application/octet-stream", "image/"
ENVELOPE_BYTES = 64 * 1024
"""Room for a form's boundaries and headers around an image of the largest size."""
OBJECT_PATH = re.compile(r"/(?P<bucket>[^/]+)/(?P<key>.+)")


@dataclass(frozen=True, slots=True)
class BodyRules:
    """What an API takes: most bytes of an image, and whether `image/*` is a content type it knows."""

    most_bytes: int
    image_types: bool


def image_bytes(content_type: str, body: bytes, rules: BodyRules, buckets: Buckets) -> bytes:
    """The image that the body holds or names."""
    data = _image(content_type, body, rules, buckets)
    if not data:
        raise Refused(Problem.IMAGE_EMPTY)
    if len(data) > rules.most_bytes:
        raise Refused(Problem.IMAGE_BYTES)
    return data


def url_in(body: bytes) -> str:
    """The member `url` of a JSON body."""
    try:
        members = json.loads(body)
    except ValueError as error:
        raise Refused(Problem.BODY) from error
    url = members.get("url") if isinstance(members, Mapping) else None
    if not isinstance(url, str):
        raise Refused(Problem.BODY)
    return url


def media_type(content_type: str) -> str:
    """The content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _image(content_type: str, body: bytes, rules: BodyRules, buckets: Buckets) -> bytes:
    kind = media_type(content_type)
    if kind == JSON_TYPE:
        return _stored(url_in(body), rules, buckets)
    if kind == FORM_TYPE:
        return _first_part(content_type, body)
    if kind == BYTES_TYPE or (rules.image_types and kind.startswith(IMAGE_START)):
        return body
    raise Refused(Problem.MEDIA_TYPE, kind)


def _stored(url: str, rules: BodyRules, buckets: Buckets) -> bytes:
    """The object at http(s)://ANY-HOST/BUCKET/KEY."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Refused(Problem.IMAGE_URL) from error
    place = OBJECT_PATH.fullmatch(parts.path)
    if parts.scheme not in ("http", "https") or not parts.netloc or place is None:
        raise Refused(Problem.IMAGE_URL)
    path = buckets.find(unquote(place["bucket"]), unquote(place["key"]))
    if path is None:
        raise Refused(Problem.IMAGE_URL)
    if path.stat().st_size > rules.most_bytes:
        raise Refused(Problem.IMAGE_BYTES)
    return path.read_bytes()


def _first_part(content_type: str, body: bytes) -> bytes:
    """The content of a form's first part, whatever its name (RFC 2046, section 5.1)."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary("")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode()) if boundary else []
    if len(parts) < 3:  # what comes before the first part, parts, what comes after the last
        raise Refused(Problem.IMAGE_EMPTY)
    return parts[1].partition(b"\r\n\r\n")[2]
