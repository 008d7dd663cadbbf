"""What the published description of `POST /v1/detect` says beyond its models: parameters, headers, bodies, examples.

Read by the server when it builds its routes (`openapi_extra` of FastAPI).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.errors import Kind
from app.wire import headers
from app.wire.native.refusals import ROWS, problem_type
from app.wire.native.request import (
    DEFAULT_FEATURE,
    DEFAULT_MAX_RESULTS,
    DEFAULT_MIN_SCORE_UNIT,
    FEATURES,
    MAX_RESULTS,
)

DETECT_EXAMPLE: dict[str, Any] = {
    "request_id": "6f1c2b7e9d3a4f0b8a5e7c1d2b3a4f5e",
    "image": {"width": 1280, "height": 960},
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
    ],
    "grid": {"layout": "2x1", "inferences": 0.5, "wait_ms": 41.7, "sheets": ["b7e0c2d9"]},
}


def _problem(kind: Kind, detail: str) -> dict[str, Any]:
    row = ROWS[kind]
    facts = {"type": problem_type(kind), "title": row.title, "status": row.status, "detail": detail}
    return {**facts, "request_id": DETECT_EXAMPLE["request_id"]}


# One for each status that a refusal can have: the first kind of problem of that status, and an instructive one for 400.
PROBLEM_EXAMPLES: Mapping[int, dict[str, Any]] = MappingProxyType(
    {row.status: _problem(kind, f"{row.title.lower()} (here it says why)") for kind, row in reversed(list(ROWS.items()))}
    | {400: _problem(Kind.INVALID_PARAMETER, "unknown parameter 'feature'; did you mean 'features'?")}
)

_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _query(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema, **more}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_PARAMETERS = [
    _query(
        "features",
        "What to look for, separated by commas. What this server's provider does not offer is answered with 404.",
        {"type": "array", "items": {"type": "string", "enum": list(FEATURES)}, "default": [DEFAULT_FEATURE.value]},
        style="form",
        explode=False,
    ),
    _query(
        "max_results",
        "Most detections in the answer.",
        {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS, "default": DEFAULT_MAX_RESULTS},
    ),
    _query(
        "min_score",
        "Lowest score of a detection in the answer.",
        {"type": "number", "minimum": 0, "maximum": 1, "default": DEFAULT_MIN_SCORE_UNIT},
    ),
    _header(headers.GRID, "`off`: send this image alone.", {"type": "string", "enum": ["on", "off"], "default": "on"}),
    _header(headers.MAX_WAIT_MS, "Longest time to wait for company, in milliseconds.", {"type": "number", "minimum": 0}),
    _header(headers.MAX_MAP_DROP, "Largest accuracy loss (mAP) accepted.", {"type": "number", "minimum": 0, "maximum": 1}),
]

OPENAPI_OPERATION: dict[str, Any] = {
    "parameters": _PARAMETERS,
    "requestBody": {
        "required": True,
        "description": "The image itself (JPEG, PNG or WebP), or a form with the field `image`.",
        "content": {
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                }
            },
        },
    },
    "responses": {
        "200": {"content": {"application/json": {"example": DETECT_EXAMPLE}}},
    },
}
