"""From an error of Google's to a `Problem` that carries it. Pure; called by `channels`, `parse` and `provider`.

In: what google-api-core raised for a call, the google.rpc.Status of one image inside an answered call, or a REST answer. The
code decides, and the reason of an ErrorInfo where there is one. `VendorError.body` is the error as the REST API writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from google.api_core.exceptions import GoogleAPICallError
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from app.errors import Kind, Problem, VendorError
from app.providers.google.features import VENDOR

_TYPE_PREFIX = "type.googleapis.com/"
_LONGEST_MESSAGE_KEPT = 2_000  # characters
_LONGEST_PAUSE_S = 3_600.0  # a longer one cannot be meant
_NANOS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Row:
    """One code of google.rpc.Code: its name, its HTTP status, what it means for us."""

    name: str
    status: int
    kind: Kind


# google/rpc/code.proto gives names, numbers and HTTP statuses.
ROWS: Mapping[int, Row] = {
    1: Row("CANCELLED", 499, Kind.PROVIDER_UNAVAILABLE),
    2: Row("UNKNOWN", 500, Kind.PROVIDER_UNAVAILABLE),
    3: Row("INVALID_ARGUMENT", 400, Kind.IMAGE_REFUSED),  # mostly about the image: most parameters were checked here
    4: Row("DEADLINE_EXCEEDED", 504, Kind.PROVIDER_TIMEOUT),
    5: Row("NOT_FOUND", 404, Kind.REQUEST_REFUSED),
    6: Row("ALREADY_EXISTS", 409, Kind.REQUEST_REFUSED),
    7: Row("PERMISSION_DENIED", 403, Kind.PROVIDER_DENIED),
    8: Row("RESOURCE_EXHAUSTED", 429, Kind.THROTTLED),
    9: Row("FAILED_PRECONDITION", 400, Kind.REQUEST_REFUSED),  # an account without billing, say
    10: Row("ABORTED", 409, Kind.PROVIDER_UNAVAILABLE),
    11: Row("OUT_OF_RANGE", 400, Kind.REQUEST_REFUSED),
    12: Row("UNIMPLEMENTED", 501, Kind.REQUEST_REFUSED),
    13: Row("INTERNAL", 500, Kind.PROVIDER_UNAVAILABLE),
    14: Row("UNAVAILABLE", 503, Kind.PROVIDER_UNAVAILABLE),
    15: Row("DATA_LOSS", 500, Kind.PROVIDER_UNAVAILABLE),
    16: Row("UNAUTHENTICATED", 401, Kind.PROVIDER_DENIED),
}
_UNKNOWN = ROWS[2]
# Reasons of INVALID_ARGUMENT that are about the caller's account and not about the image.
_ACCOUNT_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})


def image_refusal(status: status_pb2.Status) -> Problem:
    """The problem of the one image in an answered call."""
    return _problem(status.code, status.message, [told for packed in status.details if (told := _unpacked(packed)) is not None])


def call_refusal(error: GoogleAPICallError) -> Problem:
    """The problem of a whole call that the vendor refused, or that grpc gave up."""
    return _problem(_number_of(error), error.message, [each for each in error.details if isinstance(each, Message)])


def rest_refusal(status: int, body: bytes) -> Problem:
    """The problem of a REST call. Only what tells whose fault it is is read of the error: the answer itself is handed on."""
    error = _error_of(body)
    name, told = error.get("status"), error.get("details")
    rows = (row for row in ROWS.values() if row.name == name or (name is None and row.status == status))
    row = next(rows, _UNKNOWN)
    reasons = {each.get("reason") for each in told if isinstance(each, dict)} if isinstance(told, list) else set()
    message = error.get("message")
    return Problem(
        Kind.PROVIDER_DENIED if reasons & _ACCOUNT_REASONS else row.kind,
        f"The provider answered with {row.name}",
        vendor=VendorError(VENDOR, status, row.name, str(message)[:_LONGEST_MESSAGE_KEPT] if message else "", ""),
    )


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def _problem(number: int, message: str, details: Iterable[Message]) -> Problem:
    row = ROWS.get(number, _UNKNOWN)
    known = list(details)
    reason = next((each.reason for each in known if isinstance(each, error_details_pb2.ErrorInfo)), "")
    kind = Kind.PROVIDER_DENIED if reason in _ACCOUNT_REASONS else row.kind
    kept = message[:_LONGEST_MESSAGE_KEPT]
    return Problem(
        kind,
        f"The provider answered with {row.name}",  # not its words: they may name the operator's account
        vendor=VendorError(VENDOR, row.status, row.name, kept, _body(row, kept, known)),
        retry_after_s=_retry_after_s(known),
    )


def _unpacked(packed: Any) -> Message | None:
    """A detail of a kind that we know; None for any other, and for one that cannot be read."""
    for kind in _KNOWN_DETAILS:
        if packed.Is(kind.DESCRIPTOR):
            try:
                return kind.FromString(packed.value)
            except DecodeError:
                return None
    return None


def _number_of(error: GoogleAPICallError) -> int:
    code: Any = error.grpc_status_code
    return int(code.value[0]) if code is not None else 2


def _body(row: Row, message: str, details: Iterable[Message]) -> str:
    error: dict[str, Any] = {"code": row.status, "message": message, "status": row.name}
    told = [{"@type": f"{_TYPE_PREFIX}{each.DESCRIPTOR.full_name}", **json_format.MessageToDict(each)} for each in details]
    if told:
        error["details"] = told
    return orjson.dumps({"error": error}).decode()


def _retry_after_s(details: Iterable[Message]) -> float | None:
    for each in details:
        if isinstance(each, error_details_pb2.RetryInfo):
            pause_s: float = each.retry_delay.seconds + each.retry_delay.nanos / _NANOS_PER_S
            return min(max(0.0, pause_s), _LONGEST_PAUSE_S)
    return None


_KNOWN_DETAILS: tuple[type[Message], ...] = (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo)
