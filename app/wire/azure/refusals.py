"""One table from `errors.Kind` to Azure's error envelope, and one for what each of its two APIs says about a wrong request.

In: a `Problem`. Out: status, headers and JSON. Words and codes: the error pages of Image Analysis 4.0 ("Image Analysis error
codes") and of 3.2 ("Call the Image Analysis 3.2 API"); where they are silent, the words are ours in the same envelope.

azure-core sends every answer with a Retry-After again, even a 400: the header stands only where coming again helps. Without
it, it sends a POST again after 500, 503 and 504 (at once, then after 1.6 s), and after nothing else. The 3.2 SDK never does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import orjson

from app.errors import Kind, Problem, VendorError
from app.wire.contract import RawReply
from app.wire.headers import OPERATORS_MESSAGE, answer_headers
from app.wire.values import sentence

VENDOR = "azure"
CONTENT_TYPE = "application/json; charset=utf-8"
REQUEST_ID = "apim-request-id"
# Said to clients that should come again when nobody knows better, seconds: a lane has long gone out by then.
DEFAULT_RETRY_AFTER_S = 1.0
_FIRST_ERROR_STATUS = 400
_LAST_STATUS = 599


class Reason(Enum):
    """What is wrong with a request, more finely than `Kind` can say: Azure has codes of its own for these."""

    FEATURE = Kind.INVALID_PARAMETER, "feature"
    NO_FEATURES = Kind.INVALID_PARAMETER, "no features"
    LACKING = Kind.UNKNOWN_OPERATION, "lacking"
    DETAILS = Kind.INVALID_PARAMETER, "details"
    LANGUAGE = Kind.INVALID_PARAMETER, "language"
    ARGUMENT = Kind.INVALID_PARAMETER, "argument"
    MEDIA_TYPE = Kind.INVALID_IMAGE, "media type"
    BODY = Kind.MALFORMED_REQUEST, "body"
    IMAGE_URL = Kind.INVALID_PARAMETER, "image url"
    IMAGE_EMPTY = Kind.MISSING_IMAGE, "image empty"
    IMAGE_BYTES = Kind.IMAGE_TOO_LARGE, "image bytes"
    IMAGE_SIDES = Kind.IMAGE_TOO_LARGE, "image sides"

    @property
    def kind(self) -> Kind:
        return self.value[0]


class Refused(Problem):
    """The request is wrong in one of Azure's own ways. `detail` goes into the words where they have room for it."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason.kind, detail or reason.value[1])
        self.reason = reason
        self.words = detail


@dataclass(frozen=True, slots=True)
class Row:
    """Status, code, first sentence, and the code and words of the inner error ("" for none, or for the same words).

    `again`: coming again a little later helps, and coming at once does not.
    """

    status: int
    code: str
    message: str
    inner: str = ""
    inner_message: str = ""
    again: bool = False


ACCESS_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource."
)
_INVALID = "InvalidRequest"
_QUERY = "Analyze query is invalid."
_SIDES = "The image dimension is not allowed to be smaller than 50 and larger than 16000."
_BYTES = "The image size is not allowed to be zero or larger than 20971520 bytes."
_NO_JSON = "The request body is not a valid JSON object with a url."
_BAD_URL = "Image URL is badly formatted or not accessible."
_NO_IMAGE = "Input data is not a valid image."
_NO_FEATURE = "Specified feature type is not valid."

_TOO_LARGE = Row(400, _INVALID, "The image is too large.", "InvalidImageSize")
_WRONG_FORMAT = Row(400, _INVALID, "Image format is not valid.", "InvalidImageFormat")
# As the vendor says it where a region lacks a feature ("The feature 'Caption' is not supported in this region").
_LACKING = Row(
    400, _INVALID, "The feature '{}' is not supported by the provider behind this endpoint.", "NotSupportedVisualFeature"
)
_UNAVAILABLE = Row(503, "FailedToProcess", "The service is not available at the moment.", "FailedToProcess", again=True)
_FAILED = Row(500, "InternalServerError", "Internal server error.", "InternalServerError")
_TIMEOUT = Row(504, "Timeout", "The image was not analyzed in time.", "Timeout")

KINDS: Mapping[Kind, Row] = MappingProxyType(
    {
        Kind.MALFORMED_REQUEST: Row(400, _INVALID, "The request cannot be read.", "BadArgument"),
        Kind.UNKNOWN_OPERATION: Row(404, "404", "Resource not found."),
        Kind.INVALID_PARAMETER: Row(400, _INVALID, _QUERY, "BadArgument"),
        Kind.MISSING_IMAGE: Row(400, _INVALID, "There is no image in the request.", "BadArgument"),
        Kind.INVALID_IMAGE: _WRONG_FORMAT,
        Kind.IMAGE_TOO_LARGE: _TOO_LARGE,
        # Only an image makes a request of this service large.
        Kind.BODY_TOO_LARGE: _TOO_LARGE,
        Kind.OBJECT_UNAVAILABLE: Row(400, _INVALID, _BAD_URL, "InvalidImageUrl"),
        Kind.UNAUTHENTICATED: Row(401, "401", ACCESS_DENIED),
        Kind.WRONG_SIGNATURE: Row(401, "401", ACCESS_DENIED),
        # Only an address can be forbidden here: the vendor would not have been able to fetch it either.
        Kind.FORBIDDEN: Row(400, _INVALID, _BAD_URL, "InvalidImageUrl"),
        Kind.RATE_LIMITED: Row(429, "429", "Requests have exceeded the rate limit.", again=True),
        # Without a time to come again, which would be weeks: azure-core gives up after its few tries.
        Kind.BUDGET_SPENT: Row(429, "429", "Out of call volume quota."),
        Kind.IMAGE_REFUSED: _WRONG_FORMAT,
        # The vendor said no for good (its account, its quota): neither the caller's key nor his parameters.
        Kind.REQUEST_REFUSED: Row(403, "403", "The request was refused."),
        Kind.PROVIDER_DENIED: Row(403, "403", OPERATORS_MESSAGE),
        Kind.THROTTLED: Row(429, "429", "Too many requests.", again=True),
        Kind.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
        Kind.PROVIDER_TIMEOUT: _TIMEOUT,
        Kind.PROVIDER_GARBLED: _FAILED,
        Kind.OVER_CAPACITY: Row(429, "429", "Too many requests.", again=True),
        Kind.DEADLINE_EXCEEDED: _TIMEOUT,
        Kind.ACCUMULATOR_UNAVAILABLE: _UNAVAILABLE,
        Kind.NO_WORKER: _UNAVAILABLE,
        Kind.SHUTTING_DOWN: _UNAVAILABLE,
        Kind.INTERNAL: _FAILED,
    }
)

# "{}" stands for the detail.
REASONS_40: Mapping[Reason, Row] = MappingProxyType(
    {
        Reason.FEATURE: Row(400, _INVALID, _QUERY, "NotSupportedVisualFeature", "Specified feature type is not valid"),
        Reason.NO_FEATURES: Row(
            400, _INVALID, "Either 'features' or 'model-name' needs to be specified in the query parameter."
        ),
        Reason.LACKING: _LACKING,
        Reason.DETAILS: Row(400, _INVALID, _QUERY, "InvalidDetails", "Specified detail is not valid"),
        Reason.LANGUAGE: Row(400, _INVALID, _QUERY, "NotSupportedLanguage", "The input language is not supported"),
        Reason.ARGUMENT: Row(400, _INVALID, _QUERY, "BadArgument", "{}"),
        Reason.MEDIA_TYPE: Row(400, _INVALID, "The provided image content type {} is not supported."),
        Reason.BODY: Row(400, _INVALID, _NO_JSON, "BadArgument"),
        Reason.IMAGE_URL: Row(400, _INVALID, _BAD_URL, "InvalidImageUrl"),
        Reason.IMAGE_EMPTY: Row(400, _INVALID, _BYTES),
        Reason.IMAGE_BYTES: Row(400, _INVALID, _BYTES),
        Reason.IMAGE_SIDES: Row(400, _INVALID, _SIDES, "InvalidImageSize"),
    }
)
REASONS_32: Mapping[Reason, Row] = MappingProxyType(
    {
        Reason.FEATURE: Row(400, _INVALID, _NO_FEATURE, "NotSupportedVisualFeature"),
        Reason.NO_FEATURES: Row(400, _INVALID, _NO_FEATURE, "NotSupportedVisualFeature"),
        Reason.LACKING: _LACKING,
        Reason.DETAILS: Row(400, _INVALID, "Unsupported detail parameter value.", "InvalidDetails"),
        Reason.LANGUAGE: Row(400, _INVALID, "The requested language is not supported.", "NotSupportedLanguage"),
        Reason.ARGUMENT: Row(400, _INVALID, "{}", "BadArgument"),
        Reason.MEDIA_TYPE: Row(415, _INVALID, "Unsupported media type {}.", "UnsupportedMediaType"),
        Reason.BODY: Row(400, _INVALID, _NO_JSON, "BadArgument"),
        Reason.IMAGE_URL: Row(400, _INVALID, _BAD_URL, "InvalidImageUrl"),
        Reason.IMAGE_EMPTY: Row(400, _INVALID, _NO_IMAGE, "InvalidImageFormat"),
        Reason.IMAGE_BYTES: Row(400, _INVALID, "Input image is too large.", "InvalidImageSize"),
        Reason.IMAGE_SIDES: Row(400, _INVALID, _SIDES, "InvalidImageSize"),
    }
)

# Statuses about the credentials of the proxy itself. Their texts name the operator's resource, which is no client's
# business: the code goes out, the text stays in the log.
_OPERATORS = frozenset({401, 403})


def refuse(problem: Problem, request_id: str, reasons: Mapping[Reason, Row]) -> RawReply:
    """The problem in Azure's envelope; Azure's own error is handed on word for word, but for `_OPERATORS`."""
    own = _own_error(problem.vendor)
    if own is not None:
        status, body = own
        again = problem.kind.retryable and KINDS[problem.kind].again
        return RawReply(status, _headers(request_id, problem, again=again), body)
    if isinstance(problem, Refused):
        row = reasons[problem.reason]
        return RawReply(row.status, _headers(request_id, problem, again=False), _filled(row, problem.words))
    row = KINDS[problem.kind]
    message = _sentence(row.message, problem.detail)
    return RawReply(row.status, _headers(request_id, problem, again=row.again), envelope(row.code, message, row.inner))


def reply_headers(request_id: str) -> dict[str, str]:
    """The headers that every answer of this endpoint has."""
    return answer_headers((), request_id) | {"Content-Type": CONTENT_TYPE, REQUEST_ID: request_id}


def envelope(code: str, message: str, inner: str = "", inner_message: str = "") -> bytes:
    """The body of an error. Without an inner code there is no inner error; without inner words it repeats the outer ones."""
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner, "message": inner_message or message}
    return orjson.dumps({"error": error})


def _headers(request_id: str, problem: Problem, *, again: bool) -> dict[str, str]:
    headers = reply_headers(request_id)
    if again:
        known_s = problem.retry_after_s
        wait_s = known_s if known_s is not None and math.isfinite(known_s) else DEFAULT_RETRY_AFTER_S
        headers["Retry-After"] = str(max(0, math.ceil(wait_s)))  # whole seconds, and nobody comes too early
    return headers


def _filled(row: Row, detail: str) -> bytes:
    return envelope(row.code, row.message.replace("{}", detail), row.inner, row.inner_message.replace("{}", detail))


def _own_error(error: VendorError | None) -> tuple[int, bytes] | None:
    """Status and body of Azure's own error, if that is what it is. A success status would read as an empty answer."""
    if error is None or error.vendor != VENDOR or not _FIRST_ERROR_STATUS <= error.status <= _LAST_STATUS:
        return None
    code = error.code or str(error.status)
    if error.status in _OPERATORS:
        return error.status, envelope(code, OPERATORS_MESSAGE)
    if _names_its_code(error.body):
        return error.status, error.body.encode()
    return error.status, envelope(code, error.message)


def _names_its_code(body: str) -> bool:
    """Whether the SDKs would find a code in it (a load balancer's HTML page, say, does not name one)."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    error = value.get("error") if isinstance(value, dict) else None
    return isinstance(error, dict) and isinstance(error.get("code"), str)


def _sentence(message: str, detail: str) -> str:
    """Azure's words first, then ours: `Image format is not valid. The image is gif; accepted are ...`"""
    if not detail:
        return message
    return f"{message} {sentence(detail)}"
