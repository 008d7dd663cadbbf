"""The one family of errors that crosses the borders between packages.

Every failure that a caller can be told about is a `Problem` with a `Kind`; nothing here knows HTTP, gRPC or a vendor's
names. Each dialect has one table from `Kind` to its own wire shape.

    Problem
     |- fault CALLER     the request itself is wrong, or too much: sending it again changes nothing (the rate: at once)
     |    MALFORMED_REQUEST  UNKNOWN_OPERATION  INVALID_PARAMETER  MISSING_IMAGE  INVALID_IMAGE
     |    IMAGE_TOO_LARGE  BODY_TOO_LARGE  OBJECT_UNAVAILABLE  UNAUTHENTICATED  WRONG_SIGNATURE  FORBIDDEN
     |    RATE_LIMITED  BUDGET_SPENT (beyond what the operator lets this client use)
     |- fault PROVIDER   the vendor said no, or said nothing
     |    IMAGE_REFUSED  REQUEST_REFUSED  PROVIDER_DENIED (it does not take, or not for this, the credentials that we have)
     |    THROTTLED  PROVIDER_UNAVAILABLE  PROVIDER_TIMEOUT  PROVIDER_GARBLED
     `- fault TESSERA    ours
          OVER_CAPACITY  DEADLINE_EXCEEDED  ACCUMULATOR_UNAVAILABLE  NO_WORKER  SHUTTING_DOWN  INTERNAL
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Fault(StrEnum):
    """Whose fault a problem is."""

    CALLER = "caller"
    PROVIDER = "provider"
    TESSERA = "tessera"


class Kind(Enum):
    """What went wrong. `value` is the stable name (logs, metrics, Redis); the rest: whose fault, and can a retry help."""

    fault: Fault
    retryable: bool

    def __new__(cls, value: str, fault: Fault, retryable: bool) -> Kind:
        member = object.__new__(cls)
        member._value_ = value
        member.fault = fault
        member.retryable = retryable
        return member

    MALFORMED_REQUEST = ("malformed_request", Fault.CALLER, False)
    UNKNOWN_OPERATION = ("unknown_operation", Fault.CALLER, False)
    INVALID_PARAMETER = ("invalid_parameter", Fault.CALLER, False)
    MISSING_IMAGE = ("missing_image", Fault.CALLER, False)
    INVALID_IMAGE = ("invalid_image", Fault.CALLER, False)
    IMAGE_TOO_LARGE = ("image_too_large", Fault.CALLER, False)
    BODY_TOO_LARGE = ("body_too_large", Fault.CALLER, False)
    OBJECT_UNAVAILABLE = ("object_unavailable", Fault.CALLER, False)
    UNAUTHENTICATED = ("unauthenticated", Fault.CALLER, False)
    WRONG_SIGNATURE = ("wrong_signature", Fault.CALLER, False)
    FORBIDDEN = ("forbidden", Fault.CALLER, False)
    RATE_LIMITED = ("rate_limited", Fault.CALLER, True)
    BUDGET_SPENT = ("budget_spent", Fault.CALLER, False)

    IMAGE_REFUSED = ("image_refused", Fault.PROVIDER, False)
    REQUEST_REFUSED = ("request_refused", Fault.PROVIDER, False)
    PROVIDER_DENIED = ("provider_denied", Fault.PROVIDER, False)
    THROTTLED = ("throttled", Fault.PROVIDER, True)
    PROVIDER_UNAVAILABLE = ("provider_unavailable", Fault.PROVIDER, True)
    PROVIDER_TIMEOUT = ("provider_timeout", Fault.PROVIDER, True)
    PROVIDER_GARBLED = ("provider_garbled", Fault.PROVIDER, True)

    OVER_CAPACITY = ("over_capacity", Fault.TESSERA, True)
    DEADLINE_EXCEEDED = ("deadline_exceeded", Fault.TESSERA, True)
    ACCUMULATOR_UNAVAILABLE = ("accumulator_unavailable", Fault.TESSERA, True)
    NO_WORKER = ("no_worker", Fault.TESSERA, True)
    SHUTTING_DOWN = ("shutting_down", Fault.TESSERA, True)
    INTERNAL = ("internal", Fault.TESSERA, True)


@dataclass(frozen=True, slots=True)
class VendorError:
    """A vendor's own error, kept so that the same vendor's dialect can hand it on word for word.

    `status` is the HTTP status, `code` the vendor's name for it, `body` the vendor's own error body where there was one.
    """

    vendor: str
    status: int
    code: str
    message: str
    body: str = ""


class Problem(Exception):
    """A failure that a client can be told about. `detail` is one plain sentence without secrets or image data."""

    def __init__(
        self, kind: Kind, detail: str, *, vendor: VendorError | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail
        self.vendor = vendor
        self.retry_after_s = retry_after_s
