"""Health, readiness, metrics, statistics and the dashboard: what operators and their machines look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any, TypeAlias

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.server.operators import Operators
from app.server.pages import page


class Readiness(StrEnum):
    """What `/readyz` says. Degraded is ready: images go alone, answers still come."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    STUCK = "stuck"
    DRAINING = "draining"


Handler: TypeAlias = Callable[..., Awaitable[Any]]

SERVING = frozenset({Readiness.READY, Readiness.DEGRADED})


@dataclass(frozen=True, slots=True)
class Vitals:
    """Where the probes get their facts from. `metrics` refreshes what is only known by asking, and returns the text."""

    readiness: Callable[[], Readiness]
    details: Callable[[], dict[str, Any]]
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]
    stats: Callable[[], Awaitable[dict[str, Any]]] = field(repr=False)


# What is true now is of no use later, and no business of a cache's.
_NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def add_probes(app: FastAPI, vitals: Vitals, operators: Operators) -> None:
    """Health and readiness are for everybody; figures and settings for those whom `operators` lets look."""
    dashboard_page = files("app.server").joinpath("dashboard.html").read_text(encoding="utf-8")

    def probe(path: str, summary: str = "", kind: type[Response] = JSONResponse) -> Callable[[Handler], Handler]:
        """GET, and HEAD for balancers that ask so. Without a summary it stays out of the API documentation.

        `kind`: what its answers are, for the documentation.
        """

        def add(handler: Handler) -> Handler:
            app.head(path, include_in_schema=False)(handler)
            shown = bool(summary)
            return app.get(path, tags=["operations"], summary=summary, include_in_schema=shown, response_class=kind)(handler)

        return add

    @probe("/healthz", "Is the process alive? Depends on nothing else")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @probe("/readyz", "Should traffic be sent here?")
    async def readyz() -> Response:
        readiness = vitals.readiness()
        status = 200 if readiness in SERVING else 503
        return JSONResponse({"status": readiness.value, **vitals.details()}, status_code=status)

    @probe("/metrics", "Prometheus metrics", PlainTextResponse)
    async def metrics(request: Request) -> Response:
        if refusal := operators.refusal(request):
            return refusal
        body, content_type = await vitals.metrics()
        return Response(body, headers={"content-type": content_type, **_NO_STORE})

    @probe("/v1/stats", "The same figures as JSON, and the effective settings")
    async def stats(request: Request) -> Response:
        return operators.refusal(request) or JSONResponse(await vitals.stats(), headers=_NO_STORE)

    @probe("/dashboard")
    async def dashboard(request: Request) -> Response:
        return operators.refusal(request) or page(dashboard_page)
