"""The HTTP surface: which path belongs to which dialect, and nothing else. Built once by `app.main`.

| path | who |
|---|---|
| `POST /v1/detect` | native |
| `POST /` with `X-Amz-Target` | rekognition |
| `/healthz /readyz /metrics /v1/stats /dashboard /docs` | operations (`app.server.probes`) |

A worker process serves only the operations.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.errors import Kind, Problem
from app.server.front import FrontDoor
from app.server.probes import Vitals, add_probes
from app.wire.contract import Dialect
from app.wire.headers import clean_request_id
from app.wire.native import OPENAPI_OPERATION, PROBLEM_EXAMPLES, DetectReply, ProblemReply

DESCRIPTION = """\
Composes several clients' images into one grid image, pays a vision API for one inference, and gives every client its own
boxes back. Vendor SDKs need only another endpoint; `POST /v1/detect` is for everybody else."""


def build_app(door: FrontDoor | None, native: Dialect, rekognition: Dialect, vitals: Vitals, version: str) -> FastAPI:
    """The application. `door` is None in a worker process."""
    # Its documentation page brings its own scripts: a plain FastAPI has the reader's browser fetch them from elsewhere.
    app = FastAPIOffline(title="Tessera", version=version, description=DESCRIPTION, redoc_url=None, redirect_slashes=False)
    if door is not None:
        _add_native(app, door, native)
        _add_rekognition(app, door, rekognition)
    add_probes(app, vitals)
    _add_fallback(app, native, rekognition)
    return app


def _add_native(app: FastAPI, door: FrontDoor, dialect: Dialect) -> None:
    schema = ProblemReply.model_json_schema()
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema, "example": example}},
        }
        for status, example in sorted(PROBLEM_EXAMPLES.items())
    }

    @app.post(
        "/v1/detect",
        response_model=DetectReply,
        responses=responses,
        openapi_extra=OPENAPI_OPERATION,
        tags=["native"],
        summary="Detect objects or faces in one image",
    )
    async def detect(request: Request) -> Response:
        return await door.handle(request, dialect)


def _add_rekognition(app: FastAPI, door: FrontDoor, dialect: Dialect) -> None:
    @app.post("/", tags=["rekognition"], summary="Amazon Rekognition (AWS JSON 1.1, X-Amz-Target)")
    async def rekognition(request: Request) -> Response:
        """Point any AWS SDK's `endpoint_url` here. The operation is named by the header `X-Amz-Target`."""
        return await door.handle(request, dialect)


def _add_fallback(app: FastAPI, native: Dialect, rekognition: Dialect) -> None:
    """What is no path of ours is answered in the caller's own language, too."""

    @app.exception_handler(HTTPException)
    async def not_ours(request: Request, error: HTTPException) -> Response:
        dialect = rekognition if "x-amz-target" in request.headers else native
        detail = f"{request.method} {request.url.path} is not served here"
        request_id = clean_request_id(request.headers.get("x-request-id"), lambda: str(uuid.uuid4()))
        reply = dialect.refuse(Problem(Kind.UNKNOWN_OPERATION, detail), request_id)
        headers = {**reply.headers, **(error.headers or {})}
        if dialect is rekognition:
            return Response(reply.body, reply.status, headers)
        problem = ProblemReply.model_validate_json(reply.body).model_copy(update={"status": error.status_code})
        return Response(problem.model_dump_json(), error.status_code, headers)
