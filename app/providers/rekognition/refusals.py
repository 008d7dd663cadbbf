"""From an answer that is not a success to a `Problem` that carries the vendor's own error. Pure; called by `provider`.

The name of the error is `__type` in the body, without its namespace: that is what AWS's SDKs go by. The name decides before
the status does, because throttling comes as 400 as well as 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import Kind, Problem, VendorError
from app.providers.rekognition.operations import VENDOR

RETRY_AFTER_HEADER = "x-amz-retry-after"  # milliseconds; the SDKs honour it and ignore plain Retry-After

_KIND_OF_CODE: Mapping[str, Kind] = {
    "InvalidImageFormatException": Kind.IMAGE_REFUSED,
    "ImageTooLargeException": Kind.IMAGE_REFUSED,
    "InvalidParameterException": Kind.IMAGE_REFUSED,  # mostly about the image: most parameters were checked here
    "ThrottlingException": Kind.THROTTLED,
    "Throttling": Kind.THROTTLED,
    "ThrottledException": Kind.THROTTLED,
    "RequestThrottledException": Kind.THROTTLED,
    "TooManyRequestsException": Kind.THROTTLED,
    "ProvisionedThroughputExceededException": Kind.THROTTLED,
    "RequestLimitExceeded": Kind.THROTTLED,
    "SlowDown": Kind.THROTTLED,
    # About the credentials that a request was signed with.
    **dict.fromkeys(
        (
            "AccessDeniedException",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "UnrecognizedClientException",
        ),
        Kind.PROVIDER_DENIED,
    ),
}
_KIND_OF_STATUS: Mapping[int, Kind] = {
    408: Kind.PROVIDER_UNAVAILABLE,  # it gave up waiting for the request: nothing was analysed
    413: Kind.IMAGE_REFUSED,  # a gateway's way of saying ImageTooLarge
    429: Kind.THROTTLED,
}
_FIRST_SERVER_ERROR = 500

_LONGEST_BODY_KEPT = 65_536  # characters; AWS's error bodies have a few hundred, a gateway's HTML page a few thousand
_LONGEST_MESSAGE_KEPT = 2_000  # characters
_LONGEST_PAUSE_S = 3_600.0  # a longer one cannot be meant
_MS_PER_S = 1000.0


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The problem that an error answer stands for. Header names are lower case."""
    members = _members(body)
    code = _code(members, headers)
    message = _first_text(members, "Message", "message")[:_LONGEST_MESSAGE_KEPT]
    kind = _KIND_OF_CODE.get(code) or _KIND_OF_STATUS.get(status) or _kind_of_any_other(status)
    text = body.decode("utf-8", errors="replace")[:_LONGEST_BODY_KEPT]
    said = code or "no reason given"  # not its words: they may name the operator's account
    return Problem(
        kind,
        f"The provider answered with status {status} ({said})",
        vendor=VendorError(VENDOR, status, code, message, text),
        retry_after_s=_retry_after_s(headers),
    )


def _kind_of_any_other(status: int) -> Kind:
    return Kind.PROVIDER_UNAVAILABLE if status >= _FIRST_SERVER_ERROR else Kind.REQUEST_REFUSED


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return members if isinstance(members, dict) else {}


def _code(members: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """`com.amazonaws.rekognition#ThrottlingException:http://...` -> `ThrottlingException`."""
    named = _first_text(members, "__type", "Code", "code") or headers.get("x-amzn-errortype", "")
    return named.partition(":")[0].rpartition("#")[2].strip()


def _first_text(members: Mapping[str, Any], *names: str) -> str:
    return next((members[name] for name in names if isinstance(members.get(name), str)), "")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    text = headers.get(RETRY_AFTER_HEADER, "").strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text) / _MS_PER_S, _LONGEST_PAUSE_S)
