"""google.rpc.Status: codes, their HTTP statuses, and the shape of an error. For REST, gRPC and one image of a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import orjson


class Code(IntEnum):
    """The codes of google.rpc.Code; gRPC has the same numbers."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP_STATUS: Mapping[Code, int] = MappingProxyType(
    {
        Code.CANCELLED: 499,
        Code.UNKNOWN: 500,
        Code.INVALID_ARGUMENT: 400,
        Code.DEADLINE_EXCEEDED: 504,
        Code.NOT_FOUND: 404,
        Code.ALREADY_EXISTS: 409,
        Code.PERMISSION_DENIED: 403,
        Code.RESOURCE_EXHAUSTED: 429,
        Code.FAILED_PRECONDITION: 400,
        Code.ABORTED: 409,
        Code.OUT_OF_RANGE: 400,
        Code.UNIMPLEMENTED: 501,
        Code.INTERNAL: 500,
        Code.UNAVAILABLE: 503,
        Code.DATA_LOSS: 500,
        Code.UNAUTHENTICATED: 401,
    }
)


@dataclass(frozen=True, slots=True)
class Status:
    """A google.rpc.Status. `details` are the vendor's own, if it gave any."""

    code: Code
    message: str
    details: tuple[Any, ...] = ()

    def in_answer(self) -> dict[str, Any]:
        """The `error` of one image."""
        return {"code": int(self.code), "message": self.message}

    def as_body(self) -> bytes:
        """The body of a refusal over REST; the gRPC server reads it, too."""
        error = {"code": HTTP_STATUS[self.code], "message": self.message, "status": self.code.name}
        return orjson.dumps({"error": error | ({"details": list(self.details)} if self.details else {})})


def retry_info(wait_s: float) -> dict[str, Any]:
    """google.rpc.RetryInfo: when to come again. Rounded up to milliseconds, so that nobody comes too early."""
    return {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": f"{max(0, math.ceil(wait_s * 1000)) / 1000:.3f}s",
    }


def error_info(reason: str) -> dict[str, Any]:
    """google.rpc.ErrorInfo: `reason` of the SDKs' exceptions."""
    service = {"service": "vision.googleapis.com"}
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": service,
    }
