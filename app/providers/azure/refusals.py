"""From an answer that is not a success to a `Problem` that carries the vendor's own error. Pure; called by `provider`.

The error is `{"error": {"code", "message", "innererror": {"code", "message"}}}`, in older parts of the service without the
outer member. The inner code is the precise one; without any the status decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import Kind, Problem, VendorError
from app.providers.azure.features import VENDOR

_IMAGE_CODES = frozenset({"InvalidImageSize", "InvalidImageFormat", "InvalidImageDimension", "NotSupportedImage"})
# Some refusals of an image have no inner code; only their words tell them from refusals of a parameter.
_VAGUE_CODE = "InvalidRequest"
_IMAGE_WORDS = ("image size", "image dimension", "image format", "valid image", "too large")

_KIND_OF_STATUS: Mapping[int, Kind] = {
    401: Kind.PROVIDER_DENIED,
    403: Kind.PROVIDER_DENIED,
    408: Kind.PROVIDER_UNAVAILABLE,  # it gave up waiting for the request: nothing was analysed
    413: Kind.IMAGE_REFUSED,  # a gateway's way of saying that the image is too large
    429: Kind.THROTTLED,
}
_FIRST_SERVER_ERROR = 500

_LONGEST_BODY_KEPT = 65_536  # characters; the service's error bodies have a few hundred, a gateway's HTML page a few thousand
_LONGEST_MESSAGE_KEPT = 2_000  # characters
_LONGEST_PAUSE_S = 3_600.0  # a longer one cannot be meant

# Headers that azure-core honours, in its order, and what one of their units is in seconds. A date is not read: Azure's AI
# services send seconds.
_PAUSES = {"retry-after": 1.0, "retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001}


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The problem that an error answer stands for. Header names are lower case."""
    error = _error(body)
    inner = error.get("innererror")
    inner_code = _text(inner, "code") if isinstance(inner, dict) else ""
    code, message = _text(error, "code"), _text(error, "message")[:_LONGEST_MESSAGE_KEPT]
    text = body.decode("utf-8", errors="replace")[:_LONGEST_BODY_KEPT]
    said = inner_code or code or "no reason given"  # not its words: they may name the operator's resource
    return Problem(
        _kind(status, inner_code or code, message),
        f"The provider answered with status {status} ({said[:_LONGEST_MESSAGE_KEPT]})",
        vendor=VendorError(VENDOR, status, code, message, text),
        retry_after_s=_retry_after_s(headers),
    )


def _kind(status: int, code: str, message: str) -> Kind:
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    if status >= _FIRST_SERVER_ERROR:
        return Kind.PROVIDER_UNAVAILABLE
    is_about_image = code in _IMAGE_CODES or (code == _VAGUE_CODE and any(words in message.lower() for words in _IMAGE_WORDS))
    return Kind.IMAGE_REFUSED if is_about_image else Kind.REQUEST_REFUSED


def _error(body: bytes) -> Mapping[str, Any]:
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(members, dict):
        return {}
    error = members.get("error", members)
    return error if isinstance(error, dict) else {}


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    for name, unit_s in _PAUSES.items():
        pause = _number(headers.get(name, ""))
        if pause is not None:
            return min(pause * unit_s, _LONGEST_PAUSE_S)
    return None


def _number(header: str) -> float | None:
    try:
        value = float(header)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
