"""Refusals: their names are in AWS's service model or among its general ones, and they count as what they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.emulators.counters import Fate
from app.emulators.rekognition import errors
from app.emulators.rekognition.errors import ServiceError
from tests.support.aws_model import service_model

# Errors that any AWS service of this protocol may answer with and no model lists (shared/wire, "Answers").
GENERAL = {
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "UnknownOperationException",
    "SerializationException",
    "RequestEntityTooLargeException",
}
MAKERS: list[Callable[[], ServiceError]] = [
    errors.invalid_parameter,
    errors.invalid_format,
    errors.too_large,
    errors.invalid_object,
    lambda: errors.serialization("x"),
    errors.unknown_operation,
    lambda: errors.resource_not_found("x"),
    errors.missing_token,
    lambda: errors.incomplete_signature("x"),
    lambda: errors.invalid_signature("x"),
    errors.throttled,
    errors.rate_exceeded,
    errors.internal,
    errors.body_too_large,
]


@pytest.mark.parametrize("make", MAKERS)
def test_every_error_has_a_name_that_clients_know(make: Callable[[], ServiceError]) -> None:
    error = make()
    modelled = {shape.name for shape in service_model().error_shapes}
    assert error.code in modelled | GENERAL
    assert error.message
    assert str(error) == f"{error.code}: {error.message}"


@pytest.mark.parametrize(
    ("make", "status", "fate"),
    [
        (errors.invalid_format, 400, Fate.REFUSED),
        (errors.throttled, 400, Fate.THROTTLED),
        (errors.rate_exceeded, 400, Fate.THROTTLED),
        (errors.internal, 500, Fate.FAILED),
        (errors.body_too_large, 413, Fate.REFUSED),
    ],
)
def test_status_and_fate(make: Callable[[], ServiceError], status: int, fate: Fate) -> None:
    assert (make().status, make().fate) == (status, fate)
