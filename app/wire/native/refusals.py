"""One table from `errors.Kind` to HTTP: problem+json (RFC 9457) with a status, a title, and a stable type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel, Field

from app.errors import Kind, Problem
from app.wire.contract import RawReply
from app.wire.headers import answer_headers

CONTENT_TYPE = "application/problem+json"
# What the type of a problem is called: a name and not an address, since nothing is to be fetched there.
TYPE_PREFIX = "urn:tessera:problem:"
# Said to clients that should come again when nobody knows better, seconds: a lane has long gone out by then.
DEFAULT_RETRY_AFTER_S = 1.0
# Statuses that invite a client to come again, and what it is no use to try again in spite of such a status: HTTP libraries
# wait for as long as they are told, and a month is long.
_AGAIN = frozenset({429, 503})
_NOT_AGAIN = frozenset({Kind.BUDGET_SPENT})
_UNAUTHENTICATED_STATUS = 401


class ProblemReply(BaseModel):
    """An error, as application/problem+json (RFC 9457)."""

    type: str = Field(description="Stable name of the kind of problem, to be compared by programs.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status, again.")
    detail: str = Field(description="What was wrong with this request.")
    request_id: str = Field(description="The id under which the logs know this request.")


@dataclass(frozen=True, slots=True)
class Row:
    """A kind's HTTP status and title."""

    status: int
    title: str


ROWS: Mapping[Kind, Row] = MappingProxyType(
    {
        Kind.MALFORMED_REQUEST: Row(400, "The request cannot be read"),
        Kind.UNKNOWN_OPERATION: Row(404, "There is no such operation"),
        Kind.INVALID_PARAMETER: Row(400, "A parameter is wrong"),
        Kind.MISSING_IMAGE: Row(400, "The request has no image"),
        # 415 and not 422: RFC 9110 gives 415 to content in a format that is not supported, "as a result of inspecting the
        # data directly", too, and that is what a header that is no image's, or a file cut short, is.
        Kind.INVALID_IMAGE: Row(415, "The image cannot be read"),
        Kind.IMAGE_TOO_LARGE: Row(413, "The image is too large"),
        Kind.BODY_TOO_LARGE: Row(413, "The request is too large"),
        Kind.OBJECT_UNAVAILABLE: Row(404, "The stored image cannot be had"),
        Kind.UNAUTHENTICATED: Row(401, "Who are you?"),
        Kind.WRONG_SIGNATURE: Row(401, "The signature is wrong"),
        Kind.FORBIDDEN: Row(403, "This is not allowed"),
        Kind.RATE_LIMITED: Row(429, "You ask too fast"),
        Kind.BUDGET_SPENT: Row(429, "Your budget is spent"),
        # We could read the image and the provider would not have it: 422, the content was understood and still refused.
        Kind.IMAGE_REFUSED: Row(422, "The provider refused the image"),
        Kind.REQUEST_REFUSED: Row(502, "The provider refused the request"),
        Kind.PROVIDER_DENIED: Row(502, "The proxy's own credentials do not allow this"),
        Kind.THROTTLED: Row(429, "The provider asks to slow down"),
        Kind.PROVIDER_UNAVAILABLE: Row(503, "The provider is not available"),
        Kind.PROVIDER_TIMEOUT: Row(504, "The provider did not answer in time"),
        Kind.PROVIDER_GARBLED: Row(502, "The provider's answer made no sense"),
        Kind.OVER_CAPACITY: Row(503, "Too many requests are waiting"),
        Kind.DEADLINE_EXCEEDED: Row(504, "The answer did not come in time"),
        Kind.ACCUMULATOR_UNAVAILABLE: Row(503, "The waiting room is not available"),
        Kind.NO_WORKER: Row(503, "Nobody is there to work on it"),
        Kind.SHUTTING_DOWN: Row(503, "This server is going down"),
        Kind.INTERNAL: Row(500, "Something went wrong inside the proxy"),
    }
)


def refuse(problem: Problem, request_id: str) -> RawReply:
    """The problem as problem+json, with the headers that its status calls for."""
    row = ROWS[problem.kind]
    reply = ProblemReply(
        type=problem_type(problem.kind), title=row.title, status=row.status, detail=problem.detail, request_id=request_id
    )
    headers = answer_headers((), request_id) | {"Content-Type": CONTENT_TYPE}
    if row.status in _AGAIN and problem.kind not in _NOT_AGAIN:
        headers["Retry-After"] = _whole_seconds(problem.retry_after_s)
    if row.status == _UNAUTHENTICATED_STATUS:  # RFC 9110, section 15.5.2: a 401 names a challenge
        headers["WWW-Authenticate"] = 'Bearer realm="tessera"'
    return RawReply(row.status, headers, reply.model_dump_json().encode())


def problem_type(kind: Kind) -> str:
    return f"{TYPE_PREFIX}{kind.value.replace('_', '-')}"


def _whole_seconds(retry_after_s: float | None) -> str:
    """Retry-After knows whole seconds only; rounded up, so that nobody comes too early."""
    known = retry_after_s is not None and math.isfinite(retry_after_s)
    return str(max(0, math.ceil(retry_after_s if known and retry_after_s is not None else DEFAULT_RETRY_AFTER_S)))
