"""The closed sets of label values. This package imports nothing of ours; a test compares them with the enums they mirror."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

ENDPOINTS = ("native", "rekognition", "google", "azure")
BUILT_ENDPOINTS = ("native", "rekognition", "google", "azure")  # those that are served so far
TASKS = ("detect", "classify", "moderate", "other")  # other: passed through, or refused before its task was known
GRIDDED_TASKS = ("detect", "classify", "moderate")
UNKNOWN_PREVALENCE = 0.5  # what groups go by while nothing is known
WATCHED_TASKS = ("detect", "classify")  # group tests answer for themselves, image by image
OUTCOMES = ("answered", "caller_error", "provider_error", "own_error", "cancelled")
PROVIDERS = ("emulator", "rekognition", "google", "azure", "onnx", "torch")
PASSTHROUGH = "passthrough"
PAID_KINDS = ("grid", "single", "escalation", "group_test", PASSTHROUGH, "shadow")
RELEASES = ("full", "due", "idle", "drain", "single")
FATES = ("kept", "seam", "gutter", "filtered")
LEASE_EVENTS = ("reclaimed", "refused")
JOINS = ("flight", "retry", "cache")
LOOKS = ("looked", "busy", "late", "failed")
LAYOUTS = tuple(f"{rows}x{columns}" for rows in range(1, 6) for columns in range(1, 6))  # of the paper's table
SHADOW_OUTCOMES = ("compared", "failed", "skipped")
GROUP_RESULTS = ("clean", "flagged", "unsure", "failed")
VERDICTS = ("cleared", "single")
QUOTA_LIMITS = ("rate", "dollars", "inferences")
DENSITY_DIRECTIONS = ("sparser", "trial", "denser")
BYPASSES = (
    "caller", "budget", "deadline", "late", "overdue", "accumulator", "capacity", "no_worker", "draining", "size", "features",
    "setting", "prevalence", "transparent", "operation",
)  # fmt: skip
PROVIDER_FAULTS = (
    "image_refused", "request_refused", "provider_denied", "throttled", "provider_unavailable", "provider_timeout",
    "provider_garbled",
)  # fmt: skip
ERROR_KINDS = (
    "malformed_request", "unknown_operation", "invalid_parameter", "missing_image", "invalid_image", "image_too_large",
    "body_too_large", "object_unavailable", "unauthenticated", "wrong_signature", "forbidden", "rate_limited", "budget_spent",
    *PROVIDER_FAULTS,
    "over_capacity", "deadline_exceeded", "accumulator_unavailable", "no_worker", "shutting_down", "internal",
)  # fmt: skip


class Named(Protocol):
    """An enum member whose `value` is its stable name (`errors.Kind`)."""

    @property
    def value(self) -> Any: ...


def known(value: str, allowed: Sequence[str]) -> str:
    """The value, where it is one of those that are allowed. ValueError otherwise."""
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return value
