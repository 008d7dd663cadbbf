"""One table from `errors.Kind` to AWS's exceptions, so that boto3 raises its own class and retries what can be retried.

What selects the class in the SDKs is `__type` in the body, not the status. The statuses and messages are those of the
developer guide's page "Error handling". Caller faults are 400 without exception: botocore re-sends every 500 by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from app.errors import Kind, Problem, VendorError
from app.wire.contract import RawReply
from app.wire.headers import MS_PER_S, OPERATORS_MESSAGE, answer_headers
from app.wire.values import sentence

VENDOR = "rekognition"
CONTENT_TYPE = "application/x-amz-json-1.1"
# botocore honours this header, in milliseconds, and ignores Retry-After.
RETRY_AFTER_MS = "x-amz-retry-after"
_FIRST_ERROR_STATUS = 400
_LAST_STATUS = 599


@dataclass(frozen=True, slots=True)
class Row:
    """AWS's name for a failure, its HTTP status, and AWS's usual first sentence about it."""

    name: str
    status: int
    message: str


_SLOW_DOWN = Row("ThrottlingException", 400, "Slow down; sudden increase in rate of requests.")
_UNAVAILABLE = Row("ThrottlingException", 500, "Service Unavailable.")
_SERVICE_ISSUE = Row("InternalServerError", 500, "Internal server error.")
_WRONG_PARAMETERS = Row("InvalidParameterException", 400, "Request has invalid parameters.")
_TOO_LARGE = Row("ImageTooLargeException", 400, "Image size is too large.")
_WRONG_FORMAT = Row("InvalidImageFormatException", 400, "Request has invalid image format.")
_DENIED = Row("AccessDeniedException", 400, "You are not authorized to perform the action.")

ROWS: Mapping[Kind, Row] = MappingProxyType(
    {
        Kind.MALFORMED_REQUEST: Row("SerializationException", 400, "The request cannot be read."),
        Kind.UNKNOWN_OPERATION: Row("UnknownOperationException", 400, "The operation is not known."),
        Kind.INVALID_PARAMETER: _WRONG_PARAMETERS,
        Kind.MISSING_IMAGE: _WRONG_PARAMETERS,
        Kind.INVALID_IMAGE: _WRONG_FORMAT,
        Kind.IMAGE_TOO_LARGE: _TOO_LARGE,
        # Only an image makes a request of this service large, and this is the modelled class for it.
        Kind.BODY_TOO_LARGE: _TOO_LARGE,
        Kind.OBJECT_UNAVAILABLE: Row(
            "InvalidS3ObjectException",
            400,
            "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
        ),
        Kind.UNAUTHENTICATED: Row("UnrecognizedClientException", 400, "The security token included in the request is invalid."),
        Kind.WRONG_SIGNATURE: Row("InvalidSignatureException", 400, "The request signature does not match."),
        Kind.FORBIDDEN: _DENIED,
        # Not ProvisionedThroughputExceededException: that one sends people to AWS for a quota that is the operator's.
        Kind.RATE_LIMITED: _SLOW_DOWN,
        # Throttling, too, as it is for a quota of AWS's own; LimitExceededException is in no image operation's model.
        Kind.BUDGET_SPENT: Row("ThrottlingException", 400, "The quota is used up."),
        Kind.IMAGE_REFUSED: _WRONG_FORMAT,
        # Another vendor said no for good (its own account, its own quota). Not the caller's parameters, and no use to
        # try again, so neither InvalidParameterException nor a 500.
        Kind.REQUEST_REFUSED: _DENIED,
        Kind.PROVIDER_DENIED: Row("AccessDeniedException", 400, OPERATORS_MESSAGE),
        Kind.THROTTLED: _SLOW_DOWN,
        Kind.PROVIDER_UNAVAILABLE: _UNAVAILABLE,
        Kind.PROVIDER_TIMEOUT: _SERVICE_ISSUE,
        Kind.PROVIDER_GARBLED: _SERVICE_ISSUE,
        # Not ProvisionedThroughputExceededException: that one sends people to AWS for a higher quota, and the quota is
        # not what is short here. Both are retried with the long back-off.
        Kind.OVER_CAPACITY: _SLOW_DOWN,
        Kind.DEADLINE_EXCEEDED: _SERVICE_ISSUE,
        Kind.ACCUMULATOR_UNAVAILABLE: _UNAVAILABLE,
        Kind.NO_WORKER: _UNAVAILABLE,
        Kind.SHUTTING_DOWN: _UNAVAILABLE,
        Kind.INTERNAL: _SERVICE_ISSUE,
    }
)


# Errors about the credentials of the proxy itself. Their texts name the operator's account and roles, which are no
# client's business: the name goes out, the text stays in the log.
_OPERATORS = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)


def refuse(problem: Problem, request_id: str) -> RawReply:
    """The problem in AWS's own error shape; Rekognition's own error is handed on word for word, but for `_OPERATORS`."""
    headers = reply_headers(request_id)
    known_s = problem.retry_after_s if problem.kind is not Kind.BUDGET_SPENT else None  # a month is long
    if known_s is not None and math.isfinite(known_s):
        headers[RETRY_AFTER_MS] = str(max(0, math.ceil(known_s * MS_PER_S)))
    own = _own_error(problem.vendor, request_id)
    if own is not None:
        return RawReply(own[0], headers, own[1])
    row = ROWS[problem.kind]
    return RawReply(row.status, headers, _body(row.name, _sentence(row.message, problem.detail), request_id))


def reply_headers(request_id: str) -> dict[str, str]:
    """The headers that every answer of this endpoint has."""
    return answer_headers((), request_id) | {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": request_id}


def _own_error(error: VendorError | None, request_id: str) -> tuple[int, bytes] | None:
    """Status and body of Rekognition's own error, if that is what it is. A success status would read as an empty answer."""
    if error is None or error.vendor != VENDOR or not error.code or not _FIRST_ERROR_STATUS <= error.status <= _LAST_STATUS:
        return None
    if error.code in _OPERATORS:
        return error.status, _body(error.code, OPERATORS_MESSAGE, request_id)
    if _names_its_type(error.body):
        return error.status, error.body.encode()
    return error.status, _body(error.code, error.message, request_id)


def _names_its_type(body: str) -> bool:
    """Whether the SDKs would find the exception in it (a load balancer's HTML page, say, does not name one)."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and isinstance(value.get("__type"), str)


def _body(name: str, message: str, request_id: str) -> bytes:
    return orjson.dumps({"__type": name, "Code": name, "Logref": request_id, "Message": message})


def _sentence(message: str, detail: str) -> str:
    """AWS's usual words first, then ours: `Request has invalid parameters. MinConfidence must be ...`"""
    if not detail:
        return message
    return f"{message} {sentence(detail)}"
