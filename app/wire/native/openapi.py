"""What the published description of the native operations says beyond their models: parameters, headers, bodies, examples.

Read by the server when it builds its routes (`openapi_extra` of FastAPI).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.core.moderation import Category
from app.errors import Kind
from app.wire import headers
from app.wire.native.operations import (
    CATEGORIES_PARAMETER,
    FEATURES_PARAMETER,
    OPERATIONS,
    RESULTS_PARAMETER,
    SCORE_PARAMETER,
    Operation,
)
from app.wire.native.refusals import ROWS, problem_type
from app.wire.native.request import DEFAULT_MAX_RESULTS, DEFAULT_MIN_SCORE_UNIT, MAX_RESULTS

_REQUEST_ID = "6f1c2b7e9d3a4f0b8a5e7c1d2b3a4f5e"
_IMAGE = {"width": 1280, "height": 960}
_GRID = {"layout": "2x1", "inferences": 0.5, "wait_ms": 41.7, "sheets": ["b7e0c2d9"]}
_FINDINGS: Mapping[str, dict[str, Any]] = {
    "detect": {
        "detections": [
            {
                "feature": "objects",
                "label": "Dog",
                "score": 0.9734,
                "box": {
                    "unit": {"left": 0.125, "top": 0.25, "right": 0.5, "bottom": 0.875},
                    "pixels": {"left": 160.0, "top": 240.0, "right": 640.0, "bottom": 840.0},
                },
                "parents": ["Animal", "Pet"],
            }
        ]
    },
    "classify": {
        "labels": [
            {
                "label": "Dog",
                "score": 0.9734,
                "count": 2,
                "parents": ["Animal", "Pet"],
                "categories": ["Animals and Pets"],
            },
            {"label": "Animal", "score": 0.9734, "count": 0, "parents": [], "categories": ["Animals and Pets"]},
        ]
    },
    "moderate": {
        "unsafe": True,
        "labels": [{"label": "Weapons", "category": "violence", "score": 0.955, "parents": ["Violence"]}],
    },
}
EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {name: {"request_id": _REQUEST_ID, "image": _IMAGE, **findings, "grid": _GRID} for name, findings in _FINDINGS.items()}
)
"""By operation: a good answer."""


def _problem(kind: Kind, detail: str) -> dict[str, Any]:
    row = ROWS[kind]
    facts = {"type": problem_type(kind), "title": row.title, "status": row.status, "detail": detail}
    return {**facts, "request_id": _REQUEST_ID}


# One for each status that a refusal can have: the first kind of problem of that status, and an instructive one for 400.
PROBLEM_EXAMPLES: Mapping[int, dict[str, Any]] = MappingProxyType(
    {row.status: _problem(kind, f"{row.title.lower()} (here it says why)") for kind, row in reversed(list(ROWS.items()))}
    | {400: _problem(Kind.INVALID_PARAMETER, "unknown parameter 'feature'; did you mean 'features'?")}
)

_FILE = {"type": "string", "format": "binary", "minLength": 1}
_BINARY = {"schema": _FILE}


def _query(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema, **more}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _listed(name: str, description: str, words: list[str], default: list[str]) -> dict[str, Any]:
    """A list with commas between. What is empty by default has no default: one cannot write an empty list in a query."""
    schema: dict[str, Any] = {"type": "array", "items": {"type": "string", "enum": words}, "minItems": 1}
    schema |= {"default": default} if default else {}
    return _query(name, description, schema, style="form", explode=False)


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    known = {
        FEATURES_PARAMETER: _listed(
            FEATURES_PARAMETER,
            "What to look for, separated by commas. What this server's provider does not offer is answered with 404.",
            [*operation.features],
            [operation.default.value],
        ),
        RESULTS_PARAMETER: _query(
            RESULTS_PARAMETER,
            "Most findings in the answer.",
            {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS, "default": DEFAULT_MAX_RESULTS},
        ),
        SCORE_PARAMETER: _query(
            SCORE_PARAMETER,
            "Lowest score of a finding in the answer.",
            {"type": "number", "minimum": 0, "maximum": 1, "default": DEFAULT_MIN_SCORE_UNIT},
        ),
        CATEGORIES_PARAMETER: _listed(
            CATEGORIES_PARAMETER,
            "The kinds of unsafe content that matter, separated by commas; without it all. What this server's provider does not"
            " look for is answered with 404; what it finds and nobody can put into a category always counts.",
            [category.value for category in Category],
            [],
        ),
    }
    return [known[name] for name in operation.parameters] + _HEADERS


_HEADERS = [
    _header(headers.GRID, "`off`: send this image alone.", {"type": "string", "enum": ["on", "off"], "default": "on"}),
    _header(headers.MAX_WAIT_MS, "Longest time to wait for company, in milliseconds.", {"type": "number", "minimum": 0}),
    _header(headers.MAX_MAP_DROP, "Largest accuracy loss (mAP) accepted.", {"type": "number", "minimum": 0, "maximum": 1}),
]

_BODY = {
    "required": True,
    "description": "The image itself (JPEG, PNG or WebP), or a form with the field `image`.",
    "content": {
        "image/*": _BINARY,
        "application/octet-stream": _BINARY,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "additionalProperties": False,
                "properties": {"image": _FILE},
            }
        },
    },
}


def _described(operation: Operation) -> dict[str, Any]:
    return {
        "parameters": _parameters(operation),
        "requestBody": _BODY,
        "responses": {"200": {"content": {"application/json": {"example": EXAMPLES[operation.name]}}}},
    }


DESCRIPTIONS: Mapping[str, dict[str, Any]] = MappingProxyType({name: _described(one) for name, one in OPERATIONS.items()})
"""By operation: what OpenAPI says of it beside the models of its answers."""
