"""Rekognition's refusals: name, HTTP status and words, as its developer guide ("Error handling") lists them."""

from __future__ import annotations

from app.emulators.counters import Fate


class ServiceError(Exception):
    """A refusal: the service's name for it, its words and its HTTP status. `fate` says how it counts."""

    def __init__(self, code: str, message: str, status: int = 400, fate: Fate = Fate.REFUSED) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fate = fate


def invalid_parameter(detail: str = "Request has invalid parameters") -> ServiceError:
    return ServiceError("InvalidParameterException", detail)


def invalid_format() -> ServiceError:
    return ServiceError("InvalidImageFormatException", "Request has invalid image format")


def too_large(detail: str = "Image size is too large") -> ServiceError:
    return ServiceError("ImageTooLargeException", detail)


def invalid_object() -> ServiceError:
    return ServiceError(
        "InvalidS3ObjectException", "Unable to get object metadata from S3. Check object key, region and/or access permissions."
    )


def serialization(detail: str) -> ServiceError:
    return ServiceError("SerializationException", detail)


def unknown_operation() -> ServiceError:
    return ServiceError("UnknownOperationException", "The requested operation is not one of this service")


def resource_not_found(detail: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", detail)


def missing_token() -> ServiceError:
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")


def incomplete_signature(detail: str) -> ServiceError:
    return ServiceError("IncompleteSignatureException", detail)


def invalid_signature(detail: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", detail)


def throttled() -> ServiceError:
    return ServiceError("ThrottlingException", "Slow down; sudden increase in rate of requests", fate=Fate.THROTTLED)


def rate_exceeded() -> ServiceError:
    return ServiceError("ProvisionedThroughputExceededException", "Provisioned Rate exceeded", fate=Fate.THROTTLED)


def internal() -> ServiceError:
    return ServiceError("InternalServerError", "Internal server error", 500, Fate.FAILED)


def body_too_large() -> ServiceError:
    return ServiceError("RequestEntityTooLargeException", "Request body is too large", 413)
