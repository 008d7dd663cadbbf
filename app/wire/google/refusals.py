"""One table from `errors.Kind` to google.rpc.Status, so that the vendor's clients raise their own exceptions.

REST carries a status as JSON with an HTTP status, gRPC its code and words; an image of an answered batch has it in its `error`.
Codes, their HTTP statuses and the shape: google.rpc.Code, and "Errors" in Google's API design guide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from google.protobuf import any_pb2, json_format
from google.rpc import error_details_pb2, status_pb2

from app.errors import Kind, Problem, VendorError
from app.wire.contract import RawReply
from app.wire.google.callers import STRANGERS, Stranger
from app.wire.google.paths import NoMethod
from app.wire.google.statuses import HTTP_STATUS, Code, Status, error_info, retry_info
from app.wire.headers import OPERATORS_MESSAGE, answer_headers
from app.wire.values import sentence

VENDOR = "google"
CONTENT_TYPE = "application/json; charset=UTF-8"
_FIRST_ERROR_STATUS, _FIRST_SERVER_ERROR, _LAST_STATUS = 400, 500, 599
_TOO_MANY, _GATEWAY_TIMEOUT = 429, 504


@dataclass(frozen=True, slots=True)
class Row:
    """The vendor's code for a failure, and its usual first sentence; none where the detail is the sentence."""

    code: Code
    message: str = ""


_UNAVAILABLE = Row(Code.UNAVAILABLE, "The service is currently unavailable.")
_LATE = Row(Code.DEADLINE_EXCEEDED, "Deadline exceeded.")
_INTERNAL = Row(Code.INTERNAL, "Internal error encountered.")
_BAD_IMAGE = Row(Code.INVALID_ARGUMENT, "Bad image data.")
_DENIED = Row(Code.PERMISSION_DENIED, "The caller does not have permission.")

ROWS: Mapping[Kind, Row] = MappingProxyType(
    {
        Kind.MALFORMED_REQUEST: Row(Code.INVALID_ARGUMENT),
        # Not UNIMPLEMENTED: its HTTP status is 501, which sounds like a failure of the server.
        Kind.UNKNOWN_OPERATION: Row(Code.INVALID_ARGUMENT),
        Kind.INVALID_PARAMETER: Row(Code.INVALID_ARGUMENT),
        Kind.MISSING_IMAGE: Row(Code.INVALID_ARGUMENT, "Request must specify image and features."),
        Kind.INVALID_IMAGE: _BAD_IMAGE,
        Kind.IMAGE_TOO_LARGE: Row(Code.INVALID_ARGUMENT, "Image too large."),
        Kind.BODY_TOO_LARGE: Row(Code.INVALID_ARGUMENT),
        Kind.OBJECT_UNAVAILABLE: Row(
            Code.NOT_FOUND, "We can not access the URL currently. Please download the content and pass it in."
        ),
        Kind.UNAUTHENTICATED: Row(Code.UNAUTHENTICATED, "Request had invalid authentication credentials."),
        Kind.WRONG_SIGNATURE: Row(Code.UNAUTHENTICATED, "Request had invalid authentication credentials."),
        Kind.FORBIDDEN: _DENIED,
        Kind.RATE_LIMITED: Row(Code.RESOURCE_EXHAUSTED, "Quota exceeded."),
        Kind.BUDGET_SPENT: Row(Code.RESOURCE_EXHAUSTED, "Quota exceeded."),
        Kind.IMAGE_REFUSED: _BAD_IMAGE,
        # Another vendor said no for good (its own account, its own quota): no fault of the caller's words, and no use to retry.
        Kind.REQUEST_REFUSED: _DENIED,
        Kind.PROVIDER_DENIED: Row(Code.PERMISSION_DENIED, OPERATORS_MESSAGE),
        Kind.THROTTLED: Row(Code.RESOURCE_EXHAUSTED, "Resource has been exhausted (e.g. check quota)."),
        Kind.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
        Kind.PROVIDER_TIMEOUT: _LATE,
        Kind.PROVIDER_GARBLED: _INTERNAL,
        # Not RESOURCE_EXHAUSTED: the vendor's clients never try that again, and the quota is not what is short here.
        Kind.OVER_CAPACITY: _UNAVAILABLE,
        Kind.DEADLINE_EXCEEDED: _LATE,
        Kind.ACCUMULATOR_UNAVAILABLE: _UNAVAILABLE,
        Kind.NO_WORKER: _UNAVAILABLE,
        Kind.SHUTTING_DOWN: _UNAVAILABLE,
        Kind.INTERNAL: _INTERNAL,
    }
)

# What says that the proxy's own credentials do not do. The vendor's words about them name the operator's project and account,
# which are no client's business: the code goes out, the text stays in the log.
_OPERATORS = frozenset({Code.PERMISSION_DENIED, Code.UNAUTHENTICATED})
_OPERATORS_REASON = "API_KEY"


def status_of(problem: Problem) -> Status:
    """What the vendor would say; its own status is handed on word for word, but for what concerns the operator's account."""
    own = _own_status(problem)
    if own is not None:
        return own
    if isinstance(problem, Stranger):
        return STRANGERS[problem.shown]
    if isinstance(problem, NoMethod):
        return Status(Code.NOT_FOUND, problem.detail)
    row = ROWS[problem.kind]
    return Status(row.code, _sentence(row.message, problem.detail), _quota_details(problem))


# google.api.ErrorReason, by which the vendor's own quotas tell the two apart.
_QUOTA_REASONS = {Kind.RATE_LIMITED: "RATE_LIMIT_EXCEEDED", Kind.BUDGET_SPENT: "RESOURCE_QUOTA_EXCEEDED"}


def _quota_details(problem: Problem) -> tuple[Any, ...]:
    """Which quota, and when to come again, where the vendor's clients look for it."""
    reason = _QUOTA_REASONS.get(problem.kind)
    if reason is None:
        return ()
    wait_s = problem.retry_after_s
    known = problem.kind.retryable and wait_s is not None and math.isfinite(wait_s)
    return (error_info(reason), *([retry_info(wait_s)] if known and wait_s is not None else []))


def refuse(problem: Problem, request_id: str) -> RawReply:
    """The problem as the end of a whole request."""
    status = status_of(problem)
    return RawReply(HTTP_STATUS[status.code], reply_headers(request_id), status.as_body())


def reply_headers(request_id: str) -> dict[str, str]:
    """The headers that every answer in JSON has."""
    return answer_headers((), request_id) | {"Content-Type": CONTENT_TYPE}


def packed_status(body: bytes) -> bytes | None:
    """A refusal's google.rpc.Status as gRPC carries it beside code and words; None where the vendor gave no details."""
    error = _error_of(body)
    details = error.get("details")
    packed = [one for one in map(_packed, details if isinstance(details, list) else ()) if one is not None]
    if not packed:
        return None
    status = status_pb2.Status(code=int(Code[error["status"]]), message=str(error["message"]), details=packed)
    data: bytes = status.SerializeToString()
    return data


def _packed(detail: Any) -> any_pb2.Any | None:
    """A detail of a type that we know."""
    name = str(detail.get("@type", "")).rpartition("/")[2] if isinstance(detail, dict) else ""
    if name.rpartition(".")[2] not in error_details_pb2.DESCRIPTOR.message_types_by_name:
        return None
    try:
        return json_format.ParseDict(detail, any_pb2.Any(), ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError, ValueError, TypeError, AttributeError):  # values the reader trips over
        return None


def refusal_of_rest(status: int, body: bytes) -> Problem:
    """The vendor's refusal of a request of its own, as a problem."""
    error = _error_of(body)
    name = error.get("status")
    words = str(error.get("message", ""))
    vendor = VendorError(VENDOR, status, name if isinstance(name, str) else "", words, body.decode(errors="replace"))
    if status == _TOO_MANY:
        kind = Kind.THROTTLED
    elif status == _GATEWAY_TIMEOUT:
        kind = Kind.PROVIDER_TIMEOUT
    else:
        kind = Kind.PROVIDER_UNAVAILABLE if status >= _FIRST_SERVER_ERROR else Kind.REQUEST_REFUSED
    return Problem(kind, f"the vendor answered with status {status}", vendor=vendor)


def _own_status(problem: Problem) -> Status | None:
    """The vendor's own status, if that is what it is."""
    error = problem.vendor
    if error is None or error.vendor != VENDOR:
        return None
    if problem.kind is Kind.PROVIDER_DENIED:
        return Status(Code.PERMISSION_DENIED, OPERATORS_MESSAGE)
    code = _code(error)
    if code is None:
        return None
    told = _error_of(error.body.encode())
    details = told.get("details")
    if code in _OPERATORS or _OPERATORS_REASON in orjson.dumps(details or []).decode():
        return Status(Code.PERMISSION_DENIED, OPERATORS_MESSAGE)
    return Status(code, error.message or str(told.get("message", "")), tuple(details) if isinstance(details, list) else ())


def _code(error: VendorError) -> Code | None:
    """By its name or number; without one by the HTTP status."""
    if error.code in Code.__members__:
        return Code[error.code]
    if error.code.isdecimal() and int(error.code) in set(Code):
        return Code(int(error.code))
    if not _FIRST_ERROR_STATUS <= error.status <= _LAST_STATUS:
        return None
    return next((code for code, status in HTTP_STATUS.items() if status == error.status), None)


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def _sentence(message: str, detail: str) -> str:
    """The vendor's usual words first, then ours: `Bad image data. The image is empty.`"""
    if not detail:
        return message or "Request contains an invalid argument."
    return f"{message} {sentence(detail)}" if message else sentence(detail)
