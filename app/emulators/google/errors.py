"""Google's refusals: code, HTTP status and words, as google.rpc.Status puts them. The same rows for REST and gRPC.

Codes and shape: google.rpc.Code and "Errors" in Google's API design guide. Words are our own where the vendor's are not known.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from app.emulators.counters import Fate

Json = dict[str, Any]

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DOMAIN = "googleapis.com"
SERVICE = "vision.googleapis.com"


class Code(IntEnum):
    """The codes of google.rpc.Code that are used here; gRPC has the same numbers."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


HTTP_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.NOT_FOUND: 404,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}


class ServiceError(Exception):
    """A refusal, of a whole call or of one image in it. `fate` says how it counts; `reason` becomes an ErrorInfo."""

    def __init__(self, code: Code, message: str, fate: Fate = Fate.REFUSED, *, reason: str = "") -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.fate = fate
        self.reason = reason

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]

    @property
    def details(self) -> list[Json]:
        """What google.rpc.Status has under this name."""
        if not self.reason:
            return []
        return [{"@type": ERROR_INFO, "reason": self.reason, "domain": DOMAIN, "metadata": {"service": SERVICE}}]

    def as_body(self) -> Json:
        """The body of an answer over REST."""
        error: Json = {"code": self.http_status, "message": self.message, "status": self.code.name}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def as_status(self) -> Json:
        """A google.rpc.Status: the error of one image, or what gRPC carries."""
        status: Json = {"code": int(self.code), "message": self.message}
        if self.details:
            status["details"] = self.details
        return status


def invalid_argument(message: str) -> ServiceError:
    return ServiceError(Code.INVALID_ARGUMENT, message)


def bad_image() -> ServiceError:
    return invalid_argument("Bad image data.")


def nothing_asked() -> ServiceError:
    return invalid_argument("Request must specify image and features.")


def bad_json(detail: str) -> ServiceError:
    return invalid_argument(f"Invalid JSON payload received. {detail}")


def payload_too_large(most_bytes: int) -> ServiceError:
    return invalid_argument(f"Request payload size exceeds the limit: {most_bytes} bytes.")


def too_many_images() -> ServiceError:
    return invalid_argument("Too many images per request.")


def image_too_large(detail: str) -> ServiceError:
    return invalid_argument(f"Image too large: {detail}.")


def file_not_opened(uri: str) -> ServiceError:
    return ServiceError(Code.PERMISSION_DENIED, f"Error opening file: {uri}.")


def url_not_allowed() -> ServiceError:
    return ServiceError(
        Code.PERMISSION_DENIED, "We are not allowed to read this URL for you. Please send the content of the image instead."
    )


def not_found(what: str) -> ServiceError:
    return ServiceError(Code.NOT_FOUND, f"Not found: {what}")


def unimplemented(what: str) -> ServiceError:
    return ServiceError(Code.UNIMPLEMENTED, f"{what} is not implemented here.")


def no_credentials() -> ServiceError:
    return ServiceError(
        Code.PERMISSION_DENIED, "Callers without an identity are not served. Please use an API key or an access token."
    )


def invalid_key() -> ServiceError:
    return ServiceError(
        Code.INVALID_ARGUMENT, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID"
    )  # 400 and not 401: so says the vendor


def invalid_token() -> ServiceError:
    return ServiceError(
        Code.UNAUTHENTICATED, "Request had invalid authentication credentials.", reason="ACCESS_TOKEN_TYPE_UNSUPPORTED"
    )


def throttled() -> ServiceError:
    return ServiceError(Code.RESOURCE_EXHAUSTED, "Resource has been exhausted (e.g. check quota).", Fate.THROTTLED)


def quota_exceeded() -> ServiceError:
    return ServiceError(
        Code.RESOURCE_EXHAUSTED,
        f"Quota exceeded for requests per minute of service '{SERVICE}'.",
        Fate.THROTTLED,
        reason="RATE_LIMIT_EXCEEDED",
    )


def internal() -> ServiceError:
    return ServiceError(Code.INTERNAL, "Internal error encountered.", Fate.FAILED)


def connection_lost() -> ServiceError:
    """What a gRPC client reads when its connection is dropped; over REST nothing is sent at all."""
    return ServiceError(Code.UNAVAILABLE, "Socket closed", Fate.FAILED)
