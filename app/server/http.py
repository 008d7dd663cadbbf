"""The HTTP surface: which path belongs to which dialect, and nothing else. Built once by `app.main`.

| path | who |
|---|---|
| `POST /v1/detect`, `/v1/classify`, `/v1/moderate` | native |
| `POST /` with `X-Amz-Target` | rekognition |
| everything under `/computervision/` and `/vision/` | azure (4.0 and 3.2) |
| `/v1...` of Cloud Vision (images, files, operations, with a project or location) | google |
| `/healthz /readyz /metrics /v1/stats /dashboard /docs` | operations (`app.server.probes`) |

A worker process serves only the operations.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from app.errors import Kind, Problem
from app.server.front import PLAINLY, FrontDoor
from app.server.operators import Operators
from app.server.pages import page
from app.server.probes import Vitals, add_probes
from app.server.tongues import ANALYSIS_BASE, VISION_BASE, Tongues
from app.wire.azure import AzureDialects
from app.wire.contract import Dialect
from app.wire.google import NoMethod, is_rest_path
from app.wire.headers import clean_request_id
from app.wire.native import DESCRIPTIONS, OPERATIONS, PROBLEM_EXAMPLES, ProblemReply

_FILES = "/static-offline-docs"  # where the offline package serves its files
_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

DESCRIPTION = """\
Composes several clients' images into one grid image, pays a vision API for one inference, and gives every client its own
boxes back. Vendor SDKs need only another endpoint; `POST /v1/detect`, `/v1/classify` and `/v1/moderate` are for everybody
else."""


def build_app(
    door: FrontDoor | None,
    tongues: Tongues,
    vitals: Vitals,
    operators: Operators,
    version: str,
) -> FastAPI:
    """The application. `door` is None in a worker process. No page of another site may call it: CORS stays off."""
    # Its scripts come with it: a plain FastAPI has the reader's browser fetch them from elsewhere.
    app = FastAPIOffline(
        docs_url=None, title="Tessera", version=version, description=DESCRIPTION, redoc_url=None, redirect_slashes=False
    )
    _add_documentation(app)
    if door is not None:
        _add_native(app, door, tongues.native)
        _add_rekognition(app, door, tongues.rekognition)
        _add_azure(app, door, tongues.azure)
        _add_google(app, door, tongues.google)
    add_probes(app, vitals, operators)
    _add_fallback(app, tongues)
    return app


def _add_documentation(app: FastAPI) -> None:
    shown = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Tessera",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
    )
    content = bytes(shown.body)

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> Response:
        return page(content)


def _add_native(app: FastAPI, door: FrontDoor, dialect: Dialect) -> None:
    schema = ProblemReply.model_json_schema()
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema, "example": example}},
        }
        for status, example in sorted(PROBLEM_EXAMPLES.items())
    }

    async def native(request: Request) -> Response:
        return await door.handle(request, dialect)

    for operation in OPERATIONS.values():
        app.add_api_route(
            operation.path,
            native,
            methods=["POST"],
            name=operation.name,
            response_model=operation.reply,
            responses=responses,
            openapi_extra=DESCRIPTIONS[operation.name],
            tags=["native"],
            summary=operation.summary,
        )


def _add_rekognition(app: FastAPI, door: FrontDoor, dialect: Dialect) -> None:
    @app.post("/", tags=["rekognition"], summary="Amazon Rekognition (AWS JSON 1.1, X-Amz-Target)")
    async def rekognition(request: Request) -> Response:
        """Point any AWS SDK's `endpoint_url` here. The operation is named by the header `X-Amz-Target`."""
        return await door.handle(request, dialect)


def _add_azure(app: FastAPI, door: FrontDoor, dialects: AzureDialects) -> None:
    """Whatever stands under the two base paths: what is not gridded is handed on to the vendor."""

    @app.post("/computervision/imageanalysis:analyze", tags=["azure"], summary="Azure Image Analysis 4.0")
    async def analyze(request: Request) -> Response:
        """Point the `endpoint` of azure-ai-vision-imageanalysis here."""
        return await door.handle(request, dialects.analysis)

    @app.post("/vision/v3.2/analyze", tags=["azure"], summary="Azure Computer Vision 3.2, visual features")
    @app.post("/vision/v3.2/detect", tags=["azure"], summary="Azure Computer Vision 3.2, objects")
    async def vision(request: Request) -> Response:
        """Point the `endpoint` of azure-cognitiveservices-vision-computervision here."""
        return await door.handle(request, dialects.vision)

    @app.api_route(f"{ANALYSIS_BASE}{{rest:path}}", methods=_ALL_METHODS, include_in_schema=False)
    async def other_analysis(request: Request) -> Response:
        return await door.handle(request, dialects.analysis)

    @app.api_route(f"{VISION_BASE}{{rest:path}}", methods=_ALL_METHODS, include_in_schema=False)
    async def other_vision(request: Request) -> Response:
        return await door.handle(request, dialects.vision)


class _GoogleRoute(Route):
    """All paths of one vendor. What they ask for, and whether with the right method, is for the dialect to say."""

    def __init__(self, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        super().__init__("/v1/images:annotate", endpoint, include_in_schema=False)
        self.methods = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not is_rest_path(scope["path"]):
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": {}}


def _add_google(app: FastAPI, door: FrontDoor, dialect: Dialect) -> None:
    async def google(request: Request) -> Response:
        return await door.handle(request, dialect)

    app.router.routes.append(_GoogleRoute(google))


def _add_fallback(app: FastAPI, tongues: Tongues) -> None:
    """What is no path of ours is answered in the caller's own language, too."""

    @app.exception_handler(HTTPException)
    async def not_ours(request: Request, error: HTTPException) -> Response:
        dialect = tongues.of(request.url.path, request.headers.keys())
        detail = f"{request.method} {request.url.path} is not served here"
        request_id = clean_request_id(request.headers.get("x-request-id"), lambda: str(uuid.uuid4()))
        unknown = NoMethod() if dialect is tongues.google else Problem(Kind.UNKNOWN_OPERATION, detail)
        reply = dialect.refuse(unknown, request_id)
        headers = {**reply.headers, **(error.headers or {}), **PLAINLY}
        if dialect is not tongues.native:
            return Response(reply.body, reply.status, headers)
        problem = ProblemReply.model_validate_json(reply.body).model_copy(update={"status": error.status_code})
        return Response(problem.model_dump_json(), error.status_code, headers)
