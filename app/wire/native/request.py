"""Query and body of a native request -> what is asked about which image. Whatever is not understood is an error, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from app.core.clients import Clients, Tenant
from app.core.model import Feature, RawRequest
from app.core.moderation import Category
from app.errors import Kind, Problem
from app.wire.headers import bearer_token
from app.wire.native.multipart import read_image_field
from app.wire.native.operations import (
    CATEGORIES_PARAMETER,
    FEATURES_PARAMETER,
    OPERATIONS,
    RESULTS_PARAMETER,
    SCORE_PARAMETER,
    Operation,
)
from app.wire.values import hint, parse_decimal, quoted

T = TypeVar("T")


MAX_RESULTS = 1000
DEFAULT_MAX_RESULTS = 100
# Without a threshold of its own a request would see whatever its neighbours on the sheet asked for; at a half, a detector
# thinks that it is more likely right than wrong.
DEFAULT_MIN_SCORE_UNIT = 0.5

# Fields of a query that are looked at before giving up: there are four parameters, and a list may be spelled out.
_MAX_QUERY_FIELDS = 32

_MULTIPART = "multipart/form-data"
# `curl --data-binary @photo.jpg` calls every body a form unless it is told otherwise; nobody sends a real one here.
_RAW_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"})


@dataclass(frozen=True, slots=True)
class Question:
    """The query's parameters, understood. `categories`: of unsafe content, those that matter (none: all)."""

    features: tuple[Feature, ...]
    max_results: int = DEFAULT_MAX_RESULTS
    min_score_unit: float = DEFAULT_MIN_SCORE_UNIT
    categories: tuple[Category, ...] = ()


def read_operation(raw: RawRequest) -> Operation:
    """Raises Problem(UNKNOWN_OPERATION)."""
    path = raw.path.rstrip("/")
    for operation in OPERATIONS.values():
        if raw.method == "POST" and path.endswith(operation.path):
            return operation
    raise Problem(Kind.UNKNOWN_OPERATION, f"the operations are POST {', '.join(one.path for one in OPERATIONS.values())}")


def read_question(query: str, operation: Operation) -> Question:
    """Raises Problem(INVALID_PARAMETER), which names the parameter and, for a typo, the nearest known one."""
    fields = _fields(query, operation.parameters)
    return Question(
        features=_features(fields.get(FEATURES_PARAMETER), operation),
        max_results=_single(fields, RESULTS_PARAMETER, _count, DEFAULT_MAX_RESULTS),
        min_score_unit=_single(fields, SCORE_PARAMETER, _ratio, DEFAULT_MIN_SCORE_UNIT),
        categories=_categories(fields.get(CATEGORIES_PARAMETER)),
    )


def _fields(query: str, known: Collection[str]) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError as error:
        raise Problem(Kind.INVALID_PARAMETER, f"the query has more than {_MAX_QUERY_FIELDS} parameters") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in known:
            raise Problem(Kind.INVALID_PARAMETER, f"unknown parameter {quoted(name)}{hint(name, known)}")
        fields.setdefault(name, []).append(value)
    return fields


def _features(values: list[str] | None, operation: Operation) -> tuple[Feature, ...]:
    if values is None:
        return (operation.default,)
    names = _words(values)
    for name in names:
        elsewhere = next((one.path for one in OPERATIONS.values() if name in one.features), None)
        if name not in operation.features and elsewhere is not None:
            raise Problem(Kind.INVALID_PARAMETER, f"features: {quoted(name)} is asked for with POST {elsewhere}")
        if name not in operation.features:
            raise Problem(Kind.INVALID_PARAMETER, f"features: unknown feature {quoted(name)}{hint(name, operation.features)}")
    return tuple(operation.features[name] for name in names)


def _categories(values: list[str] | None) -> tuple[Category, ...]:
    names = _words(values or [])
    known = [category.value for category in Category]
    for name in names:
        if name not in known:
            raise Problem(Kind.INVALID_PARAMETER, f"categories: unknown category {quoted(name)}{hint(name, known)}")
    return tuple(Category(name) for name in names)


def _words(values: list[str]) -> tuple[str, ...]:
    """In the order given, each once; a list may be separated by commas, or the parameter repeated."""
    return tuple(dict.fromkeys(name.strip().lower() for value in values for name in value.split(",")))


def _single(fields: Mapping[str, list[str]], name: str, read: Callable[[str, str], T], default: T) -> T:
    values = fields.get(name)
    if values is None:
        return default
    if len(values) > 1:
        raise Problem(Kind.INVALID_PARAMETER, f"{name} is given {len(values)} times")
    return read(name, values[0].strip())


def _count(name: str, text: str) -> int:
    number = parse_decimal(text)
    if number is None or not number.is_integer() or not 1 <= number <= MAX_RESULTS:
        raise Problem(Kind.INVALID_PARAMETER, f"{name} must be an integer between 1 and {MAX_RESULTS}, not {quoted(text)}")
    return int(number)


def _ratio(name: str, text: str) -> float:
    number = parse_decimal(text)
    if number is None or number > 1:
        raise Problem(Kind.INVALID_PARAMETER, f"{name} must be a number between 0 and 1, not {quoted(text)}")
    return number


def read_image(raw: RawRequest, max_bytes: int) -> bytes:
    """The image's bytes, not looked at yet. Raises Problem for a body that cannot be one."""
    content_type = raw.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _MULTIPART:
        image = read_image_field(raw.body, content_type)
    elif media_type in _RAW_TYPES or media_type.startswith("image/"):
        image = raw.body
    else:
        raise Problem(
            Kind.INVALID_IMAGE, f"send the image as image/*, application/octet-stream or {_MULTIPART}, not {quoted(media_type)}"
        )
    if not image:
        raise Problem(Kind.MISSING_IMAGE, "the request has no image: send its bytes as the body, or as the form field 'image'")
    if len(image) > max_bytes:
        raise Problem(Kind.IMAGE_TOO_LARGE, f"the image has {len(image)} bytes, and {max_bytes} is the limit")
    return image


def read_tenant(headers: Mapping[str, str], clients: Clients) -> Tenant:
    """Whoever holds the API key; the key itself goes no further than this line. Raises Problem(UNAUTHENTICATED)."""
    return clients.of_key(headers.get("x-api-key", "").strip() or bearer_token(headers))
