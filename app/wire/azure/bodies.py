"""Content type and body -> the image: raw bytes, the first part of a form, or an address in JSON. Raises Problem."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from app.core.model import RawRequest
from app.wire.azure.refusals import Reason, Refused
from app.wire.contract import ImageSource, InlineImage, LinkedImage
from app.wire.multipart import read_parts
from app.wire.values import quoted

_BYTES_TYPE, _FORM_TYPE, _JSON_TYPE, _IMAGE_START = (
    "application/octet-stream",
    "multipart/form-data",
    "application/json",
    "image/",
)
# Longest JSON body, bytes: an address of 2,000 characters is already more than most servers take.
MAX_JSON_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class BodyRules:
    """What an API takes: most bytes of an image, and whether `image/*` is a content type that it knows."""

    max_image_bytes: int
    image_types: bool


def read_source(raw: RawRequest, rules: BodyRules) -> ImageSource:
    """The image that the body holds or names, not looked at yet."""
    content_type = raw.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _JSON_TYPE:
        return LinkedImage(_url(raw.body))
    if media_type == _FORM_TYPE:
        parts = read_parts(raw.body, content_type)
        data = parts[0].data if parts else b""
    elif media_type == _BYTES_TYPE or (rules.image_types and media_type.startswith(_IMAGE_START)):
        data = raw.body
    else:
        raise Refused(Reason.MEDIA_TYPE, quoted(media_type))
    if not data:
        raise Refused(Reason.IMAGE_EMPTY)
    if len(data) > rules.max_image_bytes:
        raise Refused(Reason.IMAGE_BYTES)
    return InlineImage(data)


def _url(body: bytes) -> str:
    if len(body) > MAX_JSON_BYTES:
        raise Refused(Reason.BODY)
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(Reason.BODY) from error
    url = members.get("url") if isinstance(members, dict) else None
    if not isinstance(url, str):
        raise Refused(Reason.BODY)
    if not _is_address(url):
        raise Refused(Reason.IMAGE_URL)
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
