"""problem+json: statuses, and the headers that they call for."""

from __future__ import annotations

import json

import pytest

from app.errors import Kind, Problem
from app.wire.native.refusals import ROWS, problem_type, refuse


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.MALFORMED_REQUEST, 400),
        (Kind.UNKNOWN_OPERATION, 404),
        (Kind.MISSING_IMAGE, 400),
        (Kind.INVALID_IMAGE, 415),
        (Kind.IMAGE_TOO_LARGE, 413),
        (Kind.BODY_TOO_LARGE, 413),
        (Kind.UNAUTHENTICATED, 401),
        (Kind.FORBIDDEN, 403),
        (Kind.IMAGE_REFUSED, 422),
        (Kind.THROTTLED, 429),
        (Kind.PROVIDER_GARBLED, 502),
        (Kind.PROVIDER_UNAVAILABLE, 503),
        (Kind.PROVIDER_TIMEOUT, 504),
        (Kind.OVER_CAPACITY, 503),
        (Kind.INTERNAL, 500),
    ],
)
def test_statuses(kind: Kind, status: int) -> None:
    reply = refuse(Problem(kind, "why"), "r")
    assert (reply.status, json.loads(reply.body)["status"]) == (status, status)


@pytest.mark.parametrize(("known_s", "text"), [(None, "1"), (0.0, "0"), (1.2, "2"), (-3.0, "0"), (float("inf"), "1")])
def test_retry_after_is_whole_seconds_rounded_up(known_s: float | None, text: str) -> None:
    assert refuse(Problem(Kind.THROTTLED, "why", retry_after_s=known_s), "r").headers["Retry-After"] == text


def test_who_cannot_help_itself_by_waiting_is_not_told_to_wait() -> None:
    assert "Retry-After" not in refuse(Problem(Kind.INVALID_IMAGE, "why", retry_after_s=3.0), "r").headers


def test_a_401_names_a_challenge() -> None:
    assert refuse(Problem(Kind.UNAUTHENTICATED, "why"), "r").headers["WWW-Authenticate"].startswith("Bearer")


def test_types_are_stable_names_one_per_kind() -> None:
    assert problem_type(Kind.IMAGE_TOO_LARGE) == "urn:tessera:problem:image-too-large"
    assert len({problem_type(kind) for kind in ROWS}) == len(Kind)
