"""Azure AI Vision's refusals: what went wrong, and how each of its two APIs says so.

Whoever finds something wrong raises a `Refused` with a `Problem`; the table of the API that was called turns it into a status
and a body. Words: the error pages of Image Analysis 4.0 and 3.2. Where those pages are silent (a body that is no JSON, the
words of a 429) the words are ours, in the same envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.emulators.counters import Fate


class Problem(StrEnum):
    """What can be wrong with a call."""

    DENIED = "denied"
    NOT_FOUND = "not_found"  # the path, the api-version, a custom model, a reading
    THROTTLED = "throttled"
    INTERNAL = "internal"
    MEDIA_TYPE = "media_type"
    BODY = "body"
    IMAGE_URL = "image_url"
    IMAGE_EMPTY = "image_empty"
    IMAGE_BYTES = "image_bytes"
    IMAGE_SIDES = "image_sides"
    IMAGE_FORMAT = "image_format"
    NO_FEATURES = "no_features"
    FEATURE = "feature"
    DETAILS = "details"
    LANGUAGE = "language"
    ARGUMENT = "argument"


FATES: Mapping[Problem, Fate] = MappingProxyType({Problem.THROTTLED: Fate.THROTTLED, Problem.INTERNAL: Fate.FAILED})
"""How a refused call counts, where it is not simply the caller's mistake."""
RETRY_AFTER_S = 1
"""Seconds in the Retry-After of a 429. Azure's clients send a POST again only where this header stands."""


class Refused(Exception):
    """The call is refused. `detail` goes into the words where they have room for it."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail

    @property
    def fate(self) -> Fate:
        return FATES.get(self.problem, Fate.REFUSED)

    @property
    def headers(self) -> dict[str, str]:
        """Never on a permanent error: the clients would send that again, too."""
        return {"Retry-After": str(RETRY_AFTER_S)} if self.problem is Problem.THROTTLED else {}


@dataclass(frozen=True, slots=True)
class Wording:
    """One row: status, code, message, and the inner error if there is one (its message is the outer one where it is empty)."""

    status: int
    code: str
    message: str
    inner_code: str = ""
    inner_message: str = ""

    def body(self, detail: str) -> dict[str, Any]:
        """The vendor's envelope."""
        message = self.message.format(detail=detail)
        error: dict[str, Any] = {"code": self.code, "message": message}
        if self.inner_code:
            inner_message = self.inner_message.format(detail=detail) or message
            error["innererror"] = {"code": self.inner_code, "message": inner_message}
        return {"error": error}


ACCESS_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource."
)
SIDES = "The image dimension is not allowed to be smaller than 50 and larger than 16000."
NO_JSON = "The request body is not a valid JSON object with a url."
INVALID = "InvalidRequest"
QUERY = "Analyze query is invalid."

_GATEWAY = {
    Problem.DENIED: Wording(401, "401", ACCESS_DENIED),
    Problem.NOT_FOUND: Wording(404, "404", "Resource not found"),
    Problem.THROTTLED: Wording(429, "429", f"Too many requests. Please retry after {RETRY_AFTER_S} second."),
    Problem.INTERNAL: Wording(500, "InternalServerError", "Internal server error.", "InternalServerError"),
}
"""Said by what stands in front of both APIs."""

WORDING_40: Mapping[Problem, Wording] = MappingProxyType(
    {
        **_GATEWAY,
        Problem.MEDIA_TYPE: Wording(400, INVALID, "The provided image content type '{detail}' is not supported."),
        Problem.BODY: Wording(400, INVALID, NO_JSON, "BadArgument"),
        Problem.IMAGE_URL: Wording(400, INVALID, "Image URL is badly formatted or not accessible."),
        Problem.IMAGE_EMPTY: Wording(400, INVALID, "The image size is not allowed to be zero or larger than 20971520 bytes."),
        Problem.IMAGE_BYTES: Wording(400, INVALID, "The image size is not allowed to be zero or larger than 20971520 bytes."),
        Problem.IMAGE_SIDES: Wording(400, INVALID, SIDES, "InvalidImageSize"),
        Problem.IMAGE_FORMAT: Wording(400, INVALID, "Image format is not valid.", "InvalidImageFormat"),
        Problem.NO_FEATURES: Wording(
            400, INVALID, "Either 'features' or 'model-name' needs to be specified in the query parameter."
        ),
        Problem.FEATURE: Wording(400, INVALID, QUERY, "NotSupportedVisualFeature", "Specified feature type is not valid"),
        Problem.DETAILS: Wording(400, INVALID, QUERY, "InvalidDetails", "Specified detail is not valid"),
        Problem.LANGUAGE: Wording(400, INVALID, QUERY, "NotSupportedLanguage", "The input language is not supported"),
        Problem.ARGUMENT: Wording(400, INVALID, QUERY, "BadArgument", "{detail}"),
    }
)
WORDING_32: Mapping[Problem, Wording] = MappingProxyType(
    {
        **_GATEWAY,
        Problem.MEDIA_TYPE: Wording(415, INVALID, "Unsupported media type '{detail}'.", "UnsupportedMediaType"),
        Problem.BODY: Wording(400, INVALID, NO_JSON, "BadArgument"),
        Problem.IMAGE_URL: Wording(400, INVALID, "Image URL is badly formatted or not accessible.", "InvalidImageUrl"),
        Problem.IMAGE_EMPTY: Wording(400, INVALID, "Input data is not a valid image.", "InvalidImageFormat"),
        Problem.IMAGE_BYTES: Wording(400, INVALID, "Input image is too large.", "InvalidImageSize"),
        Problem.IMAGE_SIDES: Wording(400, INVALID, SIDES, "InvalidImageSize"),
        Problem.IMAGE_FORMAT: Wording(400, INVALID, "Input data is not a valid image.", "InvalidImageFormat"),
        Problem.NO_FEATURES: Wording(400, INVALID, "Specified feature type is not valid.", "NotSupportedVisualFeature"),
        Problem.FEATURE: Wording(400, INVALID, "Specified feature type is not valid.", "NotSupportedVisualFeature"),
        Problem.DETAILS: Wording(400, INVALID, "Unsupported detail parameter value.", "InvalidDetails"),
        Problem.LANGUAGE: Wording(400, INVALID, "The requested language is not supported.", "NotSupportedLanguage"),
        Problem.ARGUMENT: Wording(400, INVALID, "{detail}", "BadArgument"),
    }
)
